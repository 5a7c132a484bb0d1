/** How many workers are wanted, as the load goes up and down. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JobSummary } from "../../core/summary.ts";
import { type Load, loadOf, ScalePlan, wantedNow } from "./plan.ts";

const limits = { min: 0, max: 50, slots: 1, withinMs: 60_000, holdMs: 120_000 };
const load = (tasks: number, eachMs = 10_000, otherSlots = 0): Load => ({
  ...{ tasks, waitingMs: tasks * eachMs, otherSlots },
});

test("what waits is done within the time, with no more slots than tasks", () => {
  assert.equal(wantedNow(load(0), limits), 0);
  assert.equal(wantedNow(load(1, 1), limits), 1, "one short task is worth a worker");
  assert.equal(wantedNow(load(60), limits), 10, "60 tasks of 10 s in a minute");
  assert.equal(wantedNow(load(3, 3_600_000), limits), 3, "three tasks of an hour");
  assert.equal(wantedNow(load(60), { ...limits, slots: 4 }), 3);
});

test("never more than the maximum, never fewer than the minimum", () => {
  assert.equal(wantedNow(load(100_000), limits), 50);
  assert.equal(wantedNow(load(0), { ...limits, min: 2 }), 2);
  assert.equal(wantedNow(load(9, 1), { ...limits, min: 2, max: 2 }), 2);
});

test("slots of others count", () => {
  assert.equal(wantedNow(load(60, 10_000, 10), limits), 1, "they would do, but all are busy");
  assert.equal(wantedNow(load(60, 10_000, 4), limits), 6);
  assert.equal(wantedNow(load(3, 3_600_000, 8), limits), 0);
});

test("up at once, down only when nothing more was wanted for a while", () => {
  const plan = new ScalePlan(limits);
  const counts = [
    [0, 60],
    [10_000, 0],
    [70_000, 30],
    [119_000, 0],
    [121_000, 0],
    [189_000, 0],
    [191_000, 0],
    [240_000, 0],
  ].map(([atMs, tasks]) => plan.decide(load(tasks!), atMs!));
  assert.deepEqual(counts, [10, 10, 10, 10, 5, 5, 0, 0]);
});

test("tasks of a stage that was not measured count as long", () => {
  const stage = { meanMs: 0, ready: 12, running: 2 };
  const jobs = [
    { state: "running", stages: [stage, { meanMs: 100, ready: 5, running: 4 }] },
    { state: "done", stages: [{ ...stage }] },
  ] as unknown as JobSummary[];
  assert.deepEqual(loadOf(jobs, 3), {
    tasks: 23,
    waitingMs: 12 * 10_000 + 500 + 200,
    otherSlots: 3,
  });
});
