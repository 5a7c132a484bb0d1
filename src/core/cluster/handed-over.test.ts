/** Map outputs that a worker hands over before it leaves. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { AttemptRef, WorkerId } from "../ids.ts";
import { mapReduceSpec, TestCluster } from "../testing/fake-cluster.ts";
import { neededOutputs, neededRoot, stageSources } from "../view.ts";

const maps = 3;

/** All map tasks are done at the first worker; the second one has no slot for the others yet. */
function mapped(sizes: readonly number[] = [1, 1, 1]) {
  const cluster = new TestCluster();
  const first = cluster.join({ slots: maps });
  const job = cluster.submit(mapReduceSpec(maps, 2));
  for (const one of [...(cluster.running.get(first) ?? [])] as AttemptRef[]) {
    const output = { root: `0-${one.task}`, sizeBytes: sizes[one.task] ?? 1, records: 1 };
    cluster.report(first, one, { output });
  }
  const hand = (worker: WorkerId, ...outputs: ReadonlyArray<readonly [number, number]>) =>
    cluster.tell({ kind: "outputs-handed-over", worker, job, stage: 0, outputs });
  return { cluster, first, job, hand };
}

test("what was handed over outlives its worker, the rest is computed again", () => {
  const { cluster, first, job, hand } = mapped();
  const second = cluster.join({ slots: 8 });
  hand(first, [0, 1], [2, 1]);
  assert.deepEqual(
    neededOutputs(cluster.state, first).map(({ ref }) => ref.task),
    [1],
  );
  cluster.lose(first, "bye");
  const again = (cluster.running.get(second) ?? []).filter((one) => one.stage === 0);
  assert.deepEqual(
    again.map(({ task, attempt }) => [task, attempt]),
    [[1, 2]],
  );
  cluster.restartFromSnapshot();
  const places = stageSources(cluster.state, job, 0).map((source) => source?.worker);
  assert.deepEqual(places, [null, undefined, null]);
});

test("an output that another worker has computed again keeps its place", () => {
  const { cluster, first, job, hand } = mapped();
  cluster.lose(first, "silent");
  const second = cluster.join({ slots: maps });
  for (const one of [...(cluster.running.get(second) ?? [])] as AttemptRef[]) {
    cluster.report(second, one, { output: { root: `0-${one.task}`, sizeBytes: 1, records: 1 } });
  }
  hand(first, [0, 1]);
  hand(second, [1, 1]);
  const places = stageSources(cluster.state, job, 0).map((source) => source?.worker);
  assert.deepEqual(places, [second, second, second]);
  const named = (attempt: number) => {
    const ref: AttemptRef = { job, stage: 0, task: 1, attempt };
    return neededRoot(cluster.state, second, ref);
  };
  assert.deepEqual([named(1), named(2)], [null, "0-1"]);
});

test("small outputs are asked for first: they save most for each byte", () => {
  const { cluster, first } = mapped([9_000_000, 20, 70_000]);
  const tasks = neededOutputs(cluster.state, first).map(({ ref }) => ref.task);
  assert.deepEqual(tasks, [1, 2, 0]);
});

test("nothing is needed of a job that has ended, or whose readers are done", () => {
  const { cluster, first, job, hand } = mapped();
  const reduces = [...(cluster.running.get(first) ?? [])] as AttemptRef[];
  cluster.report(first, reduces[0] as AttemptRef);
  assert.equal(neededOutputs(cluster.state, first).length, maps, "one of them has to read yet");
  cluster.tell({ kind: "job-cancelled", job, by: "up" });
  assert.deepEqual(neededOutputs(cluster.state, first), []);
  hand(first, [0, 1]);
});
