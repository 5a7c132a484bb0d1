/** Random lives of a cluster with volunteers, some of them liars, that come and go: every law after
 *  every step, every job ends, no honest one is caught, and no restart changes anything. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { loadState, saveState, step } from "../../coordinator.ts";
import type { Effect } from "../../effect.ts";
import type { AttemptReport } from "../../event.ts";
import { type AttemptRef, attemptKey, type JobId, type WorkerId } from "../../ids.ts";
import { Random } from "../../random.ts";
import {
  mapReduceSpec,
  TestCluster,
  testJob,
  testSpecs,
  testStage,
  type Unstamped,
} from "../../testing/fake-cluster.ts";
import { jobOutputs, jobState, stageSources, workerRecord } from "../../view.ts";
import type { JobRecord } from "../state.ts";
import { Village } from "./testing.ts";

/** Workers compute what they were given: a reduce task depends on the map outputs that its worker
 *  was sent. */
class Crowd extends Village {
  readonly random: Random;
  /** Some volunteers are trusted without having earned it, which no event says. */
  readonly believes: boolean;
  /** The only stage in which liars lie; undefined = in both. */
  readonly #liesIn: number | undefined;
  readonly #reads = new Map<string, string>();

  constructor(random: Random, believes: boolean, liesIn: number | undefined) {
    super();
    this.random = random;
    this.believes = believes;
    this.#liesIn = liesIn;
  }

  override tell(event: Unstamped): Effect[] {
    const effects = super.tell(event);
    for (const effect of effects) {
      if (effect.kind !== "assign" || effect.stage !== 1) continue;
      const roots = stageSources(this.state, effect.job, 0).map((source) => source?.root);
      for (const { attempt, task } of effect.attempts) {
        const { job, stage } = effect;
        this.#reads.set(attemptKey({ job, stage, task, attempt }), roots.join());
      }
    }
    return effects;
  }

  override report(worker: WorkerId, ref: AttemptRef, what: Partial<AttemptReport> = {}): Effect[] {
    if (what.kind !== undefined && what.kind !== "done") return super.report(worker, ref, what);
    const root = this.#computes(worker, ref);
    return super.report(worker, ref, { output: { root, sizeBytes: 1, records: 1 }, ...what });
  }

  #computes(worker: WorkerId, ref: AttemptRef): string {
    const { stage, task } = ref;
    const honest = stage === 0 ? right(task) : `1-${task} of ${this.#reads.get(attemptKey(ref))}`;
    const { person = "" } = workerRecord(this.state, worker)?.volunteer ?? {};
    const mayLie = person.startsWith("liar") && (this.#liesIn ?? stage) === stage;
    return mayLie && this.random.chance(0.4) ? `lie ${task % 2}` : honest;
  }
}

function right(task: number): string {
  return `0-${task}`;
}

const shared = { share: "volunteers", backupTasks: true } as const;

test("X10: random lives with liars: every job ends right, and only liars are caught", () => {
  let caught = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const random = new Random(seed);
    const crowd = new Crowd(random, seed % 2 === 0, [undefined, 0, 1][seed % 3]);
    const started = {
      epoch: 1,
      retains: true,
      trustSeed: seed,
      auditShare: 0.3,
      canaryShare: 0.2,
    } as const;
    crowd.tell({ kind: "coordinator-started", ...started });
    crowd.join({ slots: 1 + random.below(2) });
    for (let n = 0; n < 4; n++) arrive(crowd, random);
    for (let n = 0; n < 200; n++) disturb(crowd, random);
    crowd.join();
    assert.ok(crowd.finish(random, 4_000), `seed ${seed}: every job ends (I21)`);
    caught += judge(crowd, seed);
    replay(crowd, seed);
  }
  assert.ok(caught > 20, `${caught} liars were caught`);
});

/** Some are of a kind whose partitions the coordinator keeps. */
function arrive(crowd: Crowd, random: Random): void {
  const liar = random.chance(0.35);
  const person = `${liar ? "liar" : "honest"} ${random.below(20)}`;
  if (crowd.state.trust.caught.has(person)) return;
  const exchangeUrl = random.chance(0.5) ? "" : "grpc://127.0.0.1:1";
  crowd.volunteer(person, { slots: 1 + random.below(2), exchangeUrl });
  if (!crowd.believes || random.chance(0.5)) return;
  crowd.state.trust.standings.set(`${person}\nnode`, { valid: 40 });
}

