/** What a failing disk at a worker means: other workers have the task first, and a job whose
 *  workers all fail ends soon, with the reason. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../../random.ts";
import { TestCluster, testJob, testStage } from "../../testing/fake-cluster.ts";
import { jobSummary } from "../../view.ts";
import { diskTriesMax, setbackMax } from "../retry.ts";
import { fullRetryMs } from "./pauses.ts";

const broken = { code: "storage-failed", message: "the disk failed (EIO)", isDisk: true } as const;
const failed = { kind: "failed", failure: broken } as const;
const oneTask = testJob([testStage()], { backupTasks: false });

/** Waits until one of the workers has an attempt; which one, and after how many ms. */
function nextAttempt(cluster: TestCluster) {
  const sinceMs = cluster.atMs;
  for (;;) {
    const found = [...cluster.running].find(([, refs]) => refs.length > 0);
    if (found !== undefined) {
      return { worker: found[0], ref: found[1][0]!, afterMs: cluster.atMs - sinceMs };
    }
    cluster.wait();
  }
}

test("a task that met a failing disk goes to another worker first", () => {
  const cluster = new TestCluster();
  cluster.join();
  cluster.join();
  const job = cluster.submit(oneTask);
  const first = nextAttempt(cluster);
  cluster.report(first.worker, first.ref, failed);
  const second = nextAttempt(cluster);
  assert.notEqual(second.worker, first.worker);
  assert.ok(second.afterMs < fullRetryMs, `after ${second.afterMs} ms`);
  cluster.report(second.worker, second.ref);
  assert.equal(jobSummary(cluster.state, job, cluster.atMs)?.state, "done");
});

test("a worker whose disk fails does not swallow a list: the others get the rest of it", () => {
  const cluster = new TestCluster();
  const [bad, good] = [cluster.join(), cluster.join()];
  const list = testJob([testStage({ taskCount: 200 })], { backupTasks: false });
  const job = cluster.submit(list);
  let met = 0;
  while (cluster.state.active.size > 0) {
    const ref = cluster.running.get(bad)![0];
    if (ref !== undefined) {
      met++;
      cluster.report(bad, ref, failed);
    }
    const next = cluster.running.get(good)![0];
    if (next === undefined) cluster.wait();
    else {
      cluster.atMs += 300;
      cluster.report(good, next, { durationMs: 300 });
    }
  }
  assert.equal(jobSummary(cluster.state, job, cluster.atMs)?.state, "done");
  assert.ok(met < 40, `${met} attempts on the failing disk`);
});

test("a job fails after a handful of tries when no worker is left, with the disk's reason", () => {
  const cluster = new TestCluster();
  cluster.join();
  const job = cluster.submit(oneTask);
  for (let tries = 1; tries <= diskTriesMax; tries++) {
    const summary = jobSummary(cluster.state, job, cluster.atMs);
    assert.equal(summary?.state, "running", `after ${tries - 1} tries`);
    const { ref, worker } = nextAttempt(cluster);
    cluster.report(worker, ref, failed);
    if (tries > 1) continue;
    const { waitingFor } = jobSummary(cluster.state, job, cluster.atMs)!;
    assert.match(String(waitingFor), /^the worker is paused after an error of the disk \(w-1: /);
  }
  const summary = jobSummary(cluster.state, job, cluster.atMs);
  assert.equal(summary?.state, "failed");
  assert.equal(summary?.failure?.code, "storage-failed");
  assert.match(String(summary?.failure?.message), /on the disks of all workers .*; last: .*EIO/);
});

test("bytes that were damaged elsewhere pause no worker, and are tried as often as before", () => {
  const cluster = new TestCluster();
  cluster.join();
  const job = cluster.submit(oneTask);
  const failure = { code: "storage-failed", message: "a copy was damaged" } as const;
  for (let tries = 1; tries < setbackMax; tries++) {
    const { ref, worker } = nextAttempt(cluster);
    cluster.report(worker, ref, { kind: "failed", failure });
    assert.equal(cluster.state.workers.get(1)?.pause, null);
  }
  assert.equal(cluster.finish(new Random(1)), true);
  assert.equal(jobSummary(cluster.state, job, cluster.atMs)?.state, "done");
});

test("the pause of a failing disk outlives a snapshot", () => {
  const cluster = new TestCluster();
  cluster.join();
  const job = cluster.submit(oneTask);
  const { ref, worker } = nextAttempt(cluster);
  cluster.report(worker, ref, failed);
  cluster.restartFromSnapshot();
  const { waitingFor } = jobSummary(cluster.state, job, cluster.atMs)!;
  assert.match(String(waitingFor), /after an error of the disk/);
  const next = nextAttempt(cluster);
  assert.equal(next.afterMs, fullRetryMs);
  cluster.report(next.worker, next.ref);
  assert.equal(jobSummary(cluster.state, job, cluster.atMs)?.state, "done");
});
