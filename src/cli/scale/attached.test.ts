/** Workers whose input is held open: real shells, with a program that stands for the worker. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, watch, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { temporaryDir } from "../../store/testing/at-end.ts";
import { polled } from "../../store/testing/polled.ts";
import { AttachedWorkers, localPlace, sshPlace } from "./attached.ts";
import type { Scheduler, WorkerTerms } from "./scheduler.ts";
import { attachedScript, workerLine } from "./worker-line.ts";

/** Writes what it was given, and leaves on SIGTERM. */
const program = `
const { appendFileSync } = require("node:fs");
const say = (text) => appendFileSync(process.argv[2], text + "\\n");
const name = process.argv[process.argv.indexOf("--name") + 1];
process.on("SIGTERM", () => { say("left " + name); process.exit(0); });
say("joined " + name + " " + process.env.TEQUIO_TOKEN + " " + process.argv.slice(3).join(" "));
if (process.argv[2].endsWith("dies")) process.exit(7);
setInterval(() => {}, 1000);
`;

function started(t: TestContext, file = "said", max = 3) {
  const dir = temporaryDir(t, "scale-");
  const script = join(dir, "worker.cjs");
  const said = join(dir, file);
  writeFileSync(script, program);
  writeFileSync(said, "");
  const lines: string[] = [];
  const terms: WorkerTerms = {
    ...{ url: "http://127.0.0.1:7070", fingerprint: "", token: "mrt_secret", slots: 2 },
    program: `'${process.execPath}' '${script}' '${said}'`,
    ...{ drainS: 5, lifetimeS: null, more: [] },
  };
  const workers = new AttachedWorkers(terms, [localPlace(max)], (line) => lines.push(line));
  t.after(() => workers.close(0));
  return { workers, lines, said: (text: string) => until(said, text), file: said };
}

/** The file, once it has the text so often. */
function until(file: string, text: string, times = 1): Promise<string> {
  return new Promise((resolve) => {
    const look = () => {
      const all = readFileSync(file, "utf8");
      if (all.split(text).length <= times) return;
      watcher.close();
      resolve(all);
    };
    const watcher = watch(file, look);
    look();
  });
}

async function noneLeft(workers: Scheduler): Promise<void> {
  await polled(
    () => workers.units(),
    ({ length }) => length === 0,
  );
}

test("a worker gets its token by its input, and leaves when that ends", async (t) => {
  const { said, workers, file } = started(t);
  await workers.start(2);
  await until(file, "joined", 2);
  const all = readFileSync(file, "utf8");
  assert.match(all, /^joined local-\d+-1 mrt_secret join http:\/\/127\.0\.0\.1:7070 --slots 2/m);
  assert.doesNotMatch(all.replaceAll(/ mrt_secret join/g, ""), /mrt_secret/, "no argument has it");
  const dir = /--data (\S+)/.exec(all)?.[1] ?? "";
  assert.ok(existsSync(dir));
  const [first] = await workers.units();
  await workers.end([first!]);
  await said(`left ${first!.worker}`);
  const states = (await workers.units()).map(({ state }) => state);
  assert.ok(states.filter((state) => state === "running").length === 1);
  await workers.close(60_000);
  assert.ok(readFileSync(file, "utf8").match(/^left/gm)?.length === 2);
  assert.ok(!existsSync(dir), "nothing is left of it");
});

test("there are never more than the place allows, with those that leave", async (t) => {
  const { workers, file } = started(t, "said", 2);
  await workers.start(9);
  assert.equal((await workers.units()).length, 2);
  await until(file, "joined", 2);
  await workers.end(await workers.units());
  await workers.start(9);
  assert.ok((await workers.units()).length <= 2);
});

test("one that dies is reported, and after that started less and less often", async (t) => {
  const { lines, workers } = started(t, "dies", 1);
  await workers.start(1);
  await noneLeft(workers);
  await workers.start(1);
  assert.equal((await workers.units()).length, 1, "the first time at once");
  await noneLeft(workers);
  assert.match(lines[0]!, /^local-\d+-1 ended \(exit code 7\)/);
  await workers.start(1);
  assert.equal((await workers.units()).length, 0, "it waits");
});

test("hosts of ssh are hosts, and the script is one argument", () => {
  const place = sshPlace("ana@pc1", 2, ["-p", "2222"]);
  const command = place.command(`echo "it's"`);
  assert.deepEqual(command.slice(-4), ["2222", "--", "ana@pc1", `sh -c 'echo "it'\\''s"'`]);
  assert.equal(place.name, "pc1");
  assert.throws(() => sshPlace("-oProxyCommand=x", 1, []), /is not a host/);
});

test("the script names no token, and quotes what a shell would read", () => {
  const terms = { url: "https://h:1", fingerprint: "ab", token: "mrt_secret", program: "tequio" };
  const leave = { drainS: 5, lifetimeS: 60 };
  const line = workerLine({ ...terms, ...leave, slots: 1, more: ["--x", "a b"] }, "n");
  assert.equal(
    line,
    `tequio join https://h:1 --slots 1 --fingerprint ab --drain 5s --lifetime 60s --x 'a b' ` +
      `--name n --data "$dir"`,
  );
  assert.doesNotMatch(attachedScript(line), /mrt_/);
});
