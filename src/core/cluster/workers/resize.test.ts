/** A worker that lends more slots, or fewer, while it works. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../../random.ts";
import { TestCluster, testJob, testStage } from "../../testing/fake-cluster.ts";
import { jobSummary, workerSummaries } from "../../view.ts";
import { slotsMax } from "../workers.ts";

const tenTasks = testJob([testStage({ taskCount: 10 })], { backupTasks: false });

test("a worker that lends more slots is given work for them at once", () => {
  const cluster = new TestCluster();
  const worker = cluster.join();
  cluster.submit(tenTasks);
  assert.equal(cluster.running.get(worker)?.length, 1);
  cluster.tell({ kind: "worker-resized", worker, slots: 3 });
  assert.equal(cluster.running.get(worker)?.length, 3);
  assert.equal(cluster.state.slots, 3);
});

test("one that lends fewer keeps what it runs, and is given nothing beyond them", () => {
  const cluster = new TestCluster();
  const worker = cluster.join({ slots: 3 });
  const job = cluster.submit(tenTasks);
  const [first, second, third] = cluster.running.get(worker)!;
  cluster.tell({ kind: "worker-resized", worker, slots: 1 });
  assert.equal(cluster.running.get(worker)?.length, 3);
  cluster.report(worker, first!, { durationMs: 60_000 });
  cluster.report(worker, second!, { kind: "returned" });
  assert.deepEqual(cluster.running.get(worker), [third]);
  cluster.report(worker, third!, { durationMs: 60_000 });
  assert.equal(cluster.running.get(worker)?.length, 1);
  assert.equal(cluster.finish(new Random(1)), true);
  const { attemptsFailed, attemptsLost } = jobSummary(cluster.state, job, 0)!.stages[0]!;
  assert.deepEqual([attemptsFailed, attemptsLost], [0, 0]);
});

test("what it lends outlives a snapshot; a pause outlives the change", () => {
  const cluster = new TestCluster();
  const worker = cluster.join();
  cluster.tell({ kind: "worker-paused", worker, reason: "hidden" });
  cluster.tell({ kind: "worker-resized", worker, slots: 4 });
  cluster.restartFromSnapshot();
  cluster.submit(tenTasks);
  assert.deepEqual(cluster.running.get(worker), []);
  cluster.tell({ kind: "worker-resumed", worker });
  assert.equal(cluster.running.get(worker)?.length, 4);
});

test("W7: a worker that lies about its slots has between one and as many as are believed", () => {
  for (const slots of [0, -1, 0.5, 2 ** 31, Number.NaN, Number.POSITIVE_INFINITY]) {
    const cluster = new TestCluster();
    const worker = cluster.join({ slots });
    cluster.submit(testJob([testStage({ taskCount: 3_000 })], { backupTasks: false }));
    const given = cluster.running.get(worker)!.length;
    assert.ok(given >= 1 && given <= 4 * slotsMax, `${slots}: ${given} tasks`);
    assert.ok(cluster.state.slots >= 1 && cluster.state.slots <= slotsMax);
    cluster.lose(worker);
    assert.equal(cluster.state.slots, 0);
  }
});

test("slots that cannot be are not believed, and a lost worker lends none", () => {
  const cluster = new TestCluster();
  const worker = cluster.join();
  const slots = (): number => workerSummaries(cluster.state)[0]!.slots;
  for (const [told, believed] of [
    [0, 1],
    [-3, 1],
    [2.9, 2],
    [1e9, slotsMax],
    [Number.NaN, 1],
  ]) {
    cluster.tell({ kind: "worker-resized", worker, slots: told! });
    assert.equal(slots(), believed);
  }
  cluster.lose(worker, "closed");
  cluster.tell({ kind: "worker-resized", worker, slots: 5 });
  assert.equal(cluster.state.slots, 0);
});
