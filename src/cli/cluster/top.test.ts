/** What `tequio top` draws of two looks at a cluster. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JobSummary, WorkerSummary } from "../../core/summary.ts";
import { type Look, linesOf } from "./top.ts";

const worker = (over: Partial<WorkerSummary>) =>
  ({
    worker: "w-1",
    name: "snake",
    state: "live",
    slots: 2,
    running: 1,
    queued: 4,
    done: 10,
    failed: 0,
    ...over,
  }) as WorkerSummary;

const stage = { taskCount: 50, running: 1, done: 20 };
const job = (over: object) =>
  ({
    job: "j-1",
    name: "sweep",
    owner: "ana",
    state: "running",
    stages: [stage, { ...stage, running: 0, done: 0 }],
    submittedAtMs: 1_000,
    atMs: 63_000,
    waitingFor: "",
    ...over,
  }) as unknown as JobSummary;

const plain = (look: Look, before: Look | null) => linesOf(look, before).join("\n");

test("workers with their rate since the look before, and running jobs", () => {
  const gone = worker({ worker: "w-2", state: "lost", done: 100 });
  const before: Look = { atMs: 0, workers: [worker({}), gone], jobs: [] };
  const ended = job({ job: "j-0", name: "done before", state: "done" });
  // More runs than there are slots, as of a tab.
  const now = worker({ done: 1_510, running: 9 });
  const text = plain({ atMs: 500, workers: [now, gone], jobs: [job({}), ended] }, before);
  assert.match(text, /1 worker, 2 of 2 slots busy, 3,000 tasks\/s/);
  assert.match(text, /^j-1 +sweep +ana +20\/100 +1 +1:02$/m);
  assert.match(text, /^w-1 +snake +9\/2 +4 +1,510 +3,000 +0$/m);
  assert.doesNotMatch(text, /j-0|w-2/);
});

test("at first there is no rate; an empty cluster says what to do", () => {
  const text = plain({ atMs: 0, workers: [], jobs: [] }, null);
  assert.doesNotMatch(text, /tasks\/s/);
  assert.match(text, /no job is running/);
  assert.match(text, /no workers; add this machine with: tequio join/);
});
