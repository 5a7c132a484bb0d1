/** Map outputs that outlive their worker, since the coordinator or its object store has them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { AttemptRef } from "../ids.ts";
import { mapReduceSpec, TestCluster } from "../testing/fake-cluster.ts";
import { stageSources } from "../view.ts";
import { done, joined, ref } from "../worker/testing.ts";

const maps = 3;

/** All map tasks are done at a worker that is lost then; another one is there. */
function lostAfterMaps(isStored: boolean) {
  const cluster = new TestCluster();
  const first = cluster.join({ slots: maps });
  const job = cluster.submit(mapReduceSpec(maps, 2));
  for (const one of [...(cluster.running.get(first) ?? [])] as AttemptRef[]) {
    const output = { root: `0-${one.task}`, sizeBytes: 1, records: 1 };
    const where = isStored ? { isStored: true as const } : {};
    cluster.report(first, one, { output: { ...output, ...where } });
  }
  const second = cluster.join({ slots: 8 });
  cluster.lose(first, "silent");
  return { cluster, job, second };
}

test("the loss of a worker whose outputs are stored repeats no map task", () => {
  const { cluster, job, second } = lostAfterMaps(true);
  const stages = (cluster.running.get(second) ?? []).map((one) => one.stage);
  assert.deepEqual(stages, [1, 1], "its reduce tasks go on elsewhere");
  for (const restarted of [false, true]) {
    if (restarted) cluster.restartFromSnapshot();
    const sources = stageSources(cluster.state, job, 0);
    const places = sources.map((source) => [source?.worker, source?.isStored]);
    assert.deepEqual(places, new Array(maps).fill([null, true]));
  }
});

test("without that they are computed again", () => {
  const { cluster, second } = lostAfterMaps(false);
  const stages = (cluster.running.get(second) ?? []).map((one) => one.stage);
  assert.deepEqual(stages, new Array(maps).fill(0));
});

test("a stored output that a reader misses is computed again", () => {
  const { cluster, second } = lostAfterMaps(true);
  const [reader] = cluster.running.get(second) as AttemptRef[];
  const failure = { code: "download-failed", message: "the store has lost it" } as const;
  cluster.report(second, reader as AttemptRef, { kind: "failed", failure, lostTasks: [1] });
  const again = (cluster.running.get(second) ?? []).filter((one) => one.stage === 0);
  assert.deepEqual(
    again.map(({ task, attempt }) => [task, attempt]),
    [[1, 2]],
  );
});

test("a drain does not stay for outputs that are stored", () => {
  for (const isStored of [true, false]) {
    const script = joined({}, "map", "reduce");
    script.assign([ref(0)]);
    const report = done(0);
    assert.equal(report.kind, "done");
    const output = report.kind === "done" ? report.output : undefined;
    const where = isStored ? { isStored: true as const } : {};
    script.report(1, { ...report, output: { ...output, ...where } } as typeof report);
    script.tell({ kind: "reports-acked", batch: 1 });
    script.tell({ kind: "stop-asked", graceMs: 60_000, isDrain: true });
    assert.equal(script.of("say-bye").length, isStored ? 1 : 0);
  }
});
