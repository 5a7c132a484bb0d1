/** The loop over a log in memory: order, replay, full disks, bounds and the clock. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { saveState } from "../../core/coordinator.ts";
import { ClusterError } from "../../core/error.ts";
import { mapReduceSpec, submission, testSpecs } from "../../core/testing/fake-cluster.ts";
import { jobSummary, workerSummaries } from "../../core/view.ts";
import type { Log } from "../../store/log/log.ts";
import { emptyLog, type LogContents, openMemoryLog } from "../../store/log/memory.ts";
import { ManualTimers } from "../testing/manual-timers.ts";
import { type NewEvent, replay } from "./journal.ts";
import { Loop, type LoopOptions, type OuterEffect } from "./loop.ts";

type Opened = { loop: Loop; effects: OuterEffect[]; fatal: Error[]; timers: ManualTimers };

async function open(log: Log, over: Partial<LoopOptions> = {}): Promise<Opened> {
  const effects: OuterEffect[] = [];
  const fatal: Error[] = [];
  const timers = (over.timers as ManualTimers) ?? new ManualTimers();
  const loop = await Loop.start({
    log,
    timers,
    perform: (effect) => effects.push(effect),
    onFatal: (error) => fatal.push(error),
    ...over,
  });
  return { loop, effects, fatal, timers };
}

const joined: NewEvent = {
  kind: "worker-joined",
  worker: null,
  owner: "ann",
  specs: testSpecs({ slots: 4 }),
  holding: [],
};

/** The records in the log replay to exactly the loop's state. */
async function assertReplays(loop: Loop, contents: LogContents): Promise<void> {
  const again = await replay(openMemoryLog(structuredClone(contents)));
  assert.deepEqual(saveState(again.state), saveState(loop.state));
  assert.equal(again.position, loop.position);
}

test("an event is durable before any of its effects is performed", async () => {
  const log = openMemoryLog();
  const seen: string[] = [];
  let position = 0;
  const { loop } = await open(
    {
      ...log,
      append: async (...args) => {
        position = await log.append(...args);
        seen.push("appended");
        return position;
      },
    },
    { perform: (effect) => seen.push(effect.kind) },
  );
  seen.length = 0;
  await loop.post(joined);
  await loop.post(submission(mapReduceSpec(2, 1)));
  assert.deepEqual(seen, ["appended", "appended", "job-changed", "open-job", "assign"]);
});

test("the answer to an event comes before its effects are performed", async () => {
  const seen: string[] = [];
  const { loop } = await open(openMemoryLog(), { perform: (effect) => seen.push(effect.kind) });
  await loop.post(submission(mapReduceSpec(2, 1)));
  seen.length = 0;
  await loop.post(joined, (reply) => seen.push(`joined as ${reply.worker}`));
  assert.deepEqual(seen, ["joined as w-1", "open-job", "assign"]);
});

test("events that are posted together share one append, in order", async () => {
  const log = openMemoryLog();
  const sizes: number[] = [];
  const { loop } = await open({
    ...log,
    append: (records, after) => {
      sizes.push(records.length);
      return log.append(records, after);
    },
  });
  const replies = await Promise.all([loop.post(joined), loop.post(joined), loop.post(joined)]);
  assert.deepEqual(
    replies.map((reply) => reply.worker),
    ["w-1", "w-2", "w-3"],
  );
  assert.deepEqual(sizes, [1, 3]);
});

test("the log replays to the state of the loop, also over snapshots and restarts", async () => {
  const contents = emptyLog();
  for (let round = 1; round <= 3; round++) {
    const { loop } = await open(openMemoryLog(contents), { snapshotRecords: 4 });
    assert.equal(loop.epoch, round);
    for (let n = 0; n < 3; n++) {
      await loop.post(joined);
      await loop.post(submission(mapReduceSpec(3, 2), `key ${round} ${n}`));
    }
    await assertReplays(loop, contents);
    await loop.stop();
  }
  assert.ok(contents.trimmed > 0);
  // Of 21 records; a snapshot of so few bytes is not made anew for each fourth.
  assert.ok(contents.records.length < 7);
});

