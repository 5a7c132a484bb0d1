/** Options from the environment and from a config file. */
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Command, Option } from "commander";
import { temporaryDir } from "../../store/testing/at-end.ts";
import { countArgument, withTarget } from "../options.ts";
import { configName, readConfig } from "./config-file.ts";
import { configSchema } from "./config-schema.ts";
import { manualPage } from "./manual-page.ts";
import { applySettings, checkSettings, type Settings } from "./settings.ts";

function program(): { program: Command; up: Command; create: Command } {
  const program = new Command("tequio");
  const up = program.command("up").description("start it");
  up.option("--workers <n>", "worker processes", countArgument("--workers", 0, 9), 1)
    .option("--no-qr", "no QR code")
    .option("--insecure", "no TLS")
    .addOption(new Option("--sandbox <kind>", "which").choices(["auto", "strict"]).default("auto"));
  withTarget(up).action(() => {});
  const create = program.command("token").command("create").option("--owner <name>", "whose");
  create.action(() => {});
  return { program, up, create };
}

type Given = { file?: Settings; env?: Record<string, string>; args?: string[] };

function parsed({ args = [], env = {}, file }: Given): Record<string, unknown> {
  const { program: all, up } = program();
  const read = file === undefined ? null : { path: "/etc/x/tequio.config.json", settings: file };
  all.hook("preAction", (_, command) => applySettings(command, read, env));
  all.parse(["up", ...args], { from: "user" });
  return up.opts();
}

test("the command line wins over the environment, that over the file", () => {
  const file = { all: { workers: 2 }, up: { sandbox: "strict", qr: false, workers: 3 } };
  const env = { TEQUIO_UP_WORKERS: "4", TEQUIO_UP_INSECURE: "yes" };
  const at = (given: Given) => parsed(given).workers;
  assert.equal(at({}), 1);
  assert.equal(at({ file: { all: file.all } }), 2);
  assert.equal(at({ file }), 3);
  assert.equal(at({ file, env }), 4);
  assert.equal(at({ file, env, args: ["--workers", "5"] }), 5);
  const { insecure, qr, sandbox } = parsed({ file, env });
  assert.deepEqual([insecure, qr, sandbox], [true, false, "strict"]);
});

test("a coordinator that the command line names hides the file's", () => {
  const file = { all: { url: "https://h:1", tokenFile: "t", fingerprint: "ab" } };
  assert.equal(parsed({ file }).tokenFile, "/etc/x/t", "paths are relative to the file");
  const { data, fingerprint, tokenFile, url } = parsed({ file, args: ["--data", "d"] });
  assert.deepEqual([data, fingerprint, tokenFile, url], ["d", undefined, undefined, undefined]);
});

test("wrong values name their place", () => {
  const wrong = (given: Given, text: RegExp) => assert.throws(() => parsed(given), text);
  wrong({ env: { TEQUIO_UP_WORKERS: "many" } }, /\$TEQUIO_UP_WORKERS/);
  wrong({ file: { up: { sandbox: "loose" } } }, /sandbox in .*tequio\.config\.json/);
  wrong({ file: { up: { qr: "never" } } }, /--no-qr is true or false/);
  wrong({ file: { up: { workers: {} } } }, /--workers is a text or a number/);
});

test("a file names commands and options that there are, and no secret", () => {
  const { program: all } = program();
  const check = (settings: Settings) => () =>
    checkSettings({ path: "/x.json", settings }, all.commands);
  check({ up: { workers: 2 }, "token create": { owner: "ana" }, all: { url: "u" } })();
  assert.throws(check({ upp: {} }), /no command "upp"; use all, up, token create/);
  assert.throws(check({ up: { wokers: 1 } }), /"wokers" is no option of it; it has workers/);
  assert.throws(check({ up: { token: "mrt_x" } }), /"token" is never in a file/);
});

test("the schema has every option that a file may set", () => {
  const schema = configSchema(program().program.commands) as {
    properties: Record<string, { properties: Record<string, Record<string, unknown>> }>;
  };
  const { properties } = schema.properties.up!;
  assert.deepEqual(properties.insecure, { description: "no TLS", type: "boolean" });
  assert.match(JSON.stringify(properties.sandbox), /\{"enum":\["auto","strict"\]\}/);
  assert.ok(!("token" in properties));
  assert.ok("owner" in schema.properties["token create"]!.properties);
});

function folder(t: TestContext): string {
  const dir = temporaryDir(t, "config-");
  return dir;
}

test("the nearest file above counts; one that others can write does not", (t) => {
  const dir = folder(t);
  const below = join(dir, "a", "b");
  mkdirSync(below, { recursive: true });
  const path = join(dir, configName);
  writeFileSync(path, '{"$schema": "./s.json", "up": {"workers": 2}}', { mode: 0o644 });
  assert.deepEqual(readConfig(below, {}), { path, settings: { up: { workers: 2 } } });
  chmodSync(path, 0o666);
  assert.throws(() => readConfig(below, {}), /other users of this machine can write/);
  const other = join(dir, "other.json");
  writeFileSync(other, "[]", { mode: 0o644 });
  assert.throws(() => readConfig(below, { TEQUIO_CONFIG: other }), /is not a JSON object/);
  assert.throws(
    () => readConfig(below, { TEQUIO_CONFIG: "none.json" }),
    /cannot read .*none\.json/,
  );
});

test("a manual page has what --help has", () => {
  const { up } = program();
  up.addHelpText("after", "\nExamples:\n  $ tequio up\n");
  const page = manualPage(up, "up", "2.0.0");
  assert.match(page, /^\.TH TEQUIO-UP 1 "" "tequio 2\.0\.0"/);
  assert.match(page, /\\fB\\-\\-workers <n>\\fR\nworker processes \(default: 1\)/);
  assert.match(
    page,
    /\\fB\\-\\-sandbox <kind>\\fR\nwhich \(one of auto, strict; default: "auto"\)/,
  );
  assert.match(page, /^\.SH EXAMPLES\n\.nf\n {2}\$ tequio up\n\.fi$/m);
});
