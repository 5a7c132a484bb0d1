/** What the paper says of the master and of failures (3.1 to 3.3), by the coordinator's core:
 *  events in, orders out. */
import assert from "node:assert/strict";
import { saveState } from "../../src/core/coordinator.ts";
import { type TestCluster, testSpecs } from "../../src/core/testing/fake-cluster.ts";
import { jobOutputs, jobSummary, stageSources, workerSummaries } from "../../src/core/view.ts";
import { backedUp, first, held, mapped, result, started } from "./clusters.ts";
import { deviates, says } from "./paper.ts";

const stagesOf = (cluster: TestCluster) => jobSummary(cluster.state, "j-1", 0)!.stages;

says(
  "3.1",
  "The master picks idle workers and assigns each one a map task or a reduce task.",
  () => {
    const { a, b, cluster } = started(2);
    assert.deepEqual([first(cluster, a).stage, first(cluster, b).stage], [0, 0]);
    for (const worker of [a, b]) cluster.report(worker, first(cluster, worker));
    assert.deepEqual([first(cluster, a).stage, first(cluster, b).stage], [1, 1]);
  },
);

says(
  "3.2",
  "For each map task and reduce task, it stores the state (idle, in-progress, or completed), and " +
    "the identity of the worker machine (for non-idle tasks).",
  () => {
    const { a, cluster, job } = started(1);
    cluster.report(a, first(cluster, a));
    const [map, reduce] = stagesOf(cluster);
    assert.deepEqual([map!.done, map!.running, reduce!.waiting], [1, 1, 1]);
    assert.deepEqual(
      stageSources(cluster.state, job, 0).map((source) => source?.worker ?? null),
      [a, null],
    );
  },
);

deviates(
  "3.2",
  "The information is pushed incrementally to workers that have in-progress reduce tasks.",
  "reduce tasks begin when all map tasks are done; their workers receive all locations before " +
    "them, and again when one has changed.",
  () => {
    const { a, b, cluster } = started(1);
    cluster.report(a, first(cluster, a));
    assert.equal(held(cluster, a).length, 0, "no reduce task yet");
    const kinds = cluster.report(b, first(cluster, b)).map(({ kind }) => kind);
    assert.ok(kinds.indexOf("send-sources") < kinds.indexOf("assign"));
    assert.ok(kinds.includes("send-sources"));
  },
);

says(
  "3.3",
  "If no response is received from a worker in a certain amount of time, the master marks the " +
    "worker as failed.",
  () => {
    const { b, cluster } = started(1);
    cluster.lose(b, "silent");
    assert.deepEqual(
      workerSummaries(cluster.state).map(({ state }) => state),
      ["live", "lost"],
    );
  },
);

says(
  "3.3",
  "Any map tasks completed by the worker are reset back to their initial idle state, and " +
    "therefore become eligible for scheduling on other workers.",
  () => {
    const { a, b, cluster } = started(1);
    const done = first(cluster, a);
    cluster.report(a, done);
    cluster.lose(a, "silent");
    assert.equal(stagesOf(cluster)[0]!.done, 0);
    cluster.report(b, first(cluster, b));
    assert.deepEqual(first(cluster, b), { ...done, attempt: 2 });
  },
);

says(
  "3.3",
  "Similarly, any map task or reduce task in progress on a failed worker is also reset to idle " +
    "and becomes eligible for rescheduling.",
  () => {
    const maps = started(1);
    const lost = first(maps.cluster, maps.a);
    maps.cluster.lose(maps.a, "silent");
    maps.cluster.report(maps.b, first(maps.cluster, maps.b));
    assert.deepEqual(first(maps.cluster, maps.b), { ...lost, attempt: 2 });

    const { a, b, cluster } = mapped(2);
    const reduce = first(cluster, a);
    cluster.lose(a, "silent");
    const next = () => held(cluster, b).find((ref) => ref.task === reduce.task && ref.stage === 1);
    for (let n = 0; n < 10 && next() === undefined; n++) cluster.report(b, first(cluster, b));
    assert.equal(next()?.attempt, 2);
  },
);