test("a full disk refuses the event and nothing else, and the loop continues", async () => {
  const contents = emptyLog();
  const log = openMemoryLog(contents);
  let full = false;
  const { loop, fatal, effects } = await open({
    ...log,
    append: async (records, after) => {
      if (full) throw new ClusterError("storage-full", "no space");
      return log.append(records, after);
    },
  });
  full = true;
  await assert.rejects(loop.post(joined), { code: "storage-full", retryable: true });
  assert.deepEqual(workerSummaries(loop.state), []);
  assert.deepEqual(effects, []);
  full = false;
  assert.deepEqual(await loop.post(joined), { worker: "w-1" });
  assert.deepEqual(fatal, []);
  await assertReplays(loop, contents);
});

for (const code of ["storage-failed", "fenced"] as const) {
  test(`a log that answers ${code} stops the loop for good`, async () => {
    const log = openMemoryLog();
    let broken = false;
    const { loop, fatal } = await open({
      ...log,
      append: async (records, after) => {
        if (broken) throw new ClusterError(code, "broken");
        return log.append(records, after);
      },
    });
    broken = true;
    // To callers, a coordinator that was replaced is one that is away: they move to the next.
    const refused = code === "fenced" ? "unavailable" : code;
    await assert.rejects(loop.post(joined), { code: refused });
    await assert.rejects(loop.post(joined), { code: "unavailable" });
    assert.deepEqual(
      fatal.map((error) => (error as ClusterError).code),
      [code],
    );
  });
}

test("a broken law stops the loop and prints the event", async () => {
  const { loop, fatal } = await open(openMemoryLog());
  const broken = { kind: "job-submitted", owner: "ann", key: null, digest: "" } as never;
  await assert.rejects(loop.post(broken), { code: "unavailable" });
  assert.match(fatal[0]?.message ?? "", /record 2: .*job-submitted/);
});

test("above its bound the inbox refuses, and accepts again when there is room", async () => {
  const { loop } = await open(openMemoryLog(), { inboxMax: 2 });
  const first = [loop.post(joined), loop.post(joined)];
  await assert.rejects(loop.post(joined), { code: "unavailable", retryable: true });
  await Promise.all(first);
  assert.deepEqual(await loop.post(joined), { worker: "w-3" });
});

test("the inbox is bounded by characters too", async () => {
  const { loop } = await open(openMemoryLog(), { inboxMaxChars: 400 });
  const big = { ...joined, owner: "x".repeat(500) };
  await assert.rejects(loop.post(big), { code: "unavailable" });
});

test("C9: time continues from the last record when the wall clock was set back", async () => {
  const contents = emptyLog();
  const late = new ManualTimers(5_000_000);
  const one = await open(openMemoryLog(contents), { timers: late });
  await one.loop.post(joined);
  const early = new ManualTimers(1_000);
  const two = await open(openMemoryLog(contents), { timers: early });
  assert.equal(two.loop.nowMs(), 5_000_000);
  early.pass(250);
  assert.equal(two.loop.nowMs(), 5_000_250);
  early.setWallMs(99_000_000);
  assert.equal(two.loop.nowMs(), 5_000_250);
});

test("a deadline of the state becomes time-passed by itself", async () => {
  const { loop, timers } = await open(openMemoryLog());
  await loop.post(joined);
  const { job } = await loop.post(submission(mapReduceSpec(1, 1)));
  const failure = { code: "user-error", message: "no" } as const;
  const report = { kind: "failed", task: 0, attempt: 1, durationMs: 1, failure } as const;
  await loop.post({
    kind: "attempts-reported",
    worker: "w-1",
    job: job!,
    stage: 0,
    reports: [report],
  });
  const stage = () => jobSummary(loop.state, job!, 0)!.stages[0]!;
  assert.equal(stage().running, 0);
  timers.pass(99);
  await timers.settle();
  assert.equal(stage().running, 0);
  timers.pass(1);
  await timers.settle();
  assert.equal(stage().running, 1);
});

