/** When a tab's reports are sent and how large their bodies are, without a tab. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ClusterError } from "../../src/core/error.ts";
import type { AttemptReport } from "../../src/core/event.ts";
import { utf8Bytes } from "../../src/core/sharing/names.ts";
import { encodeBrowser } from "../../src/wire/browser/codec.ts";
import { browserLimits } from "../../src/wire/browser/messages.ts";
import { ReportFlow } from "../../src/worker/browser/tab/reporting/flow.ts";

const decoder = new TextDecoder();
const maxBytes = 100_000;

function done(task: number, letters: number): AttemptReport {
  const value = JSON.stringify("ü".repeat(letters));
  const output = { root: "", sizeBytes: value.length, records: 1, value };
  return { kind: "done", task, attempt: 1, durationMs: 1, output };
}

/** A flow whose bodies are kept; `refuse` answers instead while it is set. */
function flowing(max: number | null = maxBytes, everyMs = 1) {
  const bodies: AttemptReport[][] = [];
  const state: { refuse: Error | null; came: () => void } = { refuse: null, came: () => {} };
  const flow = new ReportFlow({
    maxBytes: max,
    everyMs,
    sent: () => {},
    async put(body) {
      state.came();
      if (state.refuse !== null) throw state.refuse;
      assert.ok(body.length <= maxBytes, `${body.length} bytes in one body`);
      bodies.push(JSON.parse(decoder.decode(body)) as AttemptReport[]);
    },
  });
  const next = () =>
    new Promise<void>((resolve) => {
      state.came = resolve;
    });
  return { flow, bodies, state, next };
}

function finishOf(reports: readonly AttemptReport[]): string {
  const url = [`/t/${"x".repeat(200)}/out/0`];
  return encodeBrowser({ action: "finish", uid: "1", type: "m", tid: 1, url, more: { reports } });
}

test("reports that do not fit the finish are sent before it, in accepted bodies", async () => {
  const { bodies, flow } = flowing();
  const reports = Array.from({ length: 300 }, (_, task) => done(task, 20_000));
  await flow.rest(reports);
  assert.ok(utf8Bytes(finishOf(reports)) <= browserLimits.messageMaxBytes);
  assert.ok(reports.length > 0 && bodies.length > 1);
  const tasks = [...bodies.flat(), ...reports].map(({ task }) => task);
  assert.deepEqual(
    tasks,
    Array.from({ length: 300 }, (_, task) => task),
  );
});

test("without bodies the finish is cut, and what it leaves out is given back", async () => {
  const { bodies, flow } = flowing(null);
  const reports = Array.from({ length: 300 }, (_, task) => done(task, 20_000));
  await flow.rest(reports);
  assert.ok(utf8Bytes(finishOf(reports)) <= browserLimits.messageMaxBytes);
  assert.ok(reports.length > 50 && reports.length < 300);
  assert.equal(bodies.length, 0);
});

test("a report that no body holds is a failure of its attempt, with the reason", async () => {
  const { bodies, flow } = flowing();
  const reports = [
    ...Array.from({ length: 300 }, (_, task) => done(task, 20_000)),
    done(300, 60_000),
  ];
  // Last, it would go with the finish.
  reports.unshift(done(301, 60_000));
  await flow.rest(reports);
  const [first] = bodies[0] as AttemptReport[];
  assert.ok(first?.kind === "failed");
  assert.match(first.failure.message, /task 301 has \d+ bytes, of at most 100000/);
});

test("reports are sent while others come; refused ones are kept, an error at the end", async () => {
  const { bodies, flow, next, state } = flowing();
  const reports: AttemptReport[] = [done(0, 1)];
  const came = next();
  flow.came(reports);
  await came;
  assert.deepEqual(
    bodies.flat().map(({ task }) => task),
    [0],
  );
  state.refuse = new ClusterError("limit-exceeded", "it brings too much");
  reports.push(...Array.from({ length: 300 }, (_, task) => done(task + 1, 20_000)));
  const refused = next();
  flow.came(reports);
  await refused;
  await assert.rejects(flow.rest(reports), /it brings too much/);
  assert.equal(reports.length, 300, "nothing of it is lost");
});
