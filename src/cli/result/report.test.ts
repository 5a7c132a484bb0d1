/** Status page and final summary as text. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JobSummary } from "../../core/summary.ts";
import { auditNotes, endedLines, statusLines } from "./report.ts";

const map = {
  kind: "map",
  taskCount: 4,
  waiting: 0,
  ready: 1,
  running: 1,
  done: 2,
  attemptsFailed: 1,
  attemptsLost: 0,
  backups: 0,
  inputBytes: 0,
  inputBytesDone: 0,
  outputBytes: 2048,
  outputRecords: 1500,
  startedAtMs: 1000,
  endedAtMs: 0,
  meanMs: 10,
} as const;

const job: JobSummary = {
  job: "j-3",
  name: "words\x1b[31m",
  owner: "ana",
  state: "failed",
  failure: {
    code: "user-error",
    message: "task t failed 4 of 4 attempts",
    stack: "RangeError: x\n    at map (job.ts:17:5)\n    at run (job.ts:3:1)",
  },
  submittedAtMs: 0,
  endedAtMs: 4000,
  atMs: 9000,
  stages: [map],
  counters: { "bad rows": 1234, all: 5 },
  output: "ndjson",
  waitingFor: "",
  errors: [{ code: "user-error", message: "x", task: "j-3/0/1#1", worker: "w-2" }],
};

test("a failed job's page names the place in the job file, counters and the last errors", () => {
  assert.deepEqual(statusLines(job, 100), [
    "j-3  words\\x1b[31m  failed  4.0 s",
    "  map  ████████████░░░░░░░░░░░░  2/4 tasks  0.7 tasks/s  1 failed",
    "  map: 1 running, 1 attempt failed, 1,500 records out, 2.05 kB",
    "counters:",
    "  all           5",
    "  bad rows  1,234",
    "failed:",
    "    user-error: task t failed 4 of 4 attempts",
    "      at map (job.ts:17:5)",
    "      at run (job.ts:3:1)",
    "last errors, newest first:",
    "  j-3/0/1#1 on w-2",
    "    user-error: x",
  ]);
});

test("the end of a run says where the result lies and what was set aside", () => {
  const ended = {
    name: "words",
    durationMs: 4200,
    waitedMs: 90,
    counters: { lines: 12 },
    files: ["out/part-0.ndjson", "out/part-1.ndjson"],
    dir: "out",
    records: 1,
    sizeBytes: 20,
    bad: { file: "out/_bad/records.ndjson", count: 3 },
    leftOut: 0,
  };
  assert.deepEqual(endedLines(ended), [
    "words done in 4.2 s: 1 record, 20 B",
    "result: 2 files in out",
    "3 bad records in out/_bad/records.ndjson",
    "counters:",
    "  lines  12",
  ]);
  // The stages say 1.2 s.
  const [first] = endedLines({ ...ended, waitedMs: 3000 });
  assert.equal(first, "words done in 4.2 s, 3.0 s of it before its first task: 1 record, 20 B");
});

test("equal errors are printed once, with their tasks, workers and number", () => {
  const failure = { code: "user-error", message: "no" } as const;
  const errors = [
    { ...failure, task: "task-1", worker: "w-2" },
    { ...failure, task: "task-1", worker: "w-1" },
    { ...failure, message: "other", task: "task-7", worker: "w-1" },
    { ...failure, task: "task-3", worker: "w-1" },
  ] as const;
  const lines = statusLines({ ...job, failure: null, errors }, 80);
  const at = lines.indexOf("last errors, newest first:");
  assert.deepEqual(lines.slice(at + 1), [
    "  task-1, task-3 on w-2, w-1, 3 times",
    "    user-error: no",
    "  task-7 on w-1",
    "    user-error: other",
  ]);
});

test("disputes are printed with the record, what a volunteer sent is escaped", () => {
  const record = { number: 4, partition: 2, first: '"a" → 1', second: '"a" → \u202e2\x1b' };
  const at = { stage: "map", task: 7, workers: ["w-2", "w-5"] } as const;
  const disputes = [
    { ...at, record, wrong: ["w-5"] },
    { ...at, task: 8, isOpen: true, wrong: [] },
    { ...at, task: 9, wrong: [] },
  ] as const;
  const lines = statusLines({ ...job, failure: null, errors: [], disputes }, 100).filter((line) =>
    line.includes("two results"),
  );
  assert.deepEqual(lines, [
    "  map task 7 gave two results, by w-2 and by w-5: record 4 of partition 2 is " +
      '"a" → 1, and "a" → \\x202e2\\x1b; found wrong: the result of w-5',
    "  map task 8 gave two results, by w-2 and by w-5; who is right is not decided",
    "  map task 9 gave two results, by w-2 and by w-5; it is settled",
  ]);
});

test("a job that is to be audited says when nothing is compared", () => {
  const [note] = auditNotes({ unaudited: "one-worker" });
  assert.match(note ?? "", /nothing is computed twice.*start another/);
  assert.deepEqual(auditNotes({}), []);
  assert.deepEqual(auditNotes({ audit: { tasks: 2 } }).length, 1);
});
