/** Events in, effects out: queue, batches, limits, aborts, blame. Fault ids are those of the fault
 *  list. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { attemptState } from "../worker.ts";
import { done, joined, ref, refs, withShortTasks } from "./testing.ts";

test("attempts start in the order of their assignment, one to a slot", () => {
  const script = joined({ slots: 2 }, "map");
  script.assign(refs(4));
  assert.deepEqual(
    script.of("start").map((start) => start.attempts),
    [[ref(0)], [ref(1)]],
  );
  script.report(2, done(1));
  assert.deepEqual(script.of("start")[0]?.attempts, [ref(2)]);
  assert.equal(script.of("start")[0]?.slot, 1);
});

test("a slot that knows the job is taken before another", () => {
  const script = joined({ slots: 2 }, "map");
  script.open("j-2", "map");
  script.assign([ref(0), ref(0, { job: "j-2" })]);
  script.report(1, done(0));
  script.report(2, done(0));
  script.assign([ref(1, { job: "j-2" })]);
  assert.equal(script.of("start")[0]?.slot, 1);
});

test("short tasks are given to a slot in batches, long ones and the first one by one", () => {
  const script = joined();
  script.assign(refs(300));
  assert.equal(script.of("start")[0]?.attempts.length, 1);
  script.report(1, done(0, 0.01));
  assert.equal(script.of("start")[0]?.attempts.length, 256);
  const long = joined();
  long.assign(refs(300));
  long.report(1, done(0, 30));
  assert.equal(long.of("start")[0]?.attempts.length, 1);
});

test("a batch leaves enough for the slots that are idle", () => {
  const script = withShortTasks({ slots: 2 });
  script.assign(refs(10));
  assert.deepEqual(
    script.of("start").map((start) => start.attempts.length),
    [5, 5],
  );
});

test("T2.2: an attempt that is assigned twice runs once, also after it was acknowledged", () => {
  const script = joined();
  script.assign([ref(0)]);
  assert.deepEqual(script.assign([ref(0)]), []);
  script.report(1, done(0));
  assert.deepEqual(script.assign([ref(0)]), []);
  script.tell({ kind: "reports-acked", batch: 1 });
  assert.deepEqual(script.assign([ref(0)]), []);
  assert.equal(script.assign([ref(0, { attempt: 2 })])[0]?.kind, "start");
});

test("an attempt is announced as started only when it still runs after a while", () => {
  const script = joined({}, "map");
  script.assign([ref(0)]);
  script.pass(199);
  assert.equal(script.of("tell-started").length, 0);
  script.pass(1);
  assert.deepEqual(script.of("tell-started"), [{ kind: "tell-started", attempt: ref(0) }]);
  script.pass(50);
  assert.equal(script.of("tell-started").length, 0);
});

test("W8: an attempt that runs past its limit is killed and reported as timed-out", () => {
  const script = joined({}, "map");
  script.assign([ref(0)], 100);
  script.pass(150);
  assert.equal(script.of("kill").length, 0, "it has not begun to compute");
  script.tell({ kind: "run-phase", run: 1, phase: "computing" });
  script.pass(100);
  assert.equal(script.of("kill").length, 1);
  const report = script.of("report")[0]?.reports[0]?.report;
  assert.equal(report?.kind === "failed" && report.failure.code, "timed-out");
});

test("W8: in a batch the limit counts for each attempt, and the running one is blamed", () => {
  const script = withShortTasks();
  script.assign(refs(3), 100);
  script.tell({ kind: "run-phase", run: 2, phase: "computing" });
  script.pass(90);
  script.report(2, done(0));
  script.tell({ kind: "reports-acked", batch: 2 });
  script.pass(90);
  assert.equal(script.of("kill").length, 0);
  script.pass(10);
  assert.deepEqual(
    script.of("report")[0]?.reports.map((told) => told.ref.task),
    [1],
  );
  assert.deepEqual(script.of("start")[0]?.attempts, [ref(2)]);
});

test("code that does not load in time is killed, and what waited for it is tried again", () => {
  const script = joined({ loadTimeoutMs: 500 }, "map");
  script.assign(refs(2));
  script.tell({ kind: "run-phase", run: 1, phase: "loading" });
  script.pass(500);
  const report = script.of("report")[0]?.reports[0]?.report;
  assert.equal(report?.kind === "failed" && report.failure.code, "timed-out");
  assert.deepEqual(script.of("start")[0]?.attempts, [ref(1)]);
});

test("a crash with several unreported attempts fails none: they run again one by one", () => {
  const script = withShortTasks();
  script.assign(refs(3));
  const failure = { code: "task-crashed", message: "signal" } as const;
  script.report(2, done(0));
  script.tell({ kind: "run-died", run: 2, blame: "current", failure });
  assert.equal(script.of("report").length, 0);
  assert.deepEqual(script.of("start")[0]?.attempts, [ref(1)]);
  script.tell({ kind: "run-died", run: 3, blame: "current", failure });
  assert.deepEqual(script.of("start")[0]?.attempts, [ref(2)]);
  assert.equal(attemptState(script.state, ref(1))?.report?.kind, "failed");
  script.report(4, done(2));
  assert.equal(attemptState(script.state, ref(2))?.report?.kind, "done");
});

test("code that cannot be loaded fails every attempt of the batch", () => {
  const script = withShortTasks();
  script.assign(refs(3));
  const failure = { code: "user-error", message: "syntax" } as const;
  script.tell({ kind: "run-died", run: 2, blame: "all", failure });
  assert.equal(script.of("report")[0]?.reports.length, 3);
});

test("an abort removes a queued attempt and kills a running one, whose batch goes on", () => {
  const script = withShortTasks();
  script.assign(refs(3));
  script.assign([ref(9)]);
  script.tell({ kind: "aborted", attempts: [ref(9), ref(1)] });
  assert.deepEqual(script.of("kill"), [{ kind: "kill", run: 2, slot: 0 }]);
  assert.deepEqual(script.of("start")[0]?.attempts, [ref(0), ref(2)]);
  const told = script.of("report").flatMap((effect) => effect.reports);
  assert.deepEqual(
    told.map(({ report }) => report.kind),
    ["returned", "returned"],
  );
});

test("what is asked back goes back when it waits, and goes on when it has begun", () => {
  const script = joined();
  script.assign(refs(3));
  script.tell({ kind: "asked-back", attempts: refs(3) });
  assert.deepEqual(script.of("kill"), []);
  const returned = script.of("report").flatMap(({ reports }) => reports);
  assert.deepEqual(
    returned.map(({ ref: { task }, report }) => [task, report.kind]),
    [
      [1, "returned"],
      [2, "returned"],
    ],
  );
  // The slot is free after it: nothing of what went back is begun.
  script.report(1, done(0));
  assert.deepEqual(script.of("start"), []);
});

test("T2.2: what a killed run still says changes nothing", () => {
  const script = joined();
  script.assign([ref(0)]);
  script.tell({ kind: "aborted", attempts: [ref(0)] });
  assert.deepEqual(script.report(1, done(0)), []);
  const failure = { code: "task-crashed", message: "signal" } as const;
  assert.deepEqual(script.tell({ kind: "run-died", run: 1, blame: "current", failure }), []);
});

test("a process speaks only for the attempts that it was given", () => {
  const script = joined({ slots: 2 });
  script.assign(refs(2));
  assert.deepEqual(script.report(1, done(1)), []);
  assert.equal(attemptState(script.state, ref(1))?.state, "running");
});

test("the end of a job stops its runs, drops its reports, and leaves other jobs alone", () => {
  const script = joined({ slots: 2 }, "map");
  script.open("j-2", "map");
  script.assign([ref(0), ref(0, { job: "j-2" }), ref(1)]);
  script.tell({ kind: "job-closed", job: "j-1" });
  assert.deepEqual(script.effects, [
    { kind: "kill", run: 1, slot: 0 },
    { kind: "close-job", job: "j-1" },
  ]);
  assert.deepEqual(
    [...script.state.held.values()].map((held) => held.ref),
    [ref(0, { job: "j-2" })],
  );
});

test("attempts of a job that is not open, and those above the bound, are given back", () => {
  const script = joined({ queueMax: 2 }, "map");
  script.assign([ref(0, { job: "j-9" })]);
  assert.equal(script.of("report")[0]?.reports[0]?.report.kind, "returned");
  script.tell({ kind: "reports-acked", batch: 1 });
  script.assign(refs(3));
  assert.deepEqual(
    script.of("report")[0]?.reports.map(({ ref }) => ref.task),
    [2],
  );
});

test("C4: a worker whose disk is nearly full ends what runs, gives the rest back, says so", () => {
  const script = joined({ slots: 1 }, "map");
  script.assign(refs(3));
  script.tell({ kind: "disk-changed", reason: "3 MB left" });
  assert.deepEqual(script.of("tell-pause"), [{ kind: "tell-pause", reason: "3 MB left" }]);
  const returned = script
    .of("report")
    .flatMap(({ reports }) => reports.map(({ report }) => report));
  assert.deepEqual(
    returned.map(({ kind, task }) => [kind, task]),
    [
      ["returned", 1],
      ["returned", 2],
    ],
  );
  assert.equal(script.of("kill").length, 0);
  script.report(1, done(0));
  script.assign([ref(4)]);
  assert.equal(script.of("start").length, 0);
  script.tell({ kind: "disk-changed", reason: "" });
  assert.deepEqual(script.of("tell-pause"), [{ kind: "tell-pause", reason: "" }]);
  script.assign([ref(5)]);
  assert.deepEqual(script.of("start")[0]?.attempts, [ref(5)]);
});

test("C4: a worker that is out of disk reports it again after each welcome", () => {
  const script = joined();
  script.tell({ kind: "disk-changed", reason: "full" });
  script.tell({ kind: "link-lost", reason: "closed", chance: 0 });
  script.pass(1_000);
  const welcomed = script.join();
  assert.ok(welcomed.some(({ kind }) => kind === "tell-pause"));
});
