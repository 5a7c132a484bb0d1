/** How a worker leaves: drain, lifetime, time without work. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { done, joined, ref, refs, type WorkerScript } from "./testing.ts";

const times = { lifetimeMs: 60_000, drainMs: 10_000, idleExitMs: 5_000 };

/** Time passes, and the manager answers each heartbeat. */
function live(script: WorkerScript, ms: number): void {
  const effects = [];
  for (const untilMs = script.atMs + ms; script.atMs < untilMs; ) {
    effects.push(...script.pass(Math.min(300, untilMs - script.atMs)));
    script.tell({ kind: "heard", sentAtMs: script.atMs });
    effects.push(...script.effects);
  }
  script.effects = effects;
}

/** A worker whose only map output is acknowledged. */
function mapped(rules: Parameters<typeof joined>[0] = {}): WorkerScript {
  const script = joined(rules, "map", "reduce");
  script.assign([ref(0)]);
  script.report(1, done(0));
  script.tell({ kind: "reports-acked", batch: 1 });
  return script;
}

function returned(script: WorkerScript): number[] {
  const told = script.of("report").flatMap(({ reports }) => reports);
  return told.filter(({ report }) => report.kind === "returned").map((one) => one.ref.task);
}

test("a drain gives back what waits, says so, and leaves when what runs has ended", () => {
  const script = joined({}, "tasks");
  script.assign(refs(3));
  script.tell({ kind: "stop-asked", graceMs: 60_000, isDrain: true });
  assert.deepEqual(returned(script), [1, 2]);
  assert.equal(script.of("tell-leaving").length, 1);
  script.tell({ kind: "reports-acked", batch: 1 });
  live(script, 30_000);
  assert.deepEqual(script.of("kill"), []);
  assert.deepEqual(script.of("tell-leaving"), []);
  script.report(1, done(0));
  assert.equal(script.of("say-bye").length, 0, "its report is not acknowledged yet");
  script.tell({ kind: "reports-acked", batch: 2 });
  assert.equal(script.of("say-bye").length, 1);
});

test("a drain stays while its map outputs are needed, until its job ends or its time", () => {
  for (const closes of [true, false]) {
    const script = mapped();
    script.tell({ kind: "stop-asked", graceMs: 10_000, isDrain: true });
    live(script, 9_000);
    assert.equal(script.of("say-bye").length, 0);
    if (closes) script.tell({ kind: "job-closed", job: "j-1" });
    else live(script, 1_500);
    assert.equal(script.of("say-bye").length, 1);
  }
});

const handed = { kind: "handed-over", outputs: 1, sizeBytes: 1 } as const;

test("a drain hands its map outputs over, and leaves when the manager has them", () => {
  const script = mapped();
  script.tell({ kind: "stop-asked", graceMs: 60_000, isDrain: true });
  assert.equal(script.of("hand-over").length, 1);
  live(script, 20_000);
  assert.equal(script.of("hand-over").length, 0, "that is under way");
  assert.equal(script.of("say-bye").length, 0);
  script.tell({ ...handed, isWhole: true });
  assert.equal(script.of("say-bye").length, 1);
});

test("what ran when the drain began is handed over after its report", () => {
  const script = mapped();
  script.assign([ref(1)]);
  script.tell({ kind: "stop-asked", graceMs: 60_000, isDrain: true });
  assert.equal(script.of("hand-over").length, 1);
  script.report(2, done(1));
  script.tell({ ...handed, isWhole: true });
  assert.equal(script.of("hand-over").length, 0, "the manager does not know of the second yet");
  script.tell({ kind: "reports-acked", batch: 2 });
  assert.equal(script.of("say-bye").length, 0);
  assert.equal(script.of("hand-over").length, 1);
  script.tell({ ...handed, isWhole: true });
  assert.equal(script.of("say-bye").length, 1);
});

test("an output that is acknowledged during a hand-over does not count as handed over", () => {
  const script = mapped();
  script.assign([ref(1)]);
  script.tell({ kind: "stop-asked", graceMs: 60_000, isDrain: true });
  script.report(2, done(1));
  script.tell({ kind: "reports-acked", batch: 2 });
  script.tell({ ...handed, isWhole: true });
  assert.equal(script.of("say-bye").length, 0);
  assert.equal(script.of("hand-over").length, 1);
});

test("what the manager does not take is served until the drain is over", () => {
  const script = mapped();
  script.tell({ kind: "stop-asked", graceMs: 60_000, isDrain: true });
  script.tell({ ...handed, isWhole: false });
  assert.deepEqual([script.of("hand-over").length, script.of("say-bye").length], [0, 0]);
  live(script, 59_000);
  assert.deepEqual([script.of("hand-over").length, script.of("say-bye").length], [0, 0]);
  live(script, 1_500);
  assert.equal(script.of("say-bye").length, 1);
});

test("a stop that is no drain, and a worker that serves nothing, do not wait for outputs", () => {
  for (const [servesOutputs, isDrain] of [
    [true, false],
    [false, true],
  ] as const) {
    const script = mapped({ servesOutputs });
    script.tell({ kind: "stop-asked", graceMs: 10_000, isDrain });
    assert.equal(script.of("say-bye").length, 1);
  }
});

