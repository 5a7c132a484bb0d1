/** The cluster of a story: the coordinator's core, and workers that do only what the story says.
 *
 *  1. Workers hold what they are sent until the story finishes, fails, returns or aborts it; they
 *     hold it also while the coordinator counts them as lost.
 *  2. After every event all laws of the core are checked.
 *  3. With `reloads`, the state is saved and loaded after every event: no story may change. */
import { LawWatch } from "../../src/core/cluster/laws.ts";
import {
  type CoordinatorState,
  emptyState,
  loadState,
  nextWakeMs,
  saveState,
  step,
} from "../../src/core/coordinator.ts";
import type { Effect } from "../../src/core/effect.ts";
import type { AttemptReport, CoordinatorEvent, WorkerSpecs } from "../../src/core/event.ts";
import { type AttemptRef, attemptKey, type JobId, type WorkerId } from "../../src/core/ids.ts";
import type { JobSpec } from "../../src/core/job.ts";
import type { Unstamped } from "../../src/core/testing/fake-cluster.ts";

export type StoryWorker = {
  specs: WorkerSpecs;
  /** What it runs or has queued, in order of arrival. */
  held: AttemptRef[];
  /** Everything that it was ever sent, the newest last. */
  readonly sent: AttemptRef[];
  /** Map outputs that it serves. */
  outputs: AttemptRef[];
  readonly openJobs: Set<JobId>;
  /** What it was asked to return and has not answered. */
  askedBack: AttemptRef[];
};

export class StoryCluster {
  state: CoordinatorState = emptyState();
  atMs = 1_000;
  epoch = 0;
  /** Laws look at every task of every job: after each event, or after so many of a long shift. */
  looksEvery = 1;
  readonly workers = new Map<WorkerId, StoryWorker>();
  readonly specs = new Map<JobId, JobSpec>();
  readonly events: CoordinatorEvent[] = [];
  readonly #watch = new LawWatch();
  readonly #reloads: boolean;

  constructor(reloads: boolean) {
    this.#reloads = reloads;
  }

  /** One event, now: what the coordinator orders, after the workers have received it. */
  happen(event: Unstamped): Effect[] {
    const stamped = { ...event, atMs: this.atMs } as CoordinatorEvent;
    this.events.push(stamped);
    const effects = step(this.state, stamped);
    if (this.events.length % this.looksEvery === 0) {
      this.#watch.see(this.state);
      if (this.#reloads) this.reload();
    }
    for (const effect of effects) this.#perform(effect);
    return effects;
  }

  /** The state as a snapshot would bring it back. */
  reload(): void {
    this.state = loadState(JSON.parse(JSON.stringify(saveState(this.state))));
  }

  /** The state as the whole log would bring it back. */
  replay(): CoordinatorState {
    const state = emptyState();
    for (const event of this.events) step(state, event);
    return state;
  }

  /** Moves the clock to `untilMs`, with an event at each deadline on the way. */
  *pass(untilMs: number): Generator<readonly [atMs: number, Effect[]]> {
    for (let wake = this.wakeMs(); wake <= untilMs; wake = this.wakeMs()) {
      this.atMs = Math.max(this.atMs, wake);
      yield [this.atMs, this.happen({ kind: "time-passed" })];
    }
    this.atMs = untilMs;
  }

  /** When the next deadline comes, coordinator's clock; Infinity = never. */
  wakeMs(): number {
    return nextWakeMs(this.state);
  }

  worker(number: string | number): StoryWorker & { readonly id: WorkerId } {
    const id: WorkerId = `w-${Number(number)}`;
    const worker = this.workers.get(id);
    if (worker === undefined) throw new Error(`no worker ${number} has joined`);
    return Object.assign(worker, { id });
  }

  /** `map`, `reduce` or `task`. */
  nounOf({ job, stage }: AttemptRef): string {
    const kind = this.specs.get(job)?.stages[stage]?.kind ?? "tasks";
    return kind === "tasks" ? "task" : kind;
  }

  report(worker: WorkerId, ref: AttemptRef, report: Partial<AttemptReport>): Effect[] {
    const record = this.workers.get(worker) as StoryWorker;
    record.held = without(record.held, [ref]);
    record.askedBack = without(record.askedBack, [ref]);
    const { attempt, job, stage, task } = ref;
    if (report.kind === "done" && (this.specs.get(job)?.stages[stage]?.partitionCount ?? 0) > 0) {
      record.outputs.push(ref);
    }
    const reports = [{ durationMs: 10, ...report, task, attempt } as AttemptReport];
    return this.happen({ kind: "attempts-reported", worker, job, stage, reports });
  }

  #perform(effect: Effect): void {
    if (effect.kind === "reply" || effect.kind === "refuse") return;
    if (effect.kind === "job-changed" || effect.kind === "drop-blobs") return;
    if (effect.kind === "compare-outputs") return;
    const worker = this.workers.get(effect.worker);
    if (worker === undefined) return;
    if (effect.kind === "open-job") worker.openJobs.add(effect.job);
    else if (effect.kind === "abort") worker.held = without(worker.held, effect.attempts);
    else if (effect.kind === "take-back") append(worker.askedBack, effect.attempts);
    else if (effect.kind === "assign") {
      const { job, stage } = effect;
      const refs = effect.attempts.map((one) => ({ job, stage, ...one }));
      append(worker.held, refs);
      append(worker.sent, refs);
    } else if (effect.kind === "close-job") {
      worker.openJobs.delete(effect.job);
      worker.held = worker.held.filter(({ job }) => job !== effect.job);
      worker.outputs = worker.outputs.filter(({ job }) => job !== effect.job);
    }
  }
}

function append<T>(list: T[], more: readonly T[]): void {
  for (const one of more) list.push(one);
}

export function without(refs: readonly AttemptRef[], gone: readonly AttemptRef[]): AttemptRef[] {
  const keys = new Set(gone.map(attemptKey));
  return refs.filter((ref) => !keys.has(attemptKey(ref)));
}
