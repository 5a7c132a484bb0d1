/** Events in, effects out: the relation to the manager, reports, shutdown. Fault ids are those of
 *  the fault list. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { attemptState, nextWakeMs } from "../worker.ts";
import { done, joined, ref, refs, Story } from "./testing.ts";

test("a worker dials at once, joins, and pings as often as it is told", () => {
  const story = new Story();
  assert.deepEqual(story.pass(0), [{ kind: "dial" }]);
  assert.deepEqual(story.tell({ kind: "link-opened" }), [{ kind: "join", holding: [] }]);
  story.tell({ kind: "welcomed", leaseMs: 1_000, heartbeatMs: 300 });
  story.tell({ kind: "heard", sentAtMs: 0 });
  assert.deepEqual(story.pass(299), []);
  assert.deepEqual(story.pass(1), [{ kind: "ping" }]);
});

test("after a lost link it dials again, later each time, and by chance a little sooner", () => {
  const story = new Story({ backoffMs: 100, backoffMaxMs: 400 });
  const waits: number[] = [];
  for (const chance of [0, 0, 0, 0, 0.5]) {
    story.pass(nextWakeMs(story.state) - story.atMs);
    story.tell({ kind: "link-lost", reason: "refused", chance });
    waits.push(nextWakeMs(story.state) - story.atMs);
  }
  assert.deepEqual(waits, [100, 200, 400, 400, 300]);
});

test("a manager that takes the link and says nothing is given up", () => {
  const story = new Story({ joinTimeoutMs: 500 });
  story.pass(0);
  story.tell({ kind: "link-opened" });
  story.pass(500);
  assert.equal(story.of("hang-up").length, 1);
  assert.equal(story.state.relation.state, "apart");
});

test("without any manager for long enough it ends and says why", () => {
  const story = new Story({ giveUpMs: 1_000 });
  story.pass(0);
  story.tell({ kind: "link-lost", reason: "nothing listens", chance: 0 });
  story.atMs = 1_000;
  story.tell({ kind: "link-lost", reason: "nothing listens", chance: 0 });
  assert.match(String(story.of("end")[0]?.failure?.message), /nothing listens/);
});

test("W4: without an answer within the lease it stops all that it runs", () => {
  const story = joined({ slots: 2 });
  story.assign(refs(3));
  story.pass(999);
  assert.equal(story.of("kill").length, 0);
  story.pass(1);
  assert.equal(story.of("kill").length, 2);
  assert.equal(story.of("hang-up").length, 1);
  assert.equal(story.state.held.size, 0);
});

test("W4: the lease counts from when the answered ping was sent", () => {
  const story = joined();
  story.assign([ref(0)]);
  story.pass(900);
  story.tell({ kind: "heard", sentAtMs: 300 });
  story.pass(399);
  assert.equal(story.of("kill").length, 0);
  story.pass(1);
  assert.equal(story.of("kill").length, 1);
});

test("W4: the lease also ends while there is no link, and finished reports outlive it", () => {
  const story = joined({ slots: 2 });
  story.assign(refs(2));
  story.tell({ kind: "link-lost", reason: "cut", chance: 0 });
  story.report(1, done(0));
  story.pass(1_000);
  assert.deepEqual(story.of("kill"), [{ kind: "kill", run: 2, slot: 1 }]);
  assert.deepEqual([...story.state.held.keys()], ["j-1/0/0#1"]);
});

test("attempts survive a lost link within the lease, and are named at the next join", () => {
  const story = joined();
  story.assign(refs(2));
  story.tell({ kind: "link-lost", reason: "cut", chance: 0 });
  story.pass(200);
  story.tell({ kind: "link-opened" });
  assert.deepEqual(story.of("join")[0]?.holding, refs(2));
  assert.equal(story.of("kill").length, 0);
});

test("W3: a report is kept until it is acknowledged, and sent again after a lost link", () => {
  const story = joined();
  story.assign([ref(0)]);
  story.report(1, done(0));
  const [first] = story.of("report");
  story.tell({ kind: "link-lost", reason: "cut", chance: 0 });
  story.pass(100);
  const again = story.join().filter((effect) => effect.kind === "report");
  assert.deepEqual(again[0]?.reports, first?.reports);
  assert.deepEqual(story.tell({ kind: "reports-acked", batch: again[0]?.batch ?? 0 }), []);
  assert.equal(story.state.held.size, 0);
});

test("W3: an acknowledgement of the former link acknowledges nothing", () => {
  const story = joined();
  story.assign([ref(0)]);
  story.report(1, done(0));
  story.tell({ kind: "link-lost", reason: "cut", chance: 0 });
  story.tell({ kind: "reports-acked", batch: 1 });
  assert.equal(story.state.held.size, 1);
});

test("a report leaves at once; while one is under way others wait a few ms for company", () => {
  const story = joined({ slots: 3 }, "map");
  story.assign(refs(3));
  assert.equal(story.report(1, done(0)).length, 1);
  assert.equal(story.report(2, done(1)).length, 0);
  assert.equal(story.report(3, done(2)).length, 0);
  assert.deepEqual(
    story.pass(5).map((effect) => effect.kind),
    ["report"],
  );
  assert.equal(story.of("report")[0]?.reports.length, 2);
});

test("no more reports are under way than the limit says", () => {
  const story = joined({ slots: 8, reportGroupMax: 1, reportsInFlightMax: 2 }, "map");
  story.assign(refs(8));
  let sent = 0;
  for (let run = 1; run <= 8; run++) {
    story.report(run, done(run - 1));
    sent += story.of("report").length;
  }
  assert.equal(sent, 2);
  story.tell({ kind: "reports-acked", batch: 1 });
  assert.equal(story.of("report").length, 1);
});

test("W13: at shutdown the queue is given back, what runs may end, then it says goodbye", () => {
  const story = joined({}, "map");
  story.assign(refs(3));
  story.tell({ kind: "stop-asked", graceMs: 1_000 });
  assert.deepEqual(
    story.of("report")[0]?.reports.map(({ ref }) => ref.task),
    [1, 2],
  );
  story.assign([ref(7)]);
  assert.equal(attemptState(story.state, ref(7))?.report?.kind, "returned");
  story.report(1, done(0));
  story.tell({ kind: "reports-acked", batch: 1 });
  for (let batch = 2; story.state.held.size > 0; batch++) {
    story.tell({ kind: "reports-acked", batch });
  }
  assert.deepEqual(story.effects, [{ kind: "say-bye" }]);
  story.tell({ kind: "bye-acked" });
  assert.deepEqual(
    story.effects.map((effect) => effect.kind),
    ["hang-up", "end"],
  );
});

test("W13: what still runs after the grace is killed and given back", () => {
  const story = joined({}, "map");
  story.assign([ref(0)]);
  story.tell({ kind: "stop-asked", graceMs: 500 });
  story.pass(500);
  assert.equal(story.of("kill").length, 1);
  assert.equal(story.of("report")[0]?.reports[0]?.report.kind, "returned");
});

test("W13: without a manager, and with one that never answers, shutdown ends all the same", () => {
  const apart = new Story();
  assert.equal(apart.tell({ kind: "stop-asked", graceMs: 500 }).at(-1)?.kind, "end");
  const silent = joined({ leaveMs: 100 }, "map");
  silent.assign([ref(0)]);
  silent.tell({ kind: "stop-asked", graceMs: 100 });
  assert.equal(silent.pass(1_000).at(-1)?.kind, "end");
});

test("T2.3: NotMine ends the relation; it joins again with all that it holds", () => {
  const story = joined({}, "map");
  story.assign([ref(0)]);
  story.tell({ kind: "relation-broken", chance: 0 });
  assert.deepEqual(
    story.effects.map((effect) => effect.kind),
    ["hang-up"],
  );
  assert.deepEqual(story.pass(100), [{ kind: "dial" }]);
  assert.deepEqual(story.tell({ kind: "link-opened" }), [{ kind: "join", holding: [ref(0)] }]);
});

test("a refusal that no new try can change ends the worker, another does not", () => {
  const story = new Story();
  story.pass(0);
  story.tell({ kind: "link-opened" });
  const failure = { code: "unavailable", message: "full" } as const;
  story.tell({ kind: "refused", final: false, failure, chance: 0 });
  assert.deepEqual(story.pass(100), [{ kind: "dial" }]);
  const wrong = { code: "unauthenticated", message: "token" } as const;
  story.tell({ kind: "refused", final: true, failure: wrong, chance: 0 });
  assert.deepEqual(story.of("end"), [{ kind: "end", failure: wrong }]);
  assert.equal(nextWakeMs(story.state), Number.POSITIVE_INFINITY);
});

test("while it waits for the answer to its bye it has no heartbeat to wake up for", () => {
  const story = joined();
  story.tell({ kind: "stop-asked", graceMs: 0 });
  assert.equal(story.state.relation.state, "leaving");
  story.atMs += 500;
  assert.ok(nextWakeMs(story.state) > story.atMs);
});

test("W4: when the lease ends during a join, it is begun anew without what was dropped", () => {
  const story = joined();
  story.assign([ref(0)]);
  story.tell({ kind: "link-lost", reason: "cut", chance: 0 });
  story.pass(nextWakeMs(story.state) - story.atMs);
  assert.equal(story.tell({ kind: "link-opened" }).length, 1);
  story.pass(story.state.relation.leaseUntilMs - story.atMs);
  assert.equal(story.of("hang-up").length, 1);
  assert.equal(story.state.relation.state, "apart");
});