/** One random thing happens. */
function disturb(crowd: Crowd, random: Random): void {
  crowd.atMs += random.below(50);
  const workers = [...crowd.running.keys()];
  const worker = workers[random.below(workers.length)] as WorkerId;
  const mine = crowd.running.get(worker) ?? [];
  const ref = mine[random.below(mine.length)];
  const record = worker === undefined ? null : workerRecord(crowd.state, worker);
  const dice = random.below(100);
  if (dice < 6)
    crowd.submit({ ...mapReduceSpec(1 + random.below(6), 1 + random.below(3)), ...shared });
  else if (dice < 9) crowd.submit(testJob([testStage({ taskCount: random.below(20) })], shared));
  else if (dice < 11) crowd.submit(mapReduceSpec(1 + random.below(4), 1 + random.below(3)));
  else if (dice < 16 && worker !== undefined)
    crowd.lose(worker, random.chance(0.5) ? "bye" : "closed");
  else if (dice < 24) arrive(crowd, random);
  else if (dice < 26) crowd.join({ slots: 1 + random.below(2) });
  else if (dice < 32 && record !== null && record.caught !== true) {
    const holding = mine.filter(() => random.chance(0.7));
    crowd.running.set(worker, holding);
    const { owner, volunteer } = record;
    const serving = random.chance(0.5) ? { serving: [] } : {};
    const as = volunteer === undefined ? {} : { volunteer };
    const specs = testSpecs({ slots: 1 + random.below(2) });
    crowd.tell({ kind: "worker-joined", worker, owner, specs, holding, ...as, ...serving });
  } else if (dice < 34 && ref !== undefined && record?.volunteer !== undefined) {
    const failure = { code: "user-error", message: "boom", isFinal: true } as const;
    crowd.report(worker, ref, { kind: "failed", failure });
  } else if (dice < 37 && ref?.stage === 1) {
    const failure = { code: "download-failed", message: "gone" } as const;
    crowd.report(worker, ref, { kind: "failed", failure, lostTasks: [0] });
  } else if (dice < 39 && ref !== undefined) crowd.report(worker, ref, { kind: "returned" });
  else if (dice < 46) crowd.wait(random.below(500));
  else if (dice < 49) crowd.restartFromSnapshot();
  else if (ref !== undefined) {
    if (random.chance(0.3)) crowd.tell({ kind: "attempts-started", worker, attempts: [ref] });
    crowd.report(worker, ref, { durationMs: random.below(300) });
  }
}

/** How many were caught. */
function judge({ state }: Crowd, seed: number): number {
  for (const person of state.trust.caught.keys()) {
    assert.ok(person.startsWith("liar"), `seed ${seed}: ${person} was caught`);
  }
  for (const job of state.jobs.values()) {
    const id: JobId = `j-${job.number}`;
    assert.equal(job.audit?.differs, undefined, `seed ${seed}: ${id} gives one result`);
    if (jobState(state, id) !== "done") continue;
    if (job.spec.share !== undefined) {
      isOfCommitted(job, seed);
      continue;
    }
    // Own workers alone, beside all that.
    const roots = job.stages[0]!.outputs.map((_, task) => right(task)).join();
    for (const [task, output] of jobOutputs(state, id).entries()) {
      const expected = job.stages.length === 1 ? right(task) : `1-${task} of ${roots}`;
      assert.equal(output?.root, expected, `seed ${seed}: ${id} task ${task}`);
    }
  }
  return state.trust.caught.size;
}

/** Whatever became of the map outputs, a reduce task has read those that count now. */
function isOfCommitted({ number, stages: [maps, reduces] }: JobRecord, seed: number): void {
  const roots = maps!.outputs.map((output) => output?.root).join();
  for (const [task, output] of (reduces?.outputs ?? []).entries()) {
    if (output?.root.startsWith("lie") === true) continue;
    assert.equal(output?.root, `1-${task} of ${roots}`, `seed ${seed}: j-${number} task ${task}`);
  }
}

/** I19: the state is the fold of its events. */
function replay(crowd: Crowd, seed: number): void {
  const live = saveState(crowd.state);
  assert.ok(isDeepStrictEqual(saveState(loadState(live)), live), `seed ${seed}: saved as loaded`);
  const fresh = new TestCluster().state;
  for (const event of crowd.events) step(fresh, event);
  if (crowd.believes) return;
  assert.ok(isDeepStrictEqual(saveState(fresh), live), `seed ${seed}: replay equals live (I19)`);
}
