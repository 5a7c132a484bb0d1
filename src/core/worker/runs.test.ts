/** Events in, effects out: queue, batches, limits, aborts, blame. Fault ids are those of the fault
 *  list. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { attemptState } from "../worker.ts";
import { done, joined, ref, refs, withShortTasks } from "./testing.ts";

test("attempts start in the order of their assignment, one to a slot", () => {
  const story = joined({ slots: 2 }, "map");
  story.assign(refs(4));
  assert.deepEqual(
    story.of("start").map((start) => start.attempts),
    [[ref(0)], [ref(1)]],
  );
  story.report(2, done(1));
  assert.deepEqual(story.of("start")[0]?.attempts, [ref(2)]);
  assert.equal(story.of("start")[0]?.slot, 1);
});

test("a slot that knows the job is taken before another", () => {
  const story = joined({ slots: 2 }, "map");
  story.open("j-2", "map");
  story.assign([ref(0), ref(0, { job: "j-2" })]);
  story.report(1, done(0));
  story.report(2, done(0));
  story.assign([ref(1, { job: "j-2" })]);
  assert.equal(story.of("start")[0]?.slot, 1);
});

test("short tasks are given to a slot in batches, long ones and the first one by one", () => {
  const story = joined();
  story.assign(refs(300));
  assert.equal(story.of("start")[0]?.attempts.length, 1);
  story.report(1, done(0, 0.01));
  assert.equal(story.of("start")[0]?.attempts.length, 256);
  const long = joined();
  long.assign(refs(300));
  long.report(1, done(0, 30));
  assert.equal(long.of("start")[0]?.attempts.length, 1);
});

test("a batch leaves enough for the slots that are idle", () => {
  const story = withShortTasks({ slots: 2 });
  story.assign(refs(10));
  assert.deepEqual(
    story.of("start").map((start) => start.attempts.length),
    [5, 5],
  );
});

test("T2.2: an attempt that is assigned twice runs once, also after it was acknowledged", () => {
  const story = joined();
  story.assign([ref(0)]);
  assert.deepEqual(story.assign([ref(0)]), []);
  story.report(1, done(0));
  assert.deepEqual(story.assign([ref(0)]), []);
  story.tell({ kind: "reports-acked", batch: 1 });
  assert.deepEqual(story.assign([ref(0)]), []);
  assert.equal(story.assign([ref(0, { attempt: 2 })])[0]?.kind, "start");
});

test("an attempt is announced as started only when it still runs after a while", () => {
  const story = joined({}, "map");
  story.assign([ref(0)]);
  story.pass(199);
  assert.equal(story.of("tell-started").length, 0);
  story.pass(1);
  assert.deepEqual(story.of("tell-started"), [{ kind: "tell-started", attempt: ref(0) }]);
  story.pass(50);
  assert.equal(story.of("tell-started").length, 0);
});

test("W8: an attempt that runs past its limit is killed and reported as timed-out", () => {
  const story = joined({}, "map");
  story.assign([ref(0)], 100);
  story.pass(150);
  assert.equal(story.of("kill").length, 0, "it has not begun to compute");
  story.tell({ kind: "run-phase", run: 1, phase: "computing" });
  story.pass(100);
  assert.equal(story.of("kill").length, 1);
  const report = story.of("report")[0]?.reports[0]?.report;
  assert.equal(report?.kind === "failed" && report.failure.code, "timed-out");
});

test("W8: in a batch the limit counts for each attempt, and the running one is blamed", () => {
  const story = withShortTasks();
  story.assign(refs(3), 100);
  story.tell({ kind: "run-phase", run: 2, phase: "computing" });
  story.pass(90);
  story.report(2, done(0));
  story.tell({ kind: "reports-acked", batch: 2 });
  story.pass(90);
  assert.equal(story.of("kill").length, 0);
  story.pass(10);
  assert.deepEqual(
    story.of("report")[0]?.reports.map((told) => told.ref.task),
    [1],
  );
  assert.deepEqual(story.of("start")[0]?.attempts, [ref(2)]);
});

test("code that does not load in time is killed, and what waited for it is tried again", () => {
  const story = joined({ loadTimeoutMs: 500 }, "map");
  story.assign(refs(2));
  story.tell({ kind: "run-phase", run: 1, phase: "loading" });
  story.pass(500);
  const report = story.of("report")[0]?.reports[0]?.report;
  assert.equal(report?.kind === "failed" && report.failure.code, "timed-out");
  assert.deepEqual(story.of("start")[0]?.attempts, [ref(1)]);
});

test("a crash with several attempts unreported blames nobody: they run again one by one", () => {
  const story = withShortTasks();
  story.assign(refs(3));
  const failure = { code: "task-crashed", message: "signal" } as const;
  story.report(2, done(0));
  story.tell({ kind: "run-died", run: 2, blame: "current", failure });
  assert.equal(story.of("report").length, 0);
  assert.deepEqual(story.of("start")[0]?.attempts, [ref(1)]);
  story.tell({ kind: "run-died", run: 3, blame: "current", failure });
  assert.deepEqual(story.of("start")[0]?.attempts, [ref(2)]);
  assert.equal(attemptState(story.state, ref(1))?.report?.kind, "failed");
  story.report(4, done(2));
  assert.equal(attemptState(story.state, ref(2))?.report?.kind, "done");
});

test("code that cannot be loaded fails every attempt of the batch", () => {
  const story = withShortTasks();
  story.assign(refs(3));
  const failure = { code: "user-error", message: "syntax" } as const;
  story.tell({ kind: "run-died", run: 2, blame: "all", failure });
  assert.equal(story.of("report")[0]?.reports.length, 3);
});

test("an abort removes a queued attempt and kills a running one, whose batch goes on", () => {
  const story = withShortTasks();
  story.assign(refs(3));
  story.assign([ref(9)]);
  story.tell({ kind: "aborted", attempts: [ref(9), ref(1)] });
  assert.deepEqual(story.of("kill"), [{ kind: "kill", run: 2, slot: 0 }]);
  assert.deepEqual(story.of("start")[0]?.attempts, [ref(0), ref(2)]);
  const told = story.of("report").flatMap((effect) => effect.reports);
  assert.deepEqual(
    told.map(({ report }) => report.kind),
    ["returned", "returned"],
  );
});

test("what is asked back goes back when it waits, and goes on when it has begun", () => {
  const story = joined();
  story.assign(refs(3));
  story.tell({ kind: "asked-back", attempts: refs(3) });
  assert.deepEqual(story.of("kill"), []);
  const returned = story.of("report").flatMap(({ reports }) => reports);
  assert.deepEqual(
    returned.map(({ ref: { task }, report }) => [task, report.kind]),
    [
      [1, "returned"],
      [2, "returned"],
    ],
  );
  // The slot is free after it: nothing of what went back is begun.
  story.report(1, done(0));
  assert.deepEqual(story.of("start"), []);
});

test("T2.2: what a killed run still says changes nothing", () => {
  const story = joined();
  story.assign([ref(0)]);
  story.tell({ kind: "aborted", attempts: [ref(0)] });
  assert.deepEqual(story.report(1, done(0)), []);
  const failure = { code: "task-crashed", message: "signal" } as const;
  assert.deepEqual(story.tell({ kind: "run-died", run: 1, blame: "current", failure }), []);
});

test("a process speaks only for the attempts that it was given", () => {
  const story = joined({ slots: 2 });
  story.assign(refs(2));
  assert.deepEqual(story.report(1, done(1)), []);
  assert.equal(attemptState(story.state, ref(1))?.state, "running");
});

test("the end of a job stops its runs, drops its reports, and leaves other jobs alone", () => {
  const story = joined({ slots: 2 }, "map");
  story.open("j-2", "map");
  story.assign([ref(0), ref(0, { job: "j-2" }), ref(1)]);
  story.tell({ kind: "job-closed", job: "j-1" });
  assert.deepEqual(story.effects, [
    { kind: "kill", run: 1, slot: 0 },
    { kind: "close-job", job: "j-1" },
  ]);
  assert.deepEqual([...story.state.held.keys()], ["j-2/0/0#1"]);
});

test("attempts of a job that is not open, and those above the bound, are given back", () => {
  const story = joined({ queueMax: 2 }, "map");
  story.assign([ref(0, { job: "j-9" })]);
  assert.equal(story.of("report")[0]?.reports[0]?.report.kind, "returned");
  story.tell({ kind: "reports-acked", batch: 1 });
  story.assign(refs(3));
  assert.deepEqual(
    story.of("report")[0]?.reports.map(({ ref }) => ref.task),
    [2],
  );
});

test("C4: a worker whose disk is nearly full ends what runs, gives the rest back, says so", () => {
  const story = joined({ slots: 1 }, "map");
  story.assign(refs(3));
  story.tell({ kind: "disk-changed", reason: "3 MB left" });
  assert.deepEqual(story.of("tell-pause"), [{ kind: "tell-pause", reason: "3 MB left" }]);
  const returned = story.of("report").flatMap(({ reports }) => reports.map(({ report }) => report));
  assert.deepEqual(
    returned.map(({ kind, task }) => [kind, task]),
    [
      ["returned", 1],
      ["returned", 2],
    ],
  );
  assert.equal(story.of("kill").length, 0);
  story.report(1, done(0));
  story.assign([ref(4)]);
  assert.equal(story.of("start").length, 0);
  story.tell({ kind: "disk-changed", reason: "" });
  assert.deepEqual(story.of("tell-pause"), [{ kind: "tell-pause", reason: "" }]);
  story.assign([ref(5)]);
  assert.deepEqual(story.of("start")[0]?.attempts, [ref(5)]);
});

test("C4: whoever welcomes a worker that is out of disk is told of it again", () => {
  const story = joined();
  story.tell({ kind: "disk-changed", reason: "full" });
  story.tell({ kind: "link-lost", reason: "closed", chance: 0 });
  story.pass(1_000);
  const welcomed = story.join();
  assert.ok(welcomed.some(({ kind }) => kind === "tell-pause"));
});
