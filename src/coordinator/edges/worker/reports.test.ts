/** The events that workers' messages become. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { packTaskId } from "../../../wire/manager/taskid.ts";
import { statusEvents } from "./reports.ts";

const tag = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const report = new Uint8Array(0);

test("T2.5: a worker's own start time of a task is ignored", () => {
  const ref = { job: "j-1", stage: 0, task: 3, attempt: 1 } as const;
  for (const unixS of [0, 1, 2 ** 31, 2 ** 40]) {
    const taskId = packTaskId(tag, ref);
    const events = statusEvents("w-1", [{ taskId, data: { kind: "started", unixS }, report }], tag);
    assert.deepEqual(events, [{ kind: "attempts-started", worker: "w-1", attempts: [ref] }]);
  }
});

test("T2.4: a status of a task that is not of this cluster makes no event", () => {
  const foreign = packTaskId(tag.toReversed(), { job: "j-1", stage: 0, task: 3, attempt: 1 });
  const statuses = [foreign, new Uint8Array(3)].map((taskId) => {
    return { taskId, data: { kind: "unknown" }, report } as const;
  });
  assert.deepEqual(statusEvents("w-1", statuses, tag), []);
});
