/** Progress from summaries alone: no terminal, no clock. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JobSummary, StageSummary } from "../core/summary.ts";
import { observe, type Progress, plainLine, stageLines, stageSpeed } from "./progress.ts";
import { columnsOf } from "./text.ts";

const idle: StageSummary = {
  kind: "map",
  taskCount: 40,
  waiting: 0,
  ready: 40,
  running: 0,
  done: 0,
  attemptsFailed: 0,
  attemptsLost: 0,
  backups: 0,
  inputBytes: 4_000_000_000,
  inputBytesDone: 0,
  outputBytes: 0,
  outputRecords: 0,
  startedAtMs: 0,
  endedAtMs: 0,
  meanMs: 0,
};

function summaryAt(atMs: number, ...stages: readonly Partial<StageSummary>[]): JobSummary {
  return {
    job: "j-7",
    name: "words",
    owner: "ana",
    state: "running",
    failure: null,
    submittedAtMs: 0,
    endedAtMs: 0,
    atMs,
    stages: stages.map((stage) => ({ ...idle, ...stage })),
    counters: {},
    output: "ndjson",
    waitingFor: "",
    errors: [],
  };
}

function observeAll(summaries: readonly JobSummary[]): Progress {
  return summaries.reduce<Progress | null>(observe, null) as Progress;
}

/** 100 MB/s and one task a second from `fromMs` to `toMs`, a summary each 100 ms. */
function steady(fromMs: number, toMs: number): JobSummary[] {
  const summaries: JobSummary[] = [];
  for (let atMs = fromMs; atMs <= toMs; atMs += 100) {
    const part = { startedAtMs: 1, done: Math.floor(atMs / 1000), inputBytesDone: atMs * 1e5 };
    summaries.push(summaryAt(atMs, part));
  }
  return summaries;
}

test("a running stage shows its share, its speed and the time left", () => {
  const [line] = stageLines(observeAll(steady(100, 10_000)), 80);
  assert.equal(line, "map  ██████░░░░░░░░░░░░░░░░░░  10/40 tasks  100 MB/s  about 30 s left");
});

test("the time left follows the recent speed, not the mean since the start", () => {
  const slow = [summaryAt(1000, { startedAtMs: 1 }), summaryAt(100_000, { startedAtMs: 1 })];
  const fast = [1, 2, 3].map((s) =>
    summaryAt(100_000 + s * 4000, { startedAtMs: 1, done: s * 4, inputBytesDone: s * 4e8 }),
  );
  const { bytesPerS, etaMs } = stageSpeed(observeAll([...slow, ...fast]), 0);
  assert.equal(bytesPerS, 1e8);
  assert.equal(etaMs, 28_000);
});

test("the time left changes calmly, and is unknown before enough is measured", () => {
  const stage = { kind: "tasks", taskCount: 10_000, inputBytes: 0, startedAtMs: 1 } as const;
  const at = (s: number, done: number) => summaryAt(1 + s * 1_000, { ...stage, done });
  const first = observeAll([at(0, 0), at(1, 2)]);
  assert.deepEqual(first.leftMs, [null]);
  // Three tasks a second; then reports of hundreds come at once, as of a tab.
  const slow = [2, 3, 4, 5].map((s) => at(s, 3 * s));
  const all = observeAll([at(0, 0), ...slow]);
  const [leftMs] = all.leftMs;
  assert.ok(leftMs !== undefined && leftMs !== null && leftMs > 3_000_000, `${leftMs}`);
  const jump = observe(all, at(6, 5_000));
  assert.ok(jump.leftMs[0]! > 0.4 * leftMs, `${leftMs} and then ${jump.leftMs[0]}`);
  const later = [7, 8, 9, 10, 11, 12].reduce((before, s) => observe(before, at(s, s * 800)), jump);
  assert.ok(later.leftMs[0]! < 0.2 * leftMs, `${leftMs} and later ${later.leftMs[0]}`);
});

