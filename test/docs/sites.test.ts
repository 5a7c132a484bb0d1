/** What docs/sites offers to copy: units that systemd accepts, and an image whose steps exist. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { waitMaxMs } from "../../src/store/testing/patience.ts";
import { commandProblem } from "./commands.ts";
import { readText, root } from "./markdown.ts";

const folder = "docs/sites";
const units = readdirSync(join(root, folder)).filter((name) => name.endsWith(".service"));

function has(program: string): boolean {
  return spawnSync(program, ["--version"], { stdio: "ignore" }).status === 0;
}

function ran(program: string, ...args: readonly string[]): string {
  const { status, stderr, stdout } = spawnSync(program, args, {
    cwd: root,
    encoding: "utf8",
    timeout: waitMaxMs,
  });
  assert.equal(status, 0, `${program} ${args.join(" ")}: ${stdout}${stderr}`);
  return stdout + stderr;
}

/** Of a unit, by its name; the last one counts. */
function setting(unit: string, name: string): string | undefined {
  return new RegExp(`^${name}=(.*)$`, "m").exec(unit)?.[1];
}

test("systemd accepts the units, and finds little to harden", (t) => {
  if (!has("systemd-analyze")) return t.skip("no systemd-analyze is installed");
  assert.ok(units.length >= 2);
  for (const name of units) {
    const path = join(root, folder, name);
    // Of a setting that it does not know it only warns.
    assert.equal(ran("systemd-analyze", "verify", path), "", name);
    // Of 100. Workers keep namespaces, in which their tasks run.
    const threshold = name.includes("worker") ? 45 : 25;
    ran("systemd-analyze", "security", "--offline=true", `--threshold=${threshold}`, path);
  }
});

test("the units run commands that exist, and give a drain its time", async () => {
  for (const name of units) {
    const unit = readText(`${folder}/${name}`);
    const [, line] = /^\/usr\/bin\/env (tequio .*)$/.exec(setting(unit, "ExecStart") ?? "") ?? [];
    assert.ok(line !== undefined, name);
    assert.equal(await commandProblem(line), null);
    const [, drainS] = /--drain (\d+)s/.exec(line) ?? [];
    if (drainS === undefined) continue;
    assert.equal(setting(unit, "KillMode"), "mixed");
    assert.ok(Number(setting(unit, "TimeoutStopSec")) >= Number(drainS) + 10, name);
    // Each would keep the sandbox of tasks from working.
    for (const wall of ["RestrictNamespaces", "ProtectProc", "PrivateDevices"]) {
      assert.equal(setting(unit, wall), undefined, wall);
    }
  }
});

test("the steps of the Dockerfile exist", (t) => {
  const steps = readText(`${folder}/Dockerfile`)
    .replaceAll("\\\n", " ")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  const step = (name: string) => steps.filter((line) => line.startsWith(`${name} `));
  const { engines, version } = JSON.parse(readText("package.json"));
  assert.match(step("FROM")[0]!, new RegExp(`^FROM node:${engines.node.replace(">=", "")}-`));
  assert.deepEqual(step("ENTRYPOINT"), ['ENTRYPOINT ["tini", "--", "tequio"]']);
  assert.match(step("USER")[0]!, /^USER [1-9]\d*$/, "a number that is not root's");
  assert.deepEqual(step("COPY"), ["COPY tequio-*.tgz /tmp/"]);
  for (const line of step("RUN")) ran("sh", "-n", "-c", line.slice(4));
  const packed = ran("npm", "pack", "--dry-run", "--json", "--ignore-scripts");
  const [{ filename, files }] = JSON.parse(packed.slice(packed.indexOf("["))) as [
    { filename: string; files: ReadonlyArray<{ path: string }> },
  ];
  assert.equal(filename, `tequio-${version}.tgz`);
  const paths = new Set(files.map(({ path }) => path));
  for (const name of [...units, "Dockerfile"]) assert.ok(paths.has(`${folder}/${name}`), name);
  if (!has("apt-cache")) return t.skip("no apt-cache: its packages were not looked up");
  const [, installed] = /install --yes --no-install-recommends (.*?) &&/.exec(step("RUN")[0]!)!;
  const known = ran("apt-cache", "policy", ...installed!.split(/\s+/));
  const names = installed!.trim().split(/\s+/);
  assert.deepEqual(
    names.filter((one) => !known.includes(`${one}:`)),
    [],
  );
});
