/** A cluster of fake workers around the core, for tests: every choice comes from one seed. */

import { LawWatch } from "../cluster/laws.ts";
import {
  type CoordinatorState,
  emptyState,
  loadState,
  nextWakeMs,
  saveState,
  step,
} from "../coordinator.ts";
import type { Effect } from "../effect.ts";
import { assert } from "../error.ts";
import type { AttemptReport, CoordinatorEvent, WorkerSpecs } from "../event.ts";
import { type AttemptRef, attemptKey, type JobId, type WorkerId } from "../ids.ts";
import { defaultLimits, type JobSpec, type StageSpec } from "../job.ts";
import type { Random } from "../random.ts";

const hash = "0".repeat(64);

export function testSpecs(over: Partial<WorkerSpecs> = {}): WorkerSpecs {
  return {
    name: "test",
    host: "h1",
    slots: 1,
    memoryBytes: 1e9,
    kinds: [100],
    exchangeUrl: "grpc://127.0.0.1:1",
    version: "0",
    ...over,
  };
}

export function testStage(over: Partial<StageSpec> = {}): StageSpec {
  return {
    kind: "tasks",
    taskCount: 1,
    inputStage: null,
    partitionCount: 0,
    timeoutMs: 0,
    inputBytes: 0,
    ...over,
  };
}

export function testJob(stages: readonly StageSpec[], over: Partial<JobSpec> = {}): JobSpec {
  return {
    name: "test",
    codeHash: hash,
    planHash: hash,
    stages,
    locality: null,
    limits: defaultLimits,
    backupTasks: true,
    weight: 1,
    ...over,
  };
}

export function mapReduceSpec(maps: number, reduces: number): JobSpec {
  return testJob([
    testStage({ kind: "map", taskCount: maps, partitionCount: reduces }),
    testStage({ kind: "reduce", taskCount: reduces, inputStage: 0 }),
  ]);
}

/** Without `atMs`, which the cluster stamps. */
export type Unstamped = CoordinatorEvent extends infer E
  ? E extends CoordinatorEvent
    ? Omit<E, "atMs">
    : never
  : never;

export function submission(spec: JobSpec, key: string | null = null, owner = "ann"): Unstamped {
  return { kind: "job-submitted", owner, key, digest: JSON.stringify(spec), spec };
}

/** Holds the state, performs `assign` and `abort` on fake workers, checks every law after every
 *  step. */
export class TestCluster {
  state: CoordinatorState = emptyState();
  atMs = 1_000;
  readonly events: CoordinatorEvent[] = [];
  readonly effects: Effect[] = [];
  /** What each worker runs, in order of arrival. */
  readonly running = new Map<WorkerId, AttemptRef[]>();
  /** What they were asked to return, and have not answered. */
  readonly askedBack: Array<{ readonly worker: WorkerId; readonly ref: AttemptRef }> = [];
  private readonly watch = new LawWatch();
  /** Laws look at every task: after each step, or after every so many. */
  private readonly lawsEvery: number;

  constructor(lawsEvery = 1) {
    this.lawsEvery = lawsEvery;
  }

  tell(event: Unstamped): Effect[] {
    const stamped = { ...event, atMs: this.atMs } as CoordinatorEvent;
    this.events.push(stamped);
    const effects = step(this.state, stamped);
    if (this.events.length % this.lawsEvery === 0) this.watch.see(this.state);
    for (const effect of effects) {
      this.perform(effect);
      this.effects.push(effect);
    }
    return effects;
  }

  join(over: Partial<WorkerSpecs> = {}): WorkerId {
    const event = { worker: null, owner: "up", specs: testSpecs(over), holding: [] };
    const effects = this.tell({ kind: "worker-joined", ...event });
    const reply = effects.find((effect) => effect.kind === "reply");
    const worker = reply?.value.worker as WorkerId;
    if (!this.running.has(worker)) this.running.set(worker, []);
    return worker;
  }

  submit(spec: JobSpec, key: string | null = null): JobId {
    const reply = this.tell(submission(spec, key)).find((effect) => effect.kind === "reply");
    return reply?.value.job as JobId;
  }

  /** Moves the clock to the next deadline, or by `ms`. */
  wait(ms?: number): Effect[] {
    const wake = nextWakeMs(this.state);
    assert(ms !== undefined || wake < Number.POSITIVE_INFINITY, "I8: something is due");
    this.atMs = ms !== undefined ? this.atMs + ms : Math.max(this.atMs, wake);
    return wake <= this.atMs ? this.tell({ kind: "time-passed" }) : [];
  }

  report(worker: WorkerId, ref: AttemptRef, what: Partial<AttemptReport> = {}): Effect[] {
    const mine = this.running.get(worker) ?? [];
    this.running.set(
      worker,
      mine.filter((one) => attemptKey(one) !== attemptKey(ref)),
    );
    const output = { root: `${ref.stage}-${ref.task}`, sizeBytes: 1, records: 1 };
    const { job, stage, task, attempt } = ref;
    const done = { kind: "done", task, attempt, durationMs: 10, output };
    const reports = [{ ...done, ...what } as AttemptReport];
    return this.tell({ kind: "attempts-reported", worker, job, stage, reports });
  }

  lose(worker: WorkerId, reason: "bye" | "closed" | "silent" = "closed"): Effect[] {
    this.running.delete(worker);
    return this.tell({ kind: "worker-lost", worker, reason });
  }

  /** Replaces the state by what a restart would have made of it. */
  restartFromSnapshot(): void {
    this.state = loadState(JSON.parse(JSON.stringify(saveState(this.state))));
  }

  /** Lets the workers finish everything, in a random order. False when it did not end in
   *  `stepsMax`. */
  finish(random: Random, stepsMax = 100_000): boolean {
    for (let n = 0; n < stepsMax; n++) {
      if (this.state.active.size === 0) return true;
      const busy = [...this.running].filter(([, refs]) => refs.length > 0);
      const picked = busy[random.below(busy.length)];
      if (picked === undefined) this.wait();
      else {
        this.atMs += random.below(20);
        this.report(picked[0], picked[1][0] as AttemptRef);
      }
    }
    return false;
  }

  /** Workers return what they were asked for and `isBegun` does not say to have begun. */
  returnAsked(isBegun: (worker: WorkerId, ref: AttemptRef) => boolean): void {
    for (const { ref, worker } of this.askedBack.splice(0)) {
      const isHeld = this.running.get(worker)?.some((one) => attemptKey(one) === attemptKey(ref));
      if (isHeld !== true || isBegun(worker, ref)) continue;
      this.report(worker, ref, { kind: "returned", durationMs: 0 });
    }
  }

  private perform(effect: Effect): void {
    if (effect.kind === "assign") {
      const { job, stage } = effect;
      const refs = effect.attempts.map((one) => ({ job, stage, ...one }));
      this.running.set(effect.worker, [...(this.running.get(effect.worker) ?? []), ...refs]);
    } else if (effect.kind === "abort") {
      const stopped = new Set(effect.attempts.map(attemptKey));
      const mine = this.running.get(effect.worker) ?? [];
      this.running.set(
        effect.worker,
        mine.filter((ref) => !stopped.has(attemptKey(ref))),
      );
    } else if (effect.kind === "take-back") {
      for (const ref of effect.attempts) this.askedBack.push({ worker: effect.worker, ref });
    }
  }
}
