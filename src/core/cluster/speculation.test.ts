/** Backup tasks: for which attempts, and when. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { WorkerId } from "../ids.ts";
import { TestCluster, testJob, testStage } from "../testing/fake-cluster.ts";

/** Two workers; the first takes ten times as long for every task until only one is left to it. */
function untilTheLast(paces: readonly [slowMs: number, quickMs: number]) {
  const cluster = new TestCluster();
  const [slow, quick] = [cluster.join(), cluster.join()] as [WorkerId, WorkerId];
  cluster.submit(testJob([testStage({ taskCount: 40 })]));
  const one = (worker: WorkerId) => cluster.running.get(worker)?.[0];
  for (let n = 0; n < 3; n++) {
    for (let m = 0; m < 9; m++) cluster.report(quick, one(quick)!, { durationMs: paces[1] });
    cluster.report(slow, one(slow)!, { durationMs: paces[0] });
  }
  while (one(quick) !== undefined) cluster.report(quick, one(quick)!, { durationMs: paces[1] });
  return { cluster, quick, last: one(slow)! };
}

test("a worker that has shown to be slow gets a backup long before its attempt is overdue", () => {
  const { cluster, last, quick } = untilTheLast([10_000, 1_000]);
  cluster.wait(300);
  assert.deepEqual(cluster.running.get(quick), [{ ...last, attempt: last.attempt + 1 }]);
});

test("a worker like the others is given two medians of time", () => {
  const { cluster, quick } = untilTheLast([1_000, 1_000]);
  cluster.wait(300);
  assert.deepEqual(cluster.running.get(quick), []);
});

test("what is known of a worker's pace outlives a restart", () => {
  const { cluster, last, quick } = untilTheLast([10_000, 1_000]);
  cluster.restartFromSnapshot();
  cluster.wait(300);
  assert.deepEqual(cluster.running.get(quick), [{ ...last, attempt: last.attempt + 1 }]);
});

test("a backup gets the next free slot, though another job has more than enough to do", () => {
  const { cluster, last, quick } = untilTheLast([10_000, 1_000]);
  cluster.submit(testJob([testStage({ taskCount: 100 })]));
  cluster.wait(300);
  const [first] = cluster.running.get(quick)!;
  assert.equal(first?.job, "j-2", "no worker is idle");
  cluster.report(quick, first!, { durationMs: 1_000 });
  assert.deepEqual(cluster.running.get(quick), [{ ...last, attempt: last.attempt + 1 }]);
});
