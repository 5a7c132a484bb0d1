/** Attempts that wait at a worker go back when they would wait for long. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type AttemptRef, attemptKey, idNumber, type WorkerId } from "../../ids.ts";
import { TestCluster, testJob, testStage } from "../../testing/fake-cluster.ts";

const spec = (taskCount: number) => testJob([testStage({ taskCount })], { backupTasks: false });

/** A cluster that has only seen tasks of 0.1 ms. */
function quick(workers: number): { cluster: TestCluster; workers: WorkerId[] } {
  const cluster = new TestCluster();
  const joined = Array.from({ length: workers }, () => cluster.join());
  for (let n = 0; n < 40; n++) {
    cluster.submit(spec(1));
    for (const worker of joined) {
      for (const ref of cluster.running.get(worker)!) cluster.report(worker, ref, short);
    }
  }
  return { cluster, workers: joined };
}

const short = { durationMs: 0.1 };

const started = (cluster: TestCluster, worker: WorkerId, ref: AttemptRef) => {
  return cluster.tell({ kind: "attempts-started", worker, attempts: [ref] });
};

const counts = (cluster: TestCluster, workers: readonly WorkerId[]) => {
  return workers.map((worker) => cluster.running.get(worker)!.length);
};

test("a small job goes to one worker as a whole, in one order", () => {
  const { cluster, workers } = quick(2);
  cluster.effects.length = 0;
  cluster.submit(spec(10));
  assert.deepEqual(counts(cluster, workers).sort(), [0, 10]);
  assert.equal(cluster.effects.filter(({ kind }) => kind === "assign").length, 1);
});

test("what waits behind an attempt that takes long goes to the workers that are free", () => {
  const { cluster, workers } = quick(3);
  cluster.submit(spec(10));
  const first = workers.find((worker) => cluster.running.get(worker)!.length === 10)!;
  const [begun] = cluster.running.get(first)!;
  cluster.atMs += 200;
  started(cluster, first, begun!);
  assert.equal(cluster.askedBack.length, 9);
  cluster.returnAsked((_, ref) => attemptKey(ref) === attemptKey(begun!));
  // One for each free slot; the others wait where every worker can have them.
  assert.deepEqual(counts(cluster, workers), [1, 1, 1]);
  const [job] = [...cluster.state.active];
  const stage = cluster.state.jobs.get(job!)!.stages[0]!;
  assert.equal(stage.counts.ready, 7);
  assert.ok(cluster.finish({ below: () => 0 } as never), "the job ends");
});

test("returned attempts get new numbers, and late reports of them change nothing", () => {
  const { cluster, workers } = quick(2);
  const job = cluster.submit(spec(3));
  const first = workers.find((worker) => cluster.running.get(worker)!.length === 3)!;
  const [begun, late] = cluster.running.get(first)!;
  started(cluster, first, begun!);
  cluster.returnAsked((_, ref) => attemptKey(ref) === attemptKey(begun!));
  const other = workers.find((worker) => worker !== first)!;
  const [again] = cluster.running.get(other)!;
  assert.equal(again!.attempt, 2);
  cluster.report(first, late!, { ...short, output: { root: "late", sizeBytes: 9, records: 9 } });
  const stage = cluster.state.jobs.get(idNumber(job))!.stages[0]!;
  assert.equal(stage.outputs[late!.task], null);
});

test("an attempt that had begun is not returned, and its report counts", () => {
  const { cluster, workers } = quick(2);
  const job = cluster.submit(spec(3));
  const first = workers.find((worker) => cluster.running.get(worker)!.length === 3)!;
  const [begun, second] = cluster.running.get(first)!;
  started(cluster, first, begun!);
  assert.equal(cluster.askedBack.length, 2);
  cluster.report(first, second!, short);
  const stage = cluster.state.jobs.get(idNumber(job))!.stages[0]!;
  assert.equal(stage.committed[second!.task], 1);
});

test("an attempt that took much longer than expected has the excess of its stage returned", () => {
  const { cluster, workers } = quick(1);
  const [worker] = workers;
  cluster.submit(spec(1_000));
  for (const ref of cluster.running.get(worker!)!.slice(0, 10)) {
    cluster.report(worker!, ref, short);
  }
  const before = cluster.running.get(worker!)!.length;
  assert.ok(before > 200, `${before} wait`);
  cluster.report(worker!, cluster.running.get(worker!)![0]!, { durationMs: 25 });
  assert.equal(cluster.askedBack.length, before - 1 - 2);
});

test("a snapshot keeps what was asked back and what was announced", () => {
  const { cluster, workers } = quick(2);
  cluster.submit(spec(10));
  const first = workers.find((worker) => cluster.running.get(worker)!.length === 10)!;
  const [begun] = cluster.running.get(first)!;
  started(cluster, first, begun!);
  cluster.restartFromSnapshot();
  cluster.returnAsked((_, ref) => attemptKey(ref) === attemptKey(begun!));
  assert.deepEqual(counts(cluster, workers), [1, 1]);
});