test("samples stay bounded however often summaries come, and keep the window", () => {
  const progress = observeAll(steady(10, 60_000));
  assert.ok(progress.samples.length <= 130, `${progress.samples.length} samples`);
  assert.ok(Math.abs(stageSpeed(progress, 0).bytesPerS - 1e8) < 1);
});

test("a follower that comes late does not count earlier work as speed", () => {
  const late = observeAll(steady(50_000, 50_000));
  assert.deepEqual(stageSpeed(late, 0), { tasksPerS: 0, bytesPerS: 0, etaMs: null });
});

test("without known bytes, tasks a second give the time left", () => {
  const stage = { kind: "tasks", taskCount: 10_000, inputBytes: 0, startedAtMs: 1 } as const;
  const progress = observeAll([
    summaryAt(1, stage),
    summaryAt(1001, { ...stage, done: 5000, ready: 5000 }),
  ]);
  const text = plainLine(progress);
  assert.equal(text, "j-7: tasks 5,000/10,000 tasks, 5,000 tasks/s, about 1 s left");
});

test("an ended stage shows its duration and bytes read, and lost attempts are counted", () => {
  const map = {
    done: 40,
    startedAtMs: 1000,
    endedAtMs: 9000,
    inputBytesDone: 4e9,
    attemptsFailed: 1,
    attemptsLost: 2,
  };
  const reduce = { kind: "reduce", taskCount: 4, inputBytes: 0, startedAtMs: 9000 } as const;
  const lines = stageLines(observeAll([summaryAt(9001, map, reduce)]), 120);
  assert.deepEqual(lines, [
    "map     ████████████████████████  40/40 tasks  500 MB/s  in 8.0 s  4.00 GB  1 failed  2 lost",
    "reduce  ░░░░░░░░░░░░░░░░░░░░░░░░    0/4 tasks",
  ]);
});

test("no line is wider than the terminal, down to the narrowest", () => {
  const waits = { ...steady(100, 10_000).at(-1)!, waitingFor: "no worker\n\x1b[2J is here 一二三" };
  const progress = observeAll([...steady(100, 9900), waits]);
  for (let width = 1; width <= 120; width += 1) {
    for (const line of stageLines(progress, width)) assert.ok(columnsOf(line) <= width, line);
  }
  assert.match(stageLines(progress, 120)[1] ?? "", /^waits: no worker \\x1b\[2J is here 一二三$/);
});

test("a stage that was cancelled before it began has taken no time", () => {
  const ended = summaryAt(9000, { endedAtMs: 8000 });
  assert.equal(plainLine(observe(null, ended)), "j-7: map 0/40 tasks");
});

test("an empty stage is whole, not a division by zero", () => {
  const empty = { taskCount: 0, inputBytes: 0, startedAtMs: 5, endedAtMs: 5 };
  const [line] = stageLines(observeAll([summaryAt(5, empty)]), 60);
  assert.equal(line, "map  ████████████████████████  0/0 tasks  in 0 ms");
});

test("the time left does not count the time in which the coordinator was away", () => {
  const before = steady(100, 10_000);
  const upSinceMs = 70_000;
  // It was away for a minute, and goes on as before.
  const after = steady(100, 15_000)
    .slice(100)
    .map((one) => {
      return { ...one, atMs: one.atMs + 60_000, upSinceMs };
    });
  const speeds = [13_000, 15_000].map((untilMs) => {
    const told = after.filter(({ atMs }) => atMs <= 60_000 + untilMs);
    return stageSpeed(observeAll([...before, ...told]), 0);
  });
  for (const { bytesPerS, etaMs } of speeds) {
    assert.ok(Math.abs(bytesPerS - 1e8) < 1e6, `${bytesPerS} bytes/s`);
    assert.ok(etaMs !== null && etaMs < 30_000, `${etaMs} ms left`);
  }
  // A stage that began shortly before, of which nothing was seen.
  const [first] = after.slice(-1);
  const begun = first!.stages.map((stage) => ({ ...stage, startedAtMs: 65_000 }));
  assert.equal(stageSpeed(observeAll([{ ...first!, stages: begun }]), 0).etaMs, null);
});