test("a drain waits for a manager that is away, and reports to the next one that it leaves", () => {
  const script = joined({}, "tasks");
  script.assign([ref(0)]);
  script.tell({ kind: "stop-asked", graceMs: 60_000, isDrain: true });
  script.tell({ kind: "link-lost", reason: "closed", chance: 0 });
  assert.deepEqual(script.of("end"), []);
  script.pass(200);
  script.join();
  assert.deepEqual(script.of("kill"), []);
  script.tell({ kind: "heard", sentAtMs: script.atMs });
  assert.equal(script.state.stop?.isTold, true);
  script.tell({ kind: "link-lost", reason: "closed", chance: 0 });
  script.pass(60_000);
  assert.equal(script.of("end").length, 1, "nothing is left, so it waits for no manager");
});

test("Ctrl-C cuts a drain short, and nothing makes it longer", () => {
  const script = joined({}, "tasks");
  script.assign([ref(0)]);
  script.tell({ kind: "stop-asked", graceMs: 60_000, isDrain: true });
  script.tell({ kind: "stop-asked", graceMs: 5_000 });
  script.tell({ kind: "stop-asked", graceMs: 60_000, isDrain: true });
  live(script, 5_000);
  assert.equal(script.of("kill").length, 1);
});

test("at the latest `drain` before its end a worker drains, and what runs may end", () => {
  const script = joined(times, "tasks");
  script.assign([ref(0)]);
  live(script, 49_700);
  assert.deepEqual(script.of("tell-leaving"), []);
  live(script, 600);
  assert.equal(script.of("tell-leaving")[0]?.reason, "its lifetime ends");
  script.assign([ref(1)]);
  assert.deepEqual(returned(script), [1]);
  script.tell({ kind: "reports-acked", batch: 1 });
  script.report(1, done(0));
  script.tell({ kind: "reports-acked", batch: 2 });
  assert.equal(script.of("say-bye").length, 1);
});

test("what still runs a second before the end of the lifetime is given back, none is lost", () => {
  const script = joined(times, "tasks");
  script.assign([ref(0)]);
  live(script, 58_900);
  assert.deepEqual(returned(script), []);
  live(script, 300);
  assert.deepEqual(returned(script), [0]);
  assert.equal(script.of("kill").length, 1);
});

test("an attempt that does not fit is not begun: its worker drains at once", () => {
  const script = joined(times, "tasks");
  script.assign([ref(0)]);
  live(script, 20_000);
  script.report(1, done(0, 20_000));
  script.tell({ kind: "reports-acked", batch: 1 });
  script.assign([ref(1)]);
  assert.equal(script.of("start").length, 1, "40 s are left, and it needs 30 s at most");
  live(script, 20_000);
  script.assign([ref(2)]);
  assert.equal(script.state.stop, null, "its slot is taken, so nothing has to be decided");
  script.report(2, done(1, 20_000));
  assert.equal(script.of("start").length, 0);
  assert.deepEqual(returned(script), [2]);
});

test("an idle worker leaves, one that runs a task is not idle", () => {
  const script = joined(times, "tasks");
  live(script, 4_000);
  script.assign([ref(0)]);
  live(script, 20_000);
  script.report(1, done(0));
  script.tell({ kind: "reports-acked", batch: 1 });
  live(script, 4_800);
  assert.equal(script.state.stop, null);
  live(script, 600);
  assert.equal(script.of("say-bye").length, 1);
  script.tell({ kind: "bye-acked" });
  assert.deepEqual(script.of("end"), [{ kind: "end", failure: null }]);
});

test("an idle worker hands needed outputs over and leaves, and serves what is not taken", () => {
  for (const [isWhole, lifetimeMs] of [
    [true, 0],
    [false, 0],
    [false, 3_600_000],
  ] as const) {
    const script = mapped({ ...times, lifetimeMs });
    const why = () => script.state.stop?.why;
    live(script, 4_500);
    assert.equal(why(), undefined);
    live(script, 600);
    assert.equal(why(), "it has been idle");
    assert.equal(script.of("hand-over").length, 1);
    script.tell({ ...handed, isWhole });
    assert.equal(script.of("say-bye").length, isWhole ? 1 : 0);
    if (isWhole) continue;
    live(script, 600_000);
    assert.equal(script.of("say-bye").length, 0, "it is needed, and nothing presses");
    if (lifetimeMs === 0) script.tell({ kind: "job-closed", job: "j-1" });
    else live(script, lifetimeMs - 600_000);
    assert.equal(script.of("say-bye").length, 1);
  }
});

test("a worker that never found a coordinator leaves after its time without work, too", () => {
  const script = joined({ ...times, backoffMs: 100 }, "tasks");
  script.tell({ kind: "link-lost", reason: "closed", chance: 0 });
  script.pass(6_000);
  assert.equal(script.of("end").length, 1);
});

test("room on the disk does not take back that a worker leaves", () => {
  const script = joined({}, "tasks");
  script.assign([ref(0)]);
  script.tell({ kind: "disk-changed", reason: "full" });
  script.tell({ kind: "stop-asked", graceMs: 60_000, isDrain: true });
  script.tell({ kind: "disk-changed", reason: "" });
  assert.deepEqual(script.of("tell-pause"), []);
});
