/** What the paper says of the master (sections 3, 4.5 and 4.9), by the coordinator's core: events
 *  in, orders out. */
import assert from "node:assert/strict";
import { emptyState, saveState, step } from "../../src/core/coordinator.ts";
import type { CoordinatorEvent } from "../../src/core/event.ts";
import type { AttemptRef, WorkerId } from "../../src/core/ids.ts";
import {
  mapReduceSpec,
  submission,
  TestCluster,
  testJob,
  testSpecs,
  testStage,
} from "../../src/core/testing/make-believe.ts";
import { jobOutputs, jobSummary, stageSources, workerSummaries } from "../../src/core/view.ts";
import { deviates, says } from "./paper.ts";

const held = (cluster: TestCluster, worker: WorkerId) => cluster.running.get(worker) ?? [];

function first(cluster: TestCluster, worker: WorkerId): AttemptRef {
  return held(cluster, worker)[0] ?? assert.fail(`${worker} has nothing`);
}

/** Two workers, and a job of two map tasks, one on each, and so many reduce tasks. */
function started(reduces: number) {
  const cluster = new TestCluster();
  const [a, b] = [cluster.join(), cluster.join()];
  const job = cluster.submit(mapReduceSpec(2, reduces));
  return { cluster, a, b, job };
}

/** The same, with both map tasks done. */
function mapped(reduces: number) {
  const all = started(reduces);
  const { a, b, cluster } = all;
  for (const worker of [a, b]) {
    cluster.report(worker, first(cluster, worker), { durationMs: 1_000 });
  }
  return all;
}

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

const places = { hosts: ["rack-1", "rack-2"], taskHost: [1, 0, 1, 0] };

says(
  "3.4",
  "The MapReduce master takes the location information of the input files into account and " +
    "attempts to schedule a map task on a machine that contains a replica of the corresponding " +
    "input data.",
  () => {
    const cluster = new TestCluster();
    const [a, b] = [cluster.join({ host: "rack-1" }), cluster.join({ host: "rack-2" })];
    cluster.submit(testJob([testStage({ taskCount: 4 })], { locality: places }));
    for (let n = 0; n < 2; n++) {
      assert.equal(places.taskHost[first(cluster, a).task], 0);
      assert.equal(places.taskHost[first(cluster, b).task], 1);
      for (const worker of [a, b]) cluster.report(worker, first(cluster, worker), slow);
    }
  },
);

deviates(
  "3.4",
  "Failing that, it attempts to schedule a map task near a replica of that task's input data",
  "machines are the same or not, nothing is near: then any worker takes it, at once.",
  () => {
    const cluster = new TestCluster();
    const far = cluster.join({ host: "elsewhere" });
    cluster.submit(testJob([testStage({ taskCount: 4 })], { locality: places }));
    assert.equal(held(cluster, far).length, 1);
  },
);

says(
  "3.5",
  "the master must make O(M + R) scheduling decisions and keeps O(M ∗ R) state in memory",
  () => {
    const [maps, reduces, workers] = [90_000, 5_000, 2_000];
    const fleet = new Fleet();
    for (let n = 0; n < workers; n++) fleet.join();
    fleet.submit(maps, reduces);
    assert.equal(fleet.run(), maps + reduces, "one decision a task");
    assert.equal(jobSummary(fleet.state, "j-1", 0)?.state, "done");
    // The M * R part is with the workers: one manifest a map task, which names R partitions.
    const bytesPerTask = JSON.stringify(saveState(fleet.state)).length / (maps + reduces);
    assert.ok(bytesPerTask < 100, `${bytesPerTask} bytes a task`);
  },
);

deviates(
  "3.5",
  "We often perform MapReduce computations with M = 200,000 and R = 5,000, using 2,000 worker " +
    "machines.",
  "90,000 map tasks that have a reduce stage are the limit, and the error says so.",
  () => {
    const cluster = new TestCluster();
    const [refused] = cluster.tell(submission(mapReduceSpec(200_000, 5_000)));
    assert.ok(refused?.kind === "refuse");
    assert.equal(refused.error.code, "limit-exceeded");
    assert.match(refused.error.message, /larger --split-bytes gives fewer.*90000/);
    assert.equal(cluster.submit(mapReduceSpec(90_000, 5_000)), "j-1");
  },
);

says(
  "3.6",
  "When a MapReduce operation is close to completion, the master schedules backup executions of " +
    "the remaining in-progress tasks.",
  () => {
    const { one, two } = backedUp();
    assert.notEqual(one.worker, two.worker);
    assert.deepEqual(two.ref, { ...one.ref, attempt: one.ref.attempt + 1 });
  },
);

