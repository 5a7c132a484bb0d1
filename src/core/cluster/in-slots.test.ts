/** What is shown as running is in a slot; what workers were sent ahead waits for one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { TestCluster, testJob, testStage } from "../testing/fake-cluster.ts";
import { jobSummary, workerSummaries } from "../view.ts";
import { whyJob } from "../why/why.ts";

test("never more tasks run than there are slots, and all are counted once", () => {
  const cluster = new TestCluster();
  const worker = cluster.join({ slots: 2 });
  const job = cluster.submit(testJob([testStage({ taskCount: 100 })]));
  let queuedMost = 0;
  for (let done = 0; done < 100; done++) {
    const [stage] = jobSummary(cluster.state, job, cluster.atMs)!.stages;
    const [shown] = workerSummaries(cluster.state);
    const held = cluster.running.get(worker)!.length;
    const running = Math.min(2, 100 - done);
    assert.deepEqual(
      [stage!.running, stage!.waiting + stage!.ready + stage!.running + stage!.done],
      [running, 100],
    );
    assert.deepEqual([shown!.running, shown!.queued], [running, held - running]);
    const why = whyJob(cluster.state, job, cluster.atMs)!;
    assert.equal(why.find((one) => one.kind === "job-runs")?.attempts, running);
    assert.equal(why.find((one) => one.kind === "stage-left")?.running, running);
    queuedMost = Math.max(queuedMost, held - running);
    cluster.report(worker, cluster.running.get(worker)![0]!);
  }
  assert.ok(queuedMost > 0, "nothing was sent ahead");
});

test("jobs that share a worker share its slots in what is shown, too", () => {
  const cluster = new TestCluster();
  cluster.join({ slots: 3 });
  const jobs = [1, 2].map(() => cluster.submit(testJob([testStage({ taskCount: 20 })])));
  const stages = jobs.map((job) => jobSummary(cluster.state, job, cluster.atMs)!.stages[0]!);
  assert.equal(stages[0]!.running + stages[1]!.running, 3);
});