says(
  "3.3",
  "Completed reduce tasks do not need to be re-executed since their output is stored in a global " +
    "file system.",
  () => {
    const { a, b, cluster } = mapped(2);
    cluster.report(a, first(cluster, a));
    const before = cluster.effects.length;
    cluster.lose(a, "silent");
    assert.equal(stagesOf(cluster)[1]!.done, 1);
    for (let n = 0; n < 10 && held(cluster, b).length > 0; n++) {
      cluster.report(b, first(cluster, b));
    }
    const given = cluster.effects.slice(before).filter((effect) => effect.kind === "assign");
    const reduces = given.filter(({ stage }) => stage === 1).flatMap(({ attempts }) => attempts);
    assert.deepEqual(
      reduces.filter(({ task }) => task === 0),
      [],
    );
  },
);

says(
  "3.3",
  "Any reduce task that has not already read the data from worker A will read the data from " +
    "worker B.",
  () => {
    const { a, b, cluster, job } = mapped(1);
    const reducer = held(cluster, a).length > 0 ? a : b;
    const other = reducer === a ? b : a;
    const lostTasks = [other === a ? 0 : 1];
    cluster.lose(other, "silent");
    const failure = { code: "download-failed", message: "gone" } as const;
    cluster.report(reducer, first(cluster, reducer), { kind: "failed", failure, lostTasks });
    cluster.report(reducer, first(cluster, reducer));
    const effects = cluster.wait();
    assert.ok(effects.some((effect) => effect.kind === "send-sources"));
    const workers = stageSources(cluster.state, job, 0).map((source) => source?.worker);
    assert.deepEqual(workers, [reducer, reducer]);
  },
);

deviates(
  "3.3",
  "our current implementation aborts the MapReduce computation if the master fails.",
  "a coordinator that starts again goes on from its snapshot, and workers keep what they run.",
  () => {
    const { a, b, cluster, job } = started(1);
    cluster.report(a, first(cluster, a));
    const kept = first(cluster, b);
    cluster.restartFromSnapshot();
    cluster.tell({ kind: "coordinator-started", epoch: 2 });
    for (const [worker, holding] of [
      [a, []],
      [b, [kept]],
    ] as const) {
      const serving = worker === a ? [{ job, stage: 0, tasks: [0] }] : [];
      const event = { worker, owner: "up", specs: testSpecs(), holding, serving };
      cluster.tell({ kind: "worker-joined", ...event });
    }
    assert.deepEqual(held(cluster, b), [kept]);
    assert.equal(stagesOf(cluster)[0]!.done, 1);
  },
);

says(
  "3.3",
  "If the master receives a completion message for an already completed map task, it ignores the " +
    "message.",
  () => {
    const { a, cluster, job } = started(1);
    const done = first(cluster, a);
    cluster.report(a, done);
    const before = JSON.stringify(saveState(cluster.state));
    const output = { root: "second", sizeBytes: 9, records: 9 };
    const effects = cluster.report(a, done, { kind: "done", output });
    assert.deepEqual(
      effects.filter(({ kind }) => kind !== "job-changed"),
      [],
    );
    assert.equal(JSON.stringify(saveState(cluster.state)), before);
    assert.equal(stageSources(cluster.state, job, 0)[0]?.root, "0-0");
  },
);

says(
  "3.3",
  "the final file system state contains just the data produced by one execution of the reduce " +
    "task.",
  () => {
    const { cluster, job, one, two } = backedUp();
    cluster.report(two.worker, two.ref, result("from the backup"));
    cluster.report(one.worker, one.ref, result("from the first"));
    assert.equal(jobOutputs(cluster.state, job)[0]?.root, "from the backup");
  },
);

deviates(
  "3.3",
  "When the map and/or reduce operators are non-deterministic, we provide weaker but still " +
    "reasonable semantics.",
  "the job fails as nondeterministic once a finished reduce task has read other bytes.",
  () => {
    const { a, b, cluster, job } = mapped(2);
    cluster.report(b, first(cluster, b));
    cluster.lose(a, "silent");
    const again = held(cluster, b).find((ref) => ref.stage === 0) ?? assert.fail("no map task");
    cluster.report(b, again, result("other bytes"));
    assert.equal(jobSummary(cluster.state, job, 0)?.failure?.code, "nondeterministic");
  },
);
