/** Clusters of fake workers in the situations that the paper speaks of. */
import assert from "node:assert/strict";
import type { AttemptRef, WorkerId } from "../../src/core/ids.ts";
import {
  mapReduceSpec,
  TestCluster,
  testJob,
  testStage,
} from "../../src/core/testing/fake-cluster.ts";

export const held = (cluster: TestCluster, worker: WorkerId) => cluster.running.get(worker) ?? [];

export function first(cluster: TestCluster, worker: WorkerId): AttemptRef {
  return held(cluster, worker)[0] ?? assert.fail(`${worker} has nothing`);
}

/** Two workers, and a job of two map tasks, one on each, and so many reduce tasks. */
export function started(reduces: number) {
  const cluster = new TestCluster();
  const [a, b] = [cluster.join(), cluster.join()];
  const job = cluster.submit(mapReduceSpec(2, reduces));
  return { cluster, a, b, job };
}

/** The same, with both map tasks done. */
export function mapped(reduces: number) {
  const all = started(reduces);
  const { a, b, cluster } = all;
  for (const worker of [a, b]) {
    cluster.report(worker, first(cluster, worker), { durationMs: 1_000 });
  }
  return all;
}

export function result(root: string) {
  return { kind: "done" as const, output: { root, sizeBytes: 1, records: 1 } };
}

/** A task of a job runs twice, on a slow worker and as a backup; another one is left. */
export function backedUp() {
  const cluster = new TestCluster();
  const [a, b] = [cluster.join({ slots: 2 }), cluster.join()];
  const job = cluster.submit(testJob([testStage({ taskCount: 5 })]));
  const one = { worker: a, ref: first(cluster, a) };
  cluster.tell({ kind: "attempts-started", worker: a, attempts: [one.ref] });
  for (let n = 0; n < 3; n++) cluster.report(b, first(cluster, b), { durationMs: 400 });
  for (let n = 0; n < 20 && held(cluster, b).length === 0; n++) cluster.wait();
  return { cluster, job, one, two: { worker: b, ref: first(cluster, b) } };
}
