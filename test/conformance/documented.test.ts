/** The suites as a third party uses them: the example of docs/conformance.md, and a log and a link
 *  that do not conform. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { writeExample } from "../../scripts/documented.ts";
import { type Link, linkChecks, logChecks } from "../../src/conformance/index.ts";
import { memoryLinkPair } from "../../src/link/memory.ts";
import { openMemoryLog } from "../../src/store/log/memory.ts";
import { temporaryDir } from "../../src/store/testing/at-end.ts";
import { root } from "../docs/markdown.ts";

const run = promisify(execFile);
const folder = temporaryDir({ after }, "tequio-conformance-");

test("the example of the documentation passes every check of the log suite", async () => {
  const names = writeExample(folder);
  assert.deepEqual(names, ["list-log.ts", "list-log.test.ts"]);
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }\n');
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(root, join(folder, "node_modules", "tequio"), "dir");
  const flags = ["--conditions=tequio-source", "--test-reporter=tap", "list-log.test.ts"];
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
  const { stdout } = await run(process.execPath, flags, { cwd: folder, env });
  const passed = stdout.split("\n").filter((line) => line.startsWith("ok "));
  assert.equal(passed.length, logChecks(async () => ({ log: openMemoryLog() })).length);
});

/** Names of the checks that fail. */
async function failing(checks: ReturnType<typeof logChecks>): Promise<string[]> {
  const failed: string[] = [];
  for (const { name, run: check, skip } of checks) {
    if (skip !== null) continue;
    await check().catch(() => failed.push(name));
  }
  return failed;
}

test("a log that does not fence is found", async () => {
  const open = async () => {
    const log = openMemoryLog();
    const append = async (records: readonly Uint8Array[]) => log.append(records, await log.last());
    return { log: { ...log, append } };
  };
  const reopen = { reason: "remembers nothing", tests: names("opened again") };
  const failed = await failing(logChecks(open, { skip: [reopen] }));
  assert.ok(failed.includes("a wrong `after` is fenced and writes nothing"), failed.join("; "));
});

function names(part: string): string[] {
  const all = logChecks(async () => ({ log: openMemoryLog() }));
  return all.map(({ name }) => name).filter((name) => name.includes(part));
}

test("a link that delivers inside send is found", async () => {
  const checks = linkChecks(async (limits) => {
    const [first, second] = memoryLinkPair({ ...limits, schedule: (deliver) => deliver() });
    return { ends: [first, second] as [Link, Link] };
  });
  const check = checks.find(({ name }) => name === "never delivers inside send");
  await assert.rejects(check!.run(), { name: "AssertionError" });
});

test("a name that is no check cannot be skipped", () => {
  const skip = [{ reason: "a mistake", tests: ["no such check"] }];
  assert.throws(() => logChecks(async () => ({ log: openMemoryLog() }), { skip }), /no such check/);
});