test("stop finishes what was posted and refuses what comes later", async () => {
  const { loop } = await open(openMemoryLog());
  const last = loop.post(joined);
  await loop.stop();
  assert.deepEqual(await last, { worker: "w-1" });
  await assert.rejects(loop.post(joined), { code: "unavailable" });
});

test("a coordinator that restarts often takes snapshots, too", async () => {
  const contents = emptyLog();
  for (let start = 0; start < 5; start++) {
    // Killed each time: there is no orderly stop.
    const { loop } = await open(openMemoryLog(contents), { snapshotRecords: 4 });
    await loop.confirm();
  }
  const snapshot = await openMemoryLog(contents).loadSnapshot();
  // Each start has two records.
  assert.equal(snapshot?.position, 8);
});

const manyRecords = 1_200;

async function postMany(loop: Loop): Promise<void> {
  await loop.post(joined);
  for (let n = 0; n < manyRecords; n++) await loop.post({ kind: "time-passed" });
}

/** Number of records that a start would replay. */
async function leftToReplay(contents: LogContents): Promise<number> {
  let records = 0;
  await replay(openMemoryLog(structuredClone(contents)), { replayed: () => records++ });
  return records;
}

test("G7: after a stop, and after some time, a start has nothing to replay", async () => {
  const stopped = emptyLog();
  const one = await open(openMemoryLog(stopped));
  await postMany(one.loop);
  assert.ok((await leftToReplay(stopped)) > manyRecords, "no snapshot was due");
  await one.loop.stop();
  assert.equal(await leftToReplay(stopped), 0);
  const running = emptyLog();
  const two = await open(openMemoryLog(running));
  await postMany(two.loop);
  two.timers.pass(300_000);
  await two.loop.post(joined);
  assert.equal(await leftToReplay(running), 0);
  await assertReplays(two.loop, running);
});

test("G7: a snapshot waits until the records are an eighth of the last one", async () => {
  const contents = emptyLog();
  const { loop } = await open(openMemoryLog(contents), { snapshotRecords: 4 });
  const { job } = await loop.post(submission(mapReduceSpec(20_000, 1)));
  assert.ok(job !== undefined);
  await loop.post(joined);
  for (let n = 0; n < 8; n++) await loop.post({ kind: "time-passed" });
  assert.ok((await leftToReplay(contents)) >= 7);
});

test("G8: a long replay reports its progress, and lets other work run meanwhile", async () => {
  const contents = emptyLog();
  const { loop } = await open(openMemoryLog(contents));
  await postMany(loop);
  const seen: number[] = [];
  let turns = 0;
  let nowMs = 0;
  const onReplay = ({ done, total }: { done: number; total: number }) => {
    assert.equal(total, manyRecords + 2);
    seen.push(done);
    setImmediate(() => turns++);
  };
  const timers = new ManualTimers();
  timers.monotonicMs = () => (nowMs += 30);
  await open(openMemoryLog(contents), { onReplay, timers });
  assert.ok(
    seen.length >= 2 && seen.every((done, index) => done > (seen[index - 1] ?? 0)),
    `${seen}`,
  );
  assert.equal(turns, seen.length);
});

test("a large snapshot waits for as many bytes of records as it has itself", async () => {
  const log = openMemoryLog();
  const sizes: number[] = [];
  let records = 0;
  const counted: Log = Object.assign(Object.create(log), {
    append: (...args: Parameters<Log["append"]>) => {
      records += 1;
      return log.append(...args);
    },
    saveSnapshot: (...args: Parameters<Log["saveSnapshot"]>) => {
      sizes.push(records);
      return log.saveSnapshot(...args);
    },
  });
  const { loop } = await open(counted, { snapshotRecords: 1, snapshotBytes: 1 });
  for (let round = 0; round < 64; round++) await loop.post(joined);
  const gaps = sizes.map((at, index) => at - (sizes[index - 1] ?? 0));
  assert.ok(sizes.length >= 4, "snapshots continue");
  assert.ok(gaps.at(-1)! >= 8, `ever more records lie between two of them: ${gaps.join(" ")}`);
  await loop.stop();
});
