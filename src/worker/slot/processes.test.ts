/** Which process serves which job, and when one is ended. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { newFolder, removeFolder } from "../../store/testing/at-end.ts";
import { waitMaxMs } from "../../store/testing/patience.ts";
import type { Plan } from "../../wire/block/plan.ts";
import type { JobFiles, OpenedJob } from "../shuffle/jobs.ts";
import { Processes } from "./processes.ts";
import { probeSandbox } from "./sandbox-node.ts";

const mebibyte = 1024 * 1024;

type Setting = {
  readonly processes: Processes;
  /** Of those that were started and have not ended, in this order. */
  readonly started: () => string[];
  /** `code`: which of several. */
  readonly take: (job: string, code?: number, clockMs?: number) => ReturnType<Processes["take"]>;
};

async function setUp(t: TestContext, { idleMs = 1, renewsSpare = true } = {}): Promise<Setting> {
  const dir = newFolder("processes-");
  const processes = new Processes({
    slots: 1,
    sandbox: await probeSandbox("basic"),
    dir: join(dir, "slots"),
    memoryBytes: 64 * mebibyte,
    scratchMaxBytes: 64 * mebibyte,
    // By default: while it starts, which takes longer, the job of another one ends.
    idleMs,
    renewsSpare,
  });
  t.after(async () => {
    await processes.stop();
    removeFolder(dir);
  });
  const plan = { version: 1, files: [], splits: [], items: null, params: {}, reducers: 0 };
  const take = (name: string, which = 0, frozenAtMs = 0) => {
    const reads = which < 0 ? "const began = Date.now();" : "";
    const run = `() => ${which}`;
    const text = `${reads} export default { kind: 'tasks', options: { items: [], run: ${run} } };`;
    const codePath = join(dir, `code-${which}.mjs`);
    writeFileSync(codePath, text);
    const codeHash = createHash("sha256").update(text).digest("hex");
    const files = { codePath, codeHash, taskPlan: { text: JSON.stringify(plan) }, itemsFile: null };
    const job = { open: { job: name, owner: "ana", frozenAtMs } };
    return processes.take(0, {
      job: job as unknown as OpenedJob,
      files: { ...files, plan: plan as unknown as Plan } satisfies JobFiles,
      next: null,
    });
  };
  const started = () => readdirSync(join(dir, "slots")).sort();
  return { processes, started, take };
}

test("X1: a process that starts for a job is not ended because another job has", async (t) => {
  const { processes, take } = await setUp(t);
  const taking = take("j-1");
  processes.closeJob("j-9");
  const { process } = await taking;
  assert.equal(process.over, false);
  assert.equal(process.job, "j-1");
});

test("a process whose run is given up while it starts goes to the next run", async (t) => {
  const { processes, take } = await setUp(t);
  const first = take("j-1");
  processes.kill(0);
  const second = take("j-2");
  await assert.rejects(first, /not for this run/);
  const { process } = await second;
  assert.equal(process.job, "j-2");
  const { readDir } = process;
  assert.equal(
    readDir.endsWith(join("slots", "1", "read")),
    true,
    `no other was started: ${readDir}`,
  );
});

test("jobs of two codes that take turns in a slot keep a process each", async (t) => {
  const { take } = await setUp(t, { idleMs: waitMaxMs });
  const dirs: string[] = [];
  for (let turn = 0; turn < 6; turn++) {
    const { process } = await take(`j-${turn}`, turn % 2);
    dirs.push(process.readDir);
  }
  assert.equal(new Set(dirs).size, 2, dirs.join(" "));
});

test("of many codes the one that has waited longest is given up", async (t) => {
  const { take } = await setUp(t, { idleMs: waitMaxMs });
  const first = (await take("j-1", 1)).process;
  for (const code of [2, 3]) await take(`j-${code}`, code);
  assert.equal(first.over, false);
  await take("j-4", 4);
  await first.ended;
  assert.equal((await take("j-5", 3)).process.over, false);
});

test("processes whose jobs are over do not stay for long", async (t) => {
  const { processes, take } = await setUp(t);
  const first = (await take("j-1", 1)).process;
  const second = (await take("j-2", 2)).process;
  processes.closeJob("j-1");
  processes.closeJob("j-2");
  await Promise.all([first.ended, second.ended]);
});

test("a process whose code has seen one time is not used for another", async (t) => {
  const { take } = await setUp(t, { idleMs: waitMaxMs });
  const pids: number[] = [];
  for (const [name, code, clockMs] of [
    ["j-1", 0, 5],
    ["j-2", 0, 6],
    ["j-3", -1, 7],
    ["j-4", -1, 7],
    ["j-5", -1, 8],
  ] as const) {
    const { process } = await take(name, code, clockMs);
    pids.push(process.pid);
  }
  assert.equal(pids[0], pids[1], "what has never looked knows nothing of the time");
  assert.equal(pids[2], pids[3]);
  assert.notEqual(pids[3], pids[4]);
});

for (const renewsSpare of [true, false]) {
  const how = renewsSpare ? "has another" : "that runs one job has no other";
  test(`a worker whose spare process was taken ${how}`, async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const { started, take } = await setUp(t, { renewsSpare });
    await take("j-1");
    t.mock.timers.tick(1_000);
    assert.deepEqual(started(), renewsSpare ? ["1", "2"] : ["1"]);
  });
}
