/** What a task process reports is checked, whichever code runs in it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readFromTask, valueCharsMax } from "./claims.ts";

const columns = { tasks: [7, 8], attempts: [1, 2], durationsMs: [0.5, 0], values: ["1", '"b"'] };

test("results in columns come out as one report each", () => {
  const message = readFromTask({ kind: "results", ...columns });
  assert.ok(message?.kind === "reports");
  const [first, second] = message.reports;
  assert.deepEqual(first, {
    kind: "done",
    task: 7,
    attempt: 1,
    durationMs: 0.5,
    records: 1,
    root: "",
    inputBytes: 0,
    counters: {},
    sizeBytes: 1,
    value: "1",
  });
  assert.ok(second?.kind === "done" && second.task === 8 && second.value === '"b"');
});

test("columns that do not fit together or hold something else are no message", () => {
  const bad: object[] = [
    { ...columns, tasks: [7] },
    { ...columns, tasks: "78" },
    { ...columns, tasks: [7, -1] },
    { ...columns, attempts: [1, 0] },
    { ...columns, attempts: [1, 1.5] },
    { ...columns, durationsMs: [0, null] },
    { ...columns, durationsMs: [0, -1] },
    { ...columns, values: ["1", 2] },
  ];
  for (const one of bad) {
    assert.equal(readFromTask({ kind: "results", ...one }), null, JSON.stringify(one));
  }
});

test("a result that cannot be stored is a failure of its attempt alone", () => {
  const values = ["1\n2", "x".repeat(valueCharsMax + 1)];
  const message = readFromTask({ kind: "results", ...columns, values });
  assert.ok(message?.kind === "reports");
  const kinds = message.reports.map((report) => report.kind);
  assert.deepEqual(kinds, ["failed", "failed"]);
});

test("X9: a failure keeps what it says of trying again", () => {
  const failed = { kind: "failed", task: 7, attempt: 1, durationMs: 1 } as const;
  const failure = { code: "bad-request", message: "no column a", isFinal: true } as const;
  const message = readFromTask({ kind: "reports", reports: [{ ...failed, failure }] });
  assert.ok(message?.kind === "reports");
  assert.deepEqual(message.reports, [{ ...failed, failure }]);
});