says(
  "3.6",
  "The task is marked as completed whenever either the primary or the backup execution completes.",
  () => {
    for (const winner of ["one", "two"] as const) {
      const all = backedUp();
      const { cluster, job } = all;
      const [won, lost] = winner === "one" ? [all.one, all.two] : [all.two, all.one];
      const effects = cluster.report(won.worker, won.ref);
      assert.equal(jobSummary(cluster.state, job, 0)?.stages[0]?.done, 4);
      const aborts = effects.filter((effect) => effect.kind === "abort");
      assert.deepEqual(
        aborts.map(({ worker }) => worker),
        [lost.worker],
      );
    }
  },
);

deviates(
  "4.5",
  "We do not provide support for atomic two-phase commits of multiple output files produced by a " +
    "single task.",
  "a task's result and its records set aside are committed together, of the same attempt.",
  () => {
    const { cluster, job, one, two } = backedUp();
    const both = (root: string, badRecords: string) => ({
      kind: "done" as const,
      output: { root, sizeBytes: 1, records: 1, badRecords },
    });
    cluster.report(two.worker, two.ref, both("result-2", "bad-2"));
    cluster.report(one.worker, one.ref, both("result-1", "bad-1"));
    const [output] = jobOutputs(cluster.state, job);
    assert.deepEqual([output?.root, output?.badRecords], ["result-2", "bad-2"]);
  },
);

says(
  "4.9",
  "When aggregating counter values, the master eliminates the effects of duplicate executions of " +
    "the same map or reduce task to avoid double counting.",
  () => {
    const counting = { ...result("same"), counters: { words: 10 } };
    const { cluster, job, one, two } = backedUp();
    cluster.report(two.worker, two.ref, counting);
    cluster.report(one.worker, one.ref, counting);
    assert.deepEqual(jobSummary(cluster.state, job, 0)?.counters, { words: 10 });

    const lost = started(1);
    lost.cluster.report(lost.a, first(lost.cluster, lost.a), counting);
    lost.cluster.lose(lost.a, "silent");
    for (let n = 0; n < 3 && held(lost.cluster, lost.b).length > 0; n++) {
      const ref = first(lost.cluster, lost.b);
      lost.cluster.report(lost.b, ref, ref.task === 0 && ref.stage === 0 ? counting : {});
    }
    assert.deepEqual(jobSummary(lost.cluster.state, lost.job, 0)?.counters, { words: 10 });
  },
);

const slow = { durationMs: 5_000 };

function result(root: string) {
  return { kind: "done" as const, output: { root, sizeBytes: 1, records: 1 } };
}

/** A task of a job runs twice, on a slow worker and as a backup; another one is left. */
function backedUp() {
  const cluster = new TestCluster();
  const [a, b] = [cluster.join({ slots: 2 }), cluster.join()];
  const job = cluster.submit(testJob([testStage({ taskCount: 5 })]));
  const one = { worker: a, ref: first(cluster, a) };
  cluster.tell({ kind: "attempts-started", worker: a, attempts: [one.ref] });
  for (let n = 0; n < 3; n++) cluster.report(b, first(cluster, b), { durationMs: 400 });
  for (let n = 0; n < 20 && held(cluster, b).length === 0; n++) cluster.wait();
  return { cluster, job, one, two: { worker: b, ref: first(cluster, b) } };
}

/** Many workers that finish whatever they are given, without a look at the laws. */
class Fleet {
  readonly state = emptyState();
  readonly #given: Array<{ readonly worker: WorkerId; readonly ref: AttemptRef }> = [];
  #assigned = 0;

  join(): void {
    const event = { worker: null, owner: "up", specs: testSpecs(), holding: [] };
    this.#tell({ kind: "worker-joined", atMs: 1, ...event });
  }

  submit(maps: number, reduces: number): void {
    const spec = mapReduceSpec(maps, reduces);
    const event = { owner: "ann", key: null, digest: "d", spec } as const;
    this.#tell({ kind: "job-submitted", atMs: 1, ...event });
  }

  /** Attempts that were given out until nothing was left. */
  run(): number {
    for (let at = 0; at < this.#given.length; at++) {
      const { ref, worker } = this.#given[at]!;
      const { attempt, job, stage, task } = ref;
      const output = { root: "r", sizeBytes: 1, records: 1 };
      const reports = [{ kind: "done", task, attempt, durationMs: 60_000, output }] as const;
      this.#tell({ kind: "attempts-reported", atMs: 1, worker, job, stage, reports });
    }
    return this.#assigned;
  }

  #tell(event: CoordinatorEvent): void {
    for (const effect of step(this.state, event)) {
      if (effect.kind !== "assign") continue;
      const { job, stage, worker } = effect;
      for (const one of effect.attempts) this.#given.push({ worker, ref: { job, stage, ...one } });
      this.#assigned += effect.attempts.length;
    }
  }
}
