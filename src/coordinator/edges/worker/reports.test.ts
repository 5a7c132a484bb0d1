/** The events that workers' messages become. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { TaskStatus } from "../../../wire/manager/messages.ts";
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

test("a result counts as the same of whatever worker", () => {
  const taskId = packTaskId(tag, { job: "j-1", stage: 0, task: 3, attempt: 1 });
  const result = new TextEncoder().encode("año");
  const existing = { taskId, data: { kind: "completed", result }, report } as const;
  // As `run-items.ts` has it.
  const output = { root: "", sizeBytes: 6, records: 1, value: '"año"' };
  const own = { kind: "done", task: 3, attempt: 1, durationMs: 0, output };
  assert.deepEqual(statusEvents("w-1", [existing], tag), [
    { kind: "attempts-reported", worker: "w-1", job: "j-1", stage: 0, reports: [own] },
  ]);
});

test("what statuses become is what their record reads as, so that it need not be read", () => {
  const of = { task: 3, attempt: 1, durationMs: 1.5 };
  const output = { root: "", sizeBytes: 3, records: 1, value: '"\\ud800"' };
  const failure = { code: "user-error", message: "\u2028", stack: "at job.ts:1", isFinal: true };
  const texts = [
    { ...of, kind: "done", output },
    { ...of, kind: "done", output: { ...output, badRecords: "0".repeat(64) }, inputBytes: 7 },
    { ...of, kind: "done", output, counters: { a: 1, "": 0.1, "a b": -3 }, unknown: [] },
    { ...of, kind: "failed", failure: { code: "user-error", message: "" } },
    { ...of, kind: "failed", failure, lostTasks: [1, 2] },
    { ...of, kind: "returned" },
  ].map((report) => JSON.stringify(report));
  const taskId = packTaskId(tag, { job: "j-1", stage: 0, task: 3, attempt: 1 });
  const bytes = (text: string) => new TextEncoder().encode(text);
  const bare: TaskStatus["data"][] = [
    { kind: "unknown" },
    { kind: "started", unixS: 1 },
    { kind: "completed", result: bytes("a") },
    { kind: "completed", result: Uint8Array.of(0xff) },
    ...(["timed-out", "download", "aborted", "runtime", "unknown"] as const).map((error) => {
      return { kind: "error", error } as const;
    }),
  ];
  const completed = { kind: "completed", result: bytes("") } as const;
  const statuses: TaskStatus[] = [
    ...texts.map((text) => ({ taskId, data: completed, report: bytes(text) })),
    ...bare.map((data) => ({ taskId, data, report })),
  ];
  const events = statusEvents("w-1", statuses, tag);
  assert.equal(events.length, 2);
  assert.deepEqual(events, JSON.parse(JSON.stringify(events)));
});
