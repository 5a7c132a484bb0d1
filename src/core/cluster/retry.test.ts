/** What is tried again, and what is not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { TestCluster, testJob, testStage } from "../testing/fake-cluster.ts";
import { jobSummary } from "../view.ts";

test("X9: a failure that its worker calls final is tried once", () => {
  const cluster = new TestCluster();
  const worker = cluster.join();
  const job = cluster.submit(testJob([testStage()]));
  const failure = { code: "user-error", message: "bad record at a:0", isFinal: true } as const;
  cluster.report(worker, cluster.running.get(worker)![0]!, { kind: "failed", failure });
  const summary = jobSummary(cluster.state, job, 0);
  assert.equal(summary?.state, "failed");
  assert.match(summary?.failure?.message ?? "", /^[^,]* bad record at a:0$/);
});
