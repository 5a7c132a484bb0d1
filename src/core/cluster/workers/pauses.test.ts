/** What a full disk at a worker means: nothing is lost, nothing fails, and it goes on by itself. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../../random.ts";
import { TestCluster, testJob, testStage } from "../../testing/fake-cluster.ts";
import { jobSummary, workerSummaries } from "../../view.ts";
import { setbackMax } from "../retry.ts";
import { fullRetryMs, restMs } from "./pauses.ts";

const full = { code: "storage-full", message: "no space left" } as const;
const threeTasks = testJob([testStage({ taskCount: 3 })], { backupTasks: false });

test("C4: a job whose workers all meet full disks waits, whatever the number of tries", () => {
  const cluster = new TestCluster();
  const workers = [cluster.join(), cluster.join()];
  const job = cluster.submit(threeTasks);
  for (let round = 0; round <= setbackMax; round++) {
    for (const worker of workers) {
      const [ref] = cluster.running.get(worker) ?? [];
      assert.ok(ref);
      cluster.report(worker, ref, { kind: "failed", failure: full });
    }
    const summary = jobSummary(cluster.state, job, cluster.atMs);
    assert.equal(summary?.state, "running");
    assert.match(String(summary?.waitingFor), /all 2 workers are out of disk.*no space left/);
    assert.equal(summary?.errors.length, 0);
    cluster.wait(fullRetryMs);
  }
  assert.equal(cluster.finish(new Random(1)), true);
  assert.equal(jobSummary(cluster.state, job, cluster.atMs)?.state, "done");
});

test("C4: a worker that says it is full keeps what it runs and gets nothing more", () => {
  const cluster = new TestCluster();
  const worker = cluster.join();
  cluster.submit(threeTasks);
  const [first] = cluster.running.get(worker)!;
  cluster.tell({ kind: "worker-paused", worker, reason: "3 MB left" });
  assert.equal(cluster.running.get(worker)?.length, 1);
  assert.equal(workerSummaries(cluster.state)[0]?.paused, "3 MB left");
  cluster.report(worker, first!);
  cluster.wait(60_000);
  assert.deepEqual(cluster.running.get(worker), []);
  cluster.tell({ kind: "worker-resumed", worker });
  assert.equal(cluster.running.get(worker)?.length, 2);
});

test("C4: what a paused worker gives back goes to another, without a setback", () => {
  const cluster = new TestCluster();
  const [small, large] = [cluster.join(), cluster.join()];
  const job = cluster.submit(testJob([testStage({ taskCount: 2 })]));
  cluster.report(large, cluster.running.get(large)![0]!);
  cluster.tell({ kind: "worker-paused", worker: small, reason: "full" });
  cluster.report(small, cluster.running.get(small)![0]!, { kind: "returned" });
  assert.equal(cluster.running.get(large)?.length, 1);
  cluster.report(large, cluster.running.get(large)![0]!);
  const summary = jobSummary(cluster.state, job, cluster.atMs);
  assert.deepEqual([summary?.state, summary?.stages[0]?.attemptsFailed], ["done", 0]);
});

test("a pause outlives a snapshot, and ends when the worker joins anew", () => {
  const cluster = new TestCluster();
  const worker = cluster.join();
  cluster.tell({ kind: "worker-paused", worker, reason: "full" });
  cluster.restartFromSnapshot();
  const job = cluster.submit(testJob([testStage()]));
  assert.match(String(jobSummary(cluster.state, job, cluster.atMs)?.waitingFor), /the worker is/);
  const { specs, owner } = cluster.state.workers.get(1)!;
  cluster.tell({ kind: "worker-joined", worker, owner, specs, holding: [] });
  assert.equal(cluster.running.get(worker)?.length, 1);
});

test("what the worker says of its disk counts for longer than one attempt that met it full", () => {
  const cluster = new TestCluster();
  const worker = cluster.join();
  cluster.submit(threeTasks);
  cluster.tell({ kind: "worker-paused", worker, reason: "full" });
  cluster.report(worker, cluster.running.get(worker)![0]!, { kind: "failed", failure: full });
  cluster.wait(fullRetryMs * 2);
  assert.deepEqual(cluster.running.get(worker), []);
});

test("a worker that returned all it held is given work again, though nothing else happens", () => {
  const cluster = new TestCluster();
  const worker = cluster.join();
  cluster.submit(testJob([testStage()], { backupTasks: false }));
  cluster.report(worker, cluster.running.get(worker)![0]!, { kind: "returned" });
  assert.deepEqual(cluster.running.get(worker), [], "not at once, or it would go on for ever");
  cluster.wait(restMs);
  assert.equal(cluster.running.get(worker)?.length, 1);
});
