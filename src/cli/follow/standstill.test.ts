/** The line about a job in which nothing happens. */
import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import type { JobSummary } from "../../core/summary.ts";
import { Standstill } from "./standstill.ts";

function summary(over: Partial<JobSummary>, running = 1, done = 0): JobSummary {
  const counts = { running, done, inputBytesDone: 0, attemptsFailed: 0, attemptsLost: 0 };
  return { state: "running", waitingFor: "", stages: [counts], ...over } as unknown as JobSummary;
}

function observed(t: TestContext, why: string | null) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const said: string[] = [];
  const standstill = new Standstill({ why, say: (line) => said.push(line) });
  const pass = (ms: number) => t.mock.timers.tick(ms);
  return { pass, said, see: (one: JobSummary) => standstill.observe(one), standstill };
}

test("a job in which nothing changes for a minute says that it may wait for ever, once", (t) => {
  const { pass, said, see } = observed(t, "tequio why j-7");
  see(summary({}));
  pass(59_000);
  // The same again is no news.
  see(summary({}));
  assert.deepEqual(said, []);
  pass(1_000);
  assert.match(
    said.join(),
    /nothing has changed for 60 s: the task that runs may compute, or wait/,
  );
  assert.match(said.join(), /a promise that never settles; .*timeoutMs .*; ask `tequio why j-7`$/);
  pass(600_000);
  assert.equal(said.length, 1);
});

test("what moves, waits for something that is named, or has ended says nothing", (t) => {
  const { pass, said, see, standstill } = observed(t, null);
  for (const done of [0, 1, 2, 3]) {
    see(summary({}, 2, done));
    pass(50_000);
  }
  for (const other of [summary({ waitingFor: "no worker" }), summary({}, 0)]) {
    see(other);
    pass(120_000);
  }
  see(summary({}, 2, 9));
  see(summary({ state: "done" }, 0, 9));
  pass(120_000);
  see(summary({}));
  standstill.end();
  pass(120_000);
  assert.deepEqual(said, []);
  see(summary({}, 2));
  pass(60_000);
  assert.match(said.join(), /the 2 tasks that run .* ends such calls, and Ctrl-C this job$/);
});
