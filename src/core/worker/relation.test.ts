/** Events in, effects out: the relation to the manager, reports, shutdown. Fault ids are those of
 *  the fault list. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { attemptState, nextWakeMs } from "../worker.ts";
import { done, joined, ref, refs, WorkerScript } from "./testing.ts";

test("a worker dials at once, joins, and pings at the interval it is given", () => {
  const script = new WorkerScript();
  assert.deepEqual(script.pass(0), [{ kind: "dial" }]);
  assert.deepEqual(script.tell({ kind: "link-opened" }), [{ kind: "join", holding: [] }]);
  script.tell({ kind: "welcomed", leaseMs: 1_000, heartbeatMs: 300 });
  script.tell({ kind: "heard", sentAtMs: 0 });
  assert.deepEqual(script.pass(299), []);
  assert.deepEqual(script.pass(1), [{ kind: "ping" }]);
});

test("after a lost link it dials again, later each time, and by chance a little sooner", () => {
  const script = new WorkerScript({ backoffMs: 100, backoffMaxMs: 400 });
  const waits: number[] = [];
  for (const chance of [0, 0, 0, 0, 0.5]) {
    script.pass(nextWakeMs(script.state) - script.atMs);
    script.tell({ kind: "link-lost", reason: "refused", chance });
    waits.push(nextWakeMs(script.state) - script.atMs);
  }
  assert.deepEqual(waits, [100, 200, 400, 400, 300]);
});

test("a manager that takes the link and says nothing is given up", () => {
  const script = new WorkerScript({ joinTimeoutMs: 500 });
  script.pass(0);
  script.tell({ kind: "link-opened" });
  script.pass(500);
  assert.equal(script.of("hang-up").length, 1);
  assert.equal(script.state.relation.state, "apart");
});

test("without any manager for long enough it ends and says why", () => {
  const script = new WorkerScript({ giveUpMs: 1_000 });
  script.pass(0);
  script.tell({ kind: "link-lost", reason: "nothing listens", chance: 0 });
  script.atMs = 1_000;
  script.tell({ kind: "link-lost", reason: "nothing listens", chance: 0 });
  assert.match(String(script.of("end")[0]?.failure?.message), /nothing listens/);
});

test("W4: without an answer within the lease it stops all that it runs", () => {
  const script = joined({ slots: 2 });
  script.assign(refs(3));
  script.pass(999);
  assert.equal(script.of("kill").length, 0);
  script.pass(1);
  assert.equal(script.of("kill").length, 2);
  assert.equal(script.of("hang-up").length, 1);
  assert.equal(script.state.held.size, 0);
});

test("an existing manager is pinged each 15 s, and given up after 60 s with a Bye", () => {
  const script = new WorkerScript();
  script.pass(0);
  script.tell({ kind: "link-opened" });
  script.tell({ kind: "welcomed", leaseMs: 60_000, heartbeatMs: 15_000, isExisting: true });
  script.tell({ kind: "heard", sentAtMs: 0 });
  script.pass(59_999);
  assert.deepEqual(script.effects, [{ kind: "ping" }, { kind: "ping" }, { kind: "ping" }]);
  script.pass(1);
  assert.deepEqual(
    script.effects.map(({ kind }) => kind),
    ["say-bye", "hang-up"],
  );
});

test("W4: the lease counts from when the answered ping was sent", () => {
  const script = joined();
  script.assign([ref(0)]);
  script.pass(900);
  script.tell({ kind: "heard", sentAtMs: 300 });
  script.pass(399);
  assert.equal(script.of("kill").length, 0);
  script.pass(1);
  assert.equal(script.of("kill").length, 1);
});

test("W4: the lease also ends while there is no link, and finished reports outlive it", () => {
  const script = joined({ slots: 2 });
  script.assign(refs(2));
  script.tell({ kind: "link-lost", reason: "cut", chance: 0 });
  script.report(1, done(0));
  script.pass(1_000);
  assert.deepEqual(script.of("kill"), [{ kind: "kill", run: 2, slot: 1 }]);
  assert.deepEqual(
    [...script.state.held.values()].map((held) => held.ref),
    [ref(0, { job: "j-1" })],
  );
});

test("attempts survive a lost link within the lease, and are named at the next join", () => {
  const script = joined();
  script.assign(refs(2));
  script.tell({ kind: "link-lost", reason: "cut", chance: 0 });
  script.pass(200);
  script.tell({ kind: "link-opened" });
  assert.deepEqual(script.of("join")[0]?.holding, refs(2));
  assert.equal(script.of("kill").length, 0);
});

test("W3: a report is kept until it is acknowledged, and sent again after a lost link", () => {
  const script = joined();
  script.assign([ref(0)]);
  script.report(1, done(0));
  const [first] = script.of("report");
  script.tell({ kind: "link-lost", reason: "cut", chance: 0 });
  script.pass(100);
  const again = script.join().filter((effect) => effect.kind === "report");
  assert.deepEqual(again[0]?.reports, first?.reports);
  assert.deepEqual(script.tell({ kind: "reports-acked", batch: again[0]?.batch ?? 0 }), []);
  assert.equal(script.state.held.size, 0);
});

test("W3: an acknowledgement of the former link acknowledges nothing", () => {
  const script = joined();
  script.assign([ref(0)]);
  script.report(1, done(0));
  script.tell({ kind: "link-lost", reason: "cut", chance: 0 });
  script.tell({ kind: "reports-acked", batch: 1 });
  assert.equal(script.state.held.size, 1);
});

test("a report leaves at once; while one is under way others wait a few ms for company", () => {
  const script = joined({ slots: 3 }, "map");
  script.assign(refs(3));
  assert.equal(script.report(1, done(0)).length, 1);
  assert.equal(script.report(2, done(1)).length, 0);
  assert.equal(script.report(3, done(2)).length, 0);
  assert.deepEqual(
    script.pass(5).map((effect) => effect.kind),
    ["report"],
  );
  assert.equal(script.of("report")[0]?.reports.length, 2);
});

test("no more reports are under way than the limit says", () => {
  const script = joined({ slots: 8, reportGroupMax: 1, reportsInFlightMax: 2 }, "map");
  script.assign(refs(8));
  let sent = 0;
  for (let run = 1; run <= 8; run++) {
    script.report(run, done(run - 1));
    sent += script.of("report").length;
  }
  assert.equal(sent, 2);
  script.tell({ kind: "reports-acked", batch: 1 });
  assert.equal(script.of("report").length, 1);
});

test("W13: at shutdown the queue is given back, what runs may end, then it says goodbye", () => {
  const script = joined({}, "map");
  script.assign(refs(3));
  script.tell({ kind: "stop-asked", graceMs: 1_000 });
  assert.deepEqual(
    script.of("report")[0]?.reports.map(({ ref }) => ref.task),
    [1, 2],
  );
  script.assign([ref(7)]);
  assert.equal(attemptState(script.state, ref(7))?.report?.kind, "returned");
  script.report(1, done(0));
  script.tell({ kind: "reports-acked", batch: 1 });
  for (let batch = 2; script.state.held.size > 0; batch++) {
    script.tell({ kind: "reports-acked", batch });
  }
  assert.deepEqual(script.effects, [{ kind: "say-bye" }]);
  script.tell({ kind: "bye-acked" });
  assert.deepEqual(
    script.effects.map((effect) => effect.kind),
    ["hang-up", "end"],
  );
});

test("W13: what still runs after the grace is killed and given back", () => {
  const script = joined({}, "map");
  script.assign([ref(0)]);
  script.tell({ kind: "stop-asked", graceMs: 500 });
  script.pass(500);
  assert.equal(script.of("kill").length, 1);
  assert.equal(script.of("report")[0]?.reports[0]?.report.kind, "returned");
});

test("W13: without a manager, and with one that never answers, shutdown ends all the same", () => {
  const apart = new WorkerScript();
  assert.equal(apart.tell({ kind: "stop-asked", graceMs: 500 }).at(-1)?.kind, "end");
  const silent = joined({ leaveMs: 100 }, "map");
  silent.assign([ref(0)]);
  silent.tell({ kind: "stop-asked", graceMs: 100 });
  assert.equal(silent.pass(1_000).at(-1)?.kind, "end");
});

test("T2.3: NotMine ends the relation; it joins again with all that it holds", () => {
  const script = joined({}, "map");
  script.assign([ref(0)]);
  script.tell({ kind: "relation-broken", chance: 0 });
  assert.deepEqual(
    script.effects.map((effect) => effect.kind),
    ["hang-up"],
  );
  assert.deepEqual(script.pass(100), [{ kind: "dial" }]);
  assert.deepEqual(script.tell({ kind: "link-opened" }), [{ kind: "join", holding: [ref(0)] }]);
});

test("a refusal that no new try can change ends the worker, another does not", () => {
  const script = new WorkerScript();
  script.pass(0);
  script.tell({ kind: "link-opened" });
  const failure = { code: "unavailable", message: "full" } as const;
  script.tell({ kind: "refused", final: false, failure, chance: 0 });
  assert.deepEqual(script.pass(100), [{ kind: "dial" }]);
  const wrong = { code: "unauthenticated", message: "token" } as const;
  script.tell({ kind: "refused", final: true, failure: wrong, chance: 0 });
  assert.deepEqual(script.of("end"), [{ kind: "end", failure: wrong }]);
  assert.equal(nextWakeMs(script.state), Number.POSITIVE_INFINITY);
});

test("while it waits for the answer to its bye it has no heartbeat to wake up for", () => {
  const script = joined();
  script.tell({ kind: "stop-asked", graceMs: 0 });
  assert.equal(script.state.relation.state, "leaving");
  script.atMs += 500;
  assert.ok(nextWakeMs(script.state) > script.atMs);
});

test("W4: when the lease ends during a join, it is begun anew without what was dropped", () => {
  const script = joined();
  script.assign([ref(0)]);
  script.tell({ kind: "link-lost", reason: "cut", chance: 0 });
  script.pass(nextWakeMs(script.state) - script.atMs);
  assert.equal(script.tell({ kind: "link-opened" }).length, 1);
  script.pass(script.state.relation.leaseUntilMs - script.atMs);
  assert.equal(script.of("hang-up").length, 1);
  assert.equal(script.state.relation.state, "apart");
});
