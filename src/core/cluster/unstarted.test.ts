/** Attempts that an existing worker has acknowledged and never begins. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { TestCluster, testJob, testStage } from "../testing/fake-cluster.ts";
import { jobSummary } from "../view.ts";
import { unstartedMs } from "./leases.ts";

const base = { isBase: true, kinds: [0], exchangeUrl: "" } as const;
const module = { moduleHash: "0".repeat(64), backupTasks: false };
const items = (taskCount: number) => testJob([testStage({ taskCount })], module);

test("an attempt that does not begin is aborted, and its task goes to another worker", () => {
  const cluster = new TestCluster();
  const stuck = cluster.join(base);
  const id = cluster.submit(items(3));
  assert.equal(cluster.running.get(stuck)!.length, 1, "no more than it has slots");
  const [ref] = cluster.running.get(stuck)!;
  const other = cluster.join(base);
  cluster.report(other, cluster.running.get(other)![0]!);
  cluster.report(other, cluster.running.get(other)![0]!);
  const effects = cluster.wait(unstartedMs);
  assert.deepEqual(
    effects.filter(({ kind }) => kind === "abort"),
    [{ kind: "abort", worker: stuck, attempts: [ref] }],
  );
  assert.equal(cluster.running.get(other)![0]?.task, ref?.task);
  cluster.report(other, cluster.running.get(other)![0]!);
  assert.equal(jobSummary(cluster.state, id, cluster.atMs)?.state, "done");
});

test("one that has begun is left alone", () => {
  const cluster = new TestCluster();
  const worker = cluster.join(base);
  cluster.submit(items(1));
  cluster.tell({ kind: "attempts-started", worker, attempts: cluster.running.get(worker)! });
  assert.deepEqual(cluster.wait(unstartedMs), []);
});

test("what waits behind one that runs stays there, until another worker is idle", () => {
  const cluster = new TestCluster();
  const worker = cluster.join({ ...base, slots: 2 });
  cluster.submit(items(2));
  const [first, second] = cluster.running.get(worker)!;
  cluster.tell({ kind: "attempts-started", worker, attempts: [first!] });
  assert.deepEqual(cluster.wait(unstartedMs), []);
  const other = cluster.join(base);
  cluster.wait(unstartedMs);
  assert.deepEqual(
    cluster.running.get(other)!.map(({ task }) => task),
    [second!.task],
  );
});

test("where none begins, the job fails after a handful of tries", () => {
  const cluster = new TestCluster();
  cluster.join(base);
  const id = cluster.submit(items(1));
  while (cluster.state.active.size > 0) cluster.wait();
  const { failure } = jobSummary(cluster.state, id, cluster.atMs)!;
  assert.equal(failure?.code, "timed-out");
  assert.match(failure!.message, /w-1 acknowledged it, and did not begin in time/);
});

test("existing workers are gone when the coordinator starts anew", () => {
  const cluster = new TestCluster();
  cluster.join(base);
  const own = cluster.join({ kinds: [100, 0] });
  cluster.submit(items(4));
  cluster.tell({ kind: "coordinator-started", epoch: 2 });
  const [first, second] = [...cluster.state.workers.values()];
  assert.equal(first?.live, false);
  assert.equal(first?.lost?.reason, "bye");
  assert.equal(second?.live, true);
  assert.equal(cluster.running.get(own)!.length > 0, true);
});
