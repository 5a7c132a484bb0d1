/** Which workers are lost when: times in, names out. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Liveness, type LivenessOptions, type Loss } from "./liveness.ts";

const options: LivenessOptions = {
  leaseMs: 15_000,
  heartbeatMs: 5_000,
  closedGraceMs: 1_000,
  tickMs: 100,
};

/** Ticks from `fromMs` to `toMs`; each loss with the time at which it was reported. */
function run(liveness: Liveness, fromMs: number, toMs: number): Array<Loss & { atMs: number }> {
  const losses: Array<Loss & { atMs: number }> = [];
  for (let atMs = fromMs; atMs <= toMs; atMs += options.tickMs) {
    for (const loss of liveness.due(atMs)) losses.push({ ...loss, atMs });
  }
  return losses;
}

test("a silent worker is lost at the end of its lease, and reported once", () => {
  const liveness = new Liveness(options);
  liveness.watch("w-1", 0);
  liveness.heard("w-1", 2_000);
  assert.deepEqual(run(liveness, 0, 60_000), [{ worker: "w-1", reason: "silent", atMs: 17_000 }]);
});

test("a worker whose messages arrive in time is never lost", () => {
  const liveness = new Liveness(options);
  liveness.watch("w-1", 0);
  for (let atMs = 0; atMs < 100_000; atMs += 5_000) {
    liveness.heard("w-1", atMs);
    assert.deepEqual(run(liveness, atMs, atMs + 4_900), []);
  }
});

test("a closed link is a loss a second later, unless the worker is back", () => {
  const liveness = new Liveness(options);
  for (const worker of ["w-1", "w-2"] as const) {
    liveness.watch(worker, 0);
    liveness.closed(worker, 5_000);
  }
  assert.deepEqual(run(liveness, 0, 5_900), []);
  liveness.watch("w-2", 5_950);
  assert.deepEqual(run(liveness, 6_000, 20_900), [
    { worker: "w-1", reason: "closed", atMs: 6_000 },
  ]);
});

test("messages that a closed link still delivers do not renew the lease", () => {
  const liveness = new Liveness(options);
  liveness.watch("w-1", 0);
  liveness.closed("w-1", 100);
  liveness.heard("w-1", 200);
  assert.equal(run(liveness, 0, 2_000)[0]?.atMs, 1_100);
});

test("a pause of the coordinator moves every deadline by its length", () => {
  const liveness = new Liveness(options);
  liveness.watch("w-1", 0);
  liveness.watch("w-2", 0);
  liveness.closed("w-2", 0);
  assert.deepEqual(run(liveness, 0, 500), []);
  // Ten minutes asleep: no worker was silent, the coordinator was.
  assert.deepEqual(run(liveness, 600_500, 600_800), []);
  assert.equal(run(liveness, 600_900, 602_000)[0]?.worker, "w-2");
  assert.equal(run(liveness, 602_100, 620_000)[0]?.worker, "w-1");
});

test("a tick that is late by less than a heartbeat moves nothing", () => {
  const liveness = new Liveness(options);
  liveness.watch("w-1", 0);
  run(liveness, 0, 12_000);
  assert.deepEqual(liveness.due(15_000), [{ worker: "w-1", reason: "silent" }]);
});

test("a loss that could not be logged is reported again", () => {
  const liveness = new Liveness(options);
  liveness.watch("w-1", 0);
  assert.equal(run(liveness, 0, 15_000).length, 1);
  liveness.tellAgain("w-1");
  assert.equal(liveness.due(15_100).length, 1);
  liveness.declared("w-1");
  assert.equal(run(liveness, 15_200, 60_000).length, 0);
});

test("a worker that is back before its loss is logged stays watched", () => {
  const liveness = new Liveness(options);
  liveness.watch("w-1", 0);
  run(liveness, 0, 15_000);
  liveness.watch("w-1", 15_050);
  liveness.declared("w-1");
  assert.deepEqual(run(liveness, 15_100, 40_000), [
    { worker: "w-1", reason: "silent", atMs: 30_100 },
  ]);
});

test("a worker that has left is not reported as lost", () => {
  const liveness = new Liveness(options);
  liveness.watch("w-1", 0);
  liveness.forget("w-1");
  assert.deepEqual(run(liveness, 0, 60_000), []);
});

test("a worker away before a restart has the rest of its lease, at least a moment", () => {
  const liveness = new Liveness(options);
  liveness.watch("w-1", 0, 10_000);
  liveness.watch("w-2", 0, 60_000);
  const lost: Array<[number, string]> = [];
  for (let atMs = 0; atMs <= 6_000; atMs += 100) {
    for (const { worker } of liveness.due(atMs)) lost.push([atMs, worker]);
  }
  assert.deepEqual(lost, [
    [2_000, "w-2"],
    [5_000, "w-1"],
  ]);
});

test("a peer without a welcome has a lease of its own", () => {
  const liveness = new Liveness(options);
  liveness.watch("w-1", 0, 0, 60_000);
  liveness.heard("w-1", 2_000);
  assert.deepEqual(run(liveness, 0, 90_000), [{ worker: "w-1", reason: "silent", atMs: 62_000 }]);
});

test("N3: while all of several workers are silent, none is lost; each may come back", () => {
  const liveness = new Liveness(options);
  for (const worker of ["w-1", "w-2", "w-3"] as const) {
    liveness.watch(worker, 0);
    liveness.heard(worker, 0);
  }
  // Cut off for 30 s.
  assert.deepEqual(run(liveness, 0, 29_900), []);
  liveness.watch("w-1", 30_000);
  liveness.heard("w-1", 30_000);
  assert.deepEqual(run(liveness, 30_000, 33_900), []);
  liveness.watch("w-2", 34_000);
  liveness.heard("w-2", 34_000);
  assert.deepEqual(run(liveness, 34_000, 44_900), [
    { worker: "w-3", reason: "silent", atMs: 35_000 },
  ]);
});

test("workers that stay away for four leases are lost, all of them", () => {
  const liveness = new Liveness(options);
  for (const worker of ["w-1", "w-2"] as const) {
    liveness.watch(worker, 0);
    liveness.heard(worker, 0);
  }
  const losses = run(liveness, 0, 100_000);
  assert.deepEqual(
    losses.map(({ atMs }) => atMs),
    [60_000, 60_000],
  );
});
