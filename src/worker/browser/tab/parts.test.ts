/** A tab's part in each job. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { TabParts } from "./parts.ts";
import type { TabTask } from "./session.ts";

const task = (job: string, place = `/t/${job}`) =>
  ({ job, jobName: `name of ${job}`, owner: "ana", place }) as TabTask;

const did = (count: number) => Array.from({ length: count }, () => ({ kind: "done" as const }));

test("the newest job is first, with its progress and this tab's part", async () => {
  const asked: string[] = [];
  const parts = new TabParts(async (place) => {
    asked.push(place);
    if (place === "/t/gone") throw new Error("it has ended");
    return { state: "running", done: 70, taskCount: 100 };
  });
  parts.began(task("j-1"));
  assert.deepEqual(asked.splice(0), ["/t/j-1"], "at once");
  parts.did(task("j-1"), [...did(3), { kind: "failed" }]);
  parts.began(task("j-2", "/t/gone"));
  parts.began(task("j-1", "/t/later"));
  parts.did(task("j-1"), did(2));
  parts.computed(task("j-1"), 120);
  parts.moved(task("j-1"), 1_000, "fetched");
  parts.moved(task("j-2"), 10, "sent");
  asked.splice(0);
  await parts.look(["j-1", "j-2", "j-9"]);
  assert.deepEqual(asked.sort(), ["/t/gone", "/t/later"]);
  const [first, second] = parts.shown;
  assert.deepEqual(first, {
    ...{ job: "j-1", jobName: "name of j-1", owner: "ana", done: 70, taskCount: 100, mine: 5 },
    ...{ failed: 1, busyMs: 120, fetchedBytes: 1_000, sentBytes: 0 },
  });
  assert.deepEqual([parts.busyMs, parts.fetchedBytes, parts.sentBytes], [120, 1_000, 10]);
  assert.deepEqual([parts.doneCount, parts.failedCount], [5, 1]);
  assert.deepEqual([second?.job, second?.taskCount], ["j-2", 0]);
});

test("what a tab has done of a job counts before the next look", async () => {
  const parts = new TabParts(async () => ({ state: "running", done: 0, taskCount: 2 }));
  parts.began(task("j-1"));
  await parts.look(["j-1"]);
  parts.did(task("j-1"), did(3));
  const [{ done, taskCount } = { done: -1, taskCount: -1 }] = parts.shown;
  assert.deepEqual([done, taskCount], [2, 2], "a task that was tried twice is one");
});

test("only a few jobs are remembered", () => {
  const parts = new TabParts(() => Promise.reject(new Error("none")));
  for (let n = 0; n < 50; n++) parts.began(task(`j-${n}`));
  const jobs = parts.shown.map(({ job }) => job);
  assert.deepEqual([jobs.length, jobs[0], jobs.at(-1)], [20, "j-49", "j-30"]);
});
