/** Tasks and bytes a second of the last minutes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { CoordinatorEvent } from "../../core/event.ts";
import { Activity, activityEveryMs } from "./activity.ts";

function reported(atMs: number, done: number, inputBytes = 0): CoordinatorEvent {
  const report = { kind: "done", task: 0, attempt: 1, durationMs: 1, inputBytes, output: {} };
  const failed = { kind: "failed", task: 0, attempt: 1, durationMs: 1, failure: {} };
  const reports = [...Array.from({ length: done }, () => report), failed];
  const event = { kind: "attempts-reported", atMs, worker: "w-1", job: "j-1", stage: 0, reports };
  return event as unknown as CoordinatorEvent;
}

const at = (interval: number) => 1_000_000 * activityEveryMs + interval * activityEveryMs;

test("whole intervals are shown, and the one that is being counted is not", () => {
  const activity = new Activity();
  activity.see(reported(at(0), 2, 10));
  activity.see(reported(at(0) + 1_999, 1));
  activity.see(reported(at(3), 5, 1));
  assert.deepEqual(activity.shown(at(3) + 10), {
    everyMs: activityEveryMs,
    tasks: [3, 0, 0],
    bytes: [20, 0, 0],
  });
  assert.deepEqual(activity.shown(at(4)).tasks, [3, 0, 0, 5]);
});

test("five minutes are kept, and what is older is nowhere counted again", () => {
  const activity = new Activity();
  for (let interval = 0; interval < 400; interval++) activity.see(reported(at(interval), interval));
  const { tasks } = activity.shown(at(400));
  assert.deepEqual([tasks.length, tasks[0], tasks.at(-1)], [150, 250, 399]);
  assert.ok(activity.shown(at(4_000)).tasks.every((count) => count === 0));
});

test("a clock that was corrected does not disturb it", () => {
  const activity = new Activity();
  activity.see(reported(at(5), 1));
  activity.see(reported(at(2), 1));
  assert.deepEqual(activity.shown(at(6)).tasks, [2]);
});
