/** What the paper says of scheduling, side effects and counters (3.4 to 3.6, 4.5, 4.9), by the
 *  coordinator's core. */
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
} from "../../src/core/testing/fake-cluster.ts";
import { jobOutputs, jobSummary } from "../../src/core/view.ts";
import { backedUp, first, held, result, started } from "./clusters.ts";
import { deviates, says } from "./paper.ts";

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
