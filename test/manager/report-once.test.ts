/** How often the JSON of a report is made and read on its way from a task process to the log. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { statusEvents } from "../../src/coordinator/edges/worker/reports.ts";
import { encodeBody } from "../../src/coordinator/loop/journal.ts";
import type { AttemptReport } from "../../src/core/event.ts";
import { decodeFrames, encodeEnvelope } from "../../src/wire/manager/codec.ts";
import { packTaskId } from "../../src/wire/manager/taskid.ts";
import { encodeFrame, FrameReader } from "../../src/worker/channel/frames.ts";
import { reportStatus } from "../../src/worker/manager/status.ts";
import { doneReport, valueOutput } from "../../src/worker/run-reports.ts";

const tag = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const mark = "a text that only this report has";
const ref = { job: "j-1", stage: 0, task: 3, attempt: 1 } as const;

/** Calls of `JSON` with the report since the last look. */
function counting(t: TestContext) {
  const { parse, stringify } = JSON;
  let [made, read] = [0, 0];
  t.mock.method(JSON, "stringify", (value: unknown) => {
    const text = stringify(value);
    if (text.includes(mark)) made += 1;
    return text;
  });
  t.mock.method(JSON, "parse", (text: string) => {
    if (text.includes(mark)) read += 1;
    return parse(text);
  });
  return () => {
    const seen = { made, read };
    [made, read] = [0, 0];
    return seen;
  };
}

const failed: AttemptReport = {
  kind: "failed",
  task: 3,
  attempt: 1,
  durationMs: 2,
  failure: { code: "user-error", message: mark },
};
const done = {
  kind: "done",
  task: 3,
  attempt: 1,
  durationMs: 2,
  counters: {},
  inputBytes: 0,
  root: "",
  sizeBytes: 10,
  records: 1,
  value: JSON.stringify(mark),
} as const;

for (const kind of ["done", "failed"] as const) {
  test(`a report of a ${kind} attempt is encoded and parsed once on each side of a wire`, (t) => {
    const look = counting(t);
    const sent = kind === "done" ? done : failed;
    const frame = encodeFrame({ kind: "reports", reports: [sent] }, 10_000);
    assert.deepEqual(look(), { made: 1, read: 0 }, "the task process");
    let arrived = 0;
    new FrameReader(10_000).push(frame, () => arrived++);
    assert.equal(arrived, 1);
    assert.deepEqual(look(), { made: 0, read: 1 }, "the worker takes it");
    const report = kind === "done" ? doneReport(done, valueOutput(done)) : failed;
    const status = reportStatus(packTaskId(tag, ref), report, true);
    const message = { kind: "taskStatuses", statuses: [status] } as const;
    const bytes = encodeEnvelope({ requestId: 1, answerTo: null, message });
    assert.deepEqual(look(), { made: 1, read: 0 }, "the worker sends it");
    const [envelope] = decodeFrames(bytes);
    assert.ok(envelope?.message.kind === "taskStatuses");
    const events = statusEvents("w-1", envelope.message.statuses, tag);
    assert.equal(events.length, 1);
    assert.deepEqual(look(), { made: 0, read: 1 }, "the coordinator takes it");
    assert.ok(encodeBody(events[0]!).includes(mark));
    assert.deepEqual(look(), { made: 1, read: 0 }, "the log");
  });
}
