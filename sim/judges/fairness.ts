/** Laws about the sharing of slots, checked without the core's own functions:
 *
 *  I24: what a job is charged for an attempt is its expected time by the job's weight and priority.
 *  I25: no slot is free for longer than 5 s beside a ready task that its worker may run, and whose
 *       owner may take one more.
 *  I26: of a worker whose slots all run what it has announced, all other attempts are asked
 *       back. */
import {
  type CoordinatorState,
  READY,
  type Stage,
  type WorkerRecord,
} from "../../src/core/cluster/state.ts";
import type { CoordinatorEvent } from "../../src/core/event.ts";
import { idNumber } from "../../src/core/ids.ts";
import type { JobSpec } from "../../src/core/job.ts";
import type { Exercised } from "./laws.ts";

const idleMaxMs = 5_000;
/** Of the time between two records at most this counts: the coordinator may have been away. */
const gapMaxMs = 1_000;
/** A slot that was free beside a ready task for so long is counted apart, ms. */
const noticedMs = 1_000;
const factors: Readonly<Record<string, number>> = { high: 4, normal: 1, low: 0.25 };

type Seen = { readonly usedMs: number; readonly leases: number; readonly isAccruing: boolean };

export type FairnessOptions = {
  /** Nothing stops the coordinator: all of the time between two records counts. */
  readonly isSteady: boolean;
  readonly count: (what: string) => void;
  readonly exercised: Exercised;
};

export class FairnessJudge {
  #jobs = new Map<number, Seen>();
  #atMs = 0;
  /** For how long each worker has had a free slot beside a task for it, ms. */
  readonly #idleMs = new Map<number, number>();
  readonly #options: FairnessOptions;

  constructor(options: FairnessOptions) {
    this.#options = options;
  }

  /** The worker that has announced attempts, in the event at hand. */
  #announcer: WorkerRecord | undefined;

