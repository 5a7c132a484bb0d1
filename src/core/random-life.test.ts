/** Random lives of a fake cluster: every law after every step, every job ends, and neither
 *  snapshots nor restarts change what is decided. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { awaitedInputs, jobsAwaitingInputs } from "./awaited-inputs.ts";
import { loadState, saveState, step } from "./coordinator.ts";
import type { WorkerId } from "./ids.ts";
import { Random } from "./random.ts";
import {
  mapReduceSpec,
  submission,
  TestCluster,
  testJob,
  testSpecs,
  testStage,
} from "./testing/fake-cluster.ts";

const userError = { kind: "failed", failure: { code: "user-error", message: "boom" } } as const;

test("random life: every job ends, every law holds, and a snapshot changes nothing", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = new Random(seed);
    const cluster = new TestCluster();
    for (let n = 0; n < 3; n++) cluster.join({ slots: 1 + random.below(3), host: `h${n}` });
    for (let n = 0; n < 150; n++) disturb(cluster, random);
    while (cluster.running.size < 2) cluster.join();
    for (const job of jobsAwaitingInputs(cluster.state)) {
      const { tasks } = awaitedInputs(cluster.state, job)!;
      cluster.tell({ kind: "inputs-arrived", job, tasks });
    }
    // Ten times the steps that any of them takes.
    assert.ok(cluster.finish(random, 2_000), `seed ${seed}: every job ends once faults stop (I21)`);
    replay(cluster, seed);
  }
});

test("a snapshot holds the tasks that are ready, in their order", () => {
  const cluster = new TestCluster();
  cluster.submit(testJob([testStage({ taskCount: 20 })]));
  const saved = saveState(cluster.state);
  assert.ok(isDeepStrictEqual(saveState(loadState(saved)), saved));
});

/** One random thing happens. */
function disturb(cluster: TestCluster, random: Random): void {
  cluster.atMs += random.below(50);
  const workers = [...cluster.running.keys()];
  const worker = workers[random.below(workers.length)] as WorkerId;
  const mine = worker === undefined ? [] : (cluster.running.get(worker) ?? []);
  const ref = mine[random.below(mine.length)];
  const dice = random.below(100);
  if (dice < 2) admitInputs(cluster, random);
  else if (dice < 4) {
    const spec = mapReduceSpec(1 + random.below(6), 1 + random.below(4));
    cluster.tell({ ...submission(spec), arriving: true } as never);
  } else if (dice < 8) cluster.submit(mapReduceSpec(1 + random.below(6), 1 + random.below(4)));
  else if (dice < 12) cluster.submit(testJob([testStage({ taskCount: random.below(30) })]));
  else if (dice < 16 && worker !== undefined)
    cluster.lose(worker, random.chance(0.5) ? "bye" : "closed");
  else if (dice < 22) cluster.join({ slots: 1 + random.below(3) });
  else if (dice < 26 && worker !== undefined) {
    const holding = mine.filter(() => random.chance(0.7));
    cluster.running.set(worker, holding);
    const specs = testSpecs({ slots: 1 + random.below(3) });
    const serving = random.chance(0.5) ? { serving: [] } : {};
    cluster.tell({ kind: "worker-joined", worker, owner: "up", specs, holding, ...serving });
  } else if (dice < 32 && ref !== undefined) cluster.report(worker, ref, userError);
  else if (dice < 36 && ref !== undefined && ref.stage === 1) {
    const failure = { code: "download-failed", message: "gone" } as const;
    cluster.report(worker, ref, { kind: "failed", failure, lostTasks: [0] });
  } else if (dice < 38 && ref !== undefined) cluster.report(worker, ref, { kind: "returned" });
  else if (dice < 40)
    cluster.tell({ kind: "job-cancelled", job: `j-${1 + random.below(9)}`, by: "a" });
  else if (dice < 50) cluster.wait(random.below(500));
  else if (dice < 53) cluster.restartFromSnapshot();
  else if (dice < 57 && worker !== undefined)
    cluster.tell({ kind: "worker-resized", worker, slots: random.below(4) });
  else if (ref !== undefined) {
    if (random.chance(0.3)) {
      cluster.tell({ kind: "attempts-started", worker, attempts: [ref] });
    }
    cluster.report(worker, ref, { durationMs: random.below(300) });
  }
}

/** The input of some tasks of a job arrives, or none of it will. */
function admitInputs(cluster: TestCluster, random: Random): void {
  const waiting = jobsAwaitingInputs(cluster.state);
  const job = waiting[random.below(waiting.length)];
  if (job === undefined) return;
  if (random.chance(0.1)) cluster.tell({ kind: "inputs-missed", job, reason: "gone" });
  else {
    const { tasks } = awaitedInputs(cluster.state, job)!;
    const some = tasks.filter(() => random.chance(0.5));
    cluster.tell({ kind: "inputs-arrived", job, tasks: [...some, ...some] });
  }
}

/** I19: the state is the fold of its events, also when the restarts of the live run are left
 *  out. */
function replay(cluster: TestCluster, seed: number): void {
  const fresh = new TestCluster().state;
  for (const event of cluster.events) step(fresh, event);
  const [live, folded] = [saveState(cluster.state), saveState(fresh)];
  // Not by `deepEqual`: to show how two such states differ takes it minutes.
  assert.ok(isDeepStrictEqual(folded, live), `seed ${seed}: replay equals live (I19, I22)`);
  assert.ok(isDeepStrictEqual(saveState(loadState(live)), live), `seed ${seed}: saved as loaded`);
}