  before(state: CoordinatorState, event: CoordinatorEvent): void {
    const isNews = event.kind === "attempts-started";
    this.#announcer = isNews ? state.workers.get(idNumber(event.worker)) : undefined;
    this.#jobs.clear();
    const mostMs = this.#options.isSteady ? Number.POSITIVE_INFINITY : gapMaxMs;
    const gapMs = Math.min(mostMs, Math.max(0, event.atMs - this.#atMs));
    this.#atMs = event.atMs;
    this.#countIdle(state, event.kind === "coordinator-started" ? 0 : gapMs);
    if (couldIdle(state, event)) {
      this.#options.exercised("I25: no slot is free beside a ready task for 5 s");
    }
    if (event.kind !== "attempts-reported") return;
    for (const number of state.active) {
      // Leases of this one end, too.
      if (number === idNumber(event.job)) continue;
      const { running, share } = state.jobs.get(number)!;
      const { usedMs } = share;
      this.#jobs.set(number, { usedMs, leases: running, isAccruing: share.accruing > 0 });
    }
  }

  after(state: CoordinatorState): void {
    if (this.#announcer !== undefined) this.#noneWaitsBehind(this.#announcer);
    for (const [number, { isAccruing, leases, usedMs }] of this.#jobs) {
      const job = state.jobs.get(number);
      if (job === undefined || job.running !== leases + 1 || isAccruing) continue;
      const newest = job.stages.flatMap((stage) => [...stage.leases.values()].flat());
      const given = newest.filter(({ assignedAtMs }) => assignedAtMs === state.atMs).at(-1);
      if (given === undefined) continue;

      const most = given.chargeMs / countsFor(job.spec);
      const charged = job.share.usedMs - usedMs;
      // Less where the debt of its owner's turn is bounded; more where its credit is, behind its
      // owner's turn.
      const turnMs = state.shares.owners.get(job.owner)?.turnMs ?? 0;
      if (job.share.usedMs < turnMs) continue;
      this.#options.exercised("I24: an attempt is charged by weight and priority");
      if (charged <= most * 1.001 + 0.001) continue;
      throw new Error(`I24: j-${number} is charged ${charged} ms for an attempt, not ${most}`);
    }
  }

  #noneWaitsBehind({ leases, live, number, specs }: WorkerRecord): void {
    if (!live || specs.tab === true) return;
    const waiting = [...leases].filter(({ startedAtMs }) => startedAtMs === 0);
    if (leases.size - waiting.length < specs.slots) return;
    if (waiting.length > 0) this.#options.exercised("I26: nothing waits behind what runs on");
    const left = waiting.find(({ takenBack }) => takenBack !== true);
    if (left === undefined) return;
    throw new Error(
      `I26: task ${left.task} of j-${left.job} waits at w-${number}, whose slots run on`,
    );
  }

  /** `gapMs`: how long the state has been as it is. */
  #countIdle(state: CoordinatorState, gapMs: number): void {
    for (const worker of state.workers.values()) {
      const { number } = worker;
      if (!isIdle(state, worker)) {
        this.#idleMs.delete(number);
        continue;
      }
      const beforeMs = this.#idleMs.get(number) ?? 0;
      const idleMs = beforeMs + gapMs;
      this.#idleMs.set(number, idleMs);
      if (beforeMs < noticedMs && idleMs >= noticedMs) {
        this.#options.count("a slot was free beside a ready task for 1 s");
      }
      if (idleMs <= idleMaxMs) continue;
      throw new Error(`I25: w-${number} has a free slot for ${idleMs} ms, and a task is ready`);
    }
  }
}

/** Whether the event may leave a slot free beside a ready task: it frees a slot, or brings one,
 *  while a task is ready; or it makes tasks ready while a slot is free. */
function couldIdle(state: CoordinatorState, { kind }: CoordinatorEvent): boolean {
  const here = [...state.workers.values()].filter(({ live, pause }) => live && pause === null);
  if (kind === "job-submitted" || kind === "worker-lost") {
    return here.some(({ leases, specs }) => leases.size < specs.slots);
  }
  if (kind === "worker-joined" || kind === "worker-resumed") return hasReady(state, null);
  return kind === "attempts-reported" && here.some((worker) => hasReady(state, worker));
}

function countsFor({ priority = "normal", weight }: JobSpec): number {
  return weight * factors[priority]!;
}

function isIdle(state: CoordinatorState, worker: WorkerRecord): boolean {
  if (!worker.live || worker.pause !== null) return false;
  return worker.leases.size < worker.specs.slots && hasReady(state, worker);
}

/** Whether a task is ready that the worker may run; null: any worker, even one yet to come. */
function hasReady(state: CoordinatorState, worker: WorkerRecord | null): boolean {
  for (const number of state.active) {
    const job = state.jobs.get(number)!;
    if (isAtLimit(state, job.owner)) continue;
    for (const stage of job.stages) {
      if (stage.counts.ready === 0 || !stage.state.includes(READY)) continue;
      if (worker === null) return true;
      if (isFor(worker, job.spec, stage.spec) && hasReadyFor(worker, stage)) return true;
    }
  }
  return false;
}

/** Whether the owner has as many slots as it may, counted from the leases. */
function isAtLimit(state: CoordinatorState, owner: string): boolean {
  const { slotsPerOwnerMax } = state.shares;
  if (slotsPerOwnerMax === 0) return false;
  let slots = 0;
  for (const { leases, specs } of state.workers.values()) {
    const mine = [...leases].filter(({ job }) => state.jobs.get(job)!.owner === owner);
    slots += Math.min(specs.slots, mine.length);
  }
  return slots >= slotsPerOwnerMax;
}

/** What failed in a tab is for others first. */
function hasReadyFor({ specs }: WorkerRecord, { opinions, state }: Stage): boolean {
  const { notForTabs } = opinions;
  if (specs.tab !== true || notForTabs.size === 0) return true;
  return state.some((one, task) => one === READY && !notForTabs.has(task));
}

function isFor(
  { specs }: WorkerRecord,
  job: JobSpec,
  { inputBytes, taskCount }: JobSpec["stages"][number],
): boolean {
  const kbps = specs.inputKbps ?? Number.POSITIVE_INFINITY;
  if (inputBytes / taskCount > 60 * 1024 * kbps) return false;
  return specs.kinds.includes(100) || (specs.kinds.includes(200) && job.bareBrowsers === true);
}
