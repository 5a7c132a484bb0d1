/** Laws about the sharing of slots, checked without the core's own functions:
 *
 *  I24: what a job is charged for an attempt is its expected time by the job's weight and priority.
 *  I25: no slot is free for longer than 5 s beside a ready task that its worker may run, and whose
 *       owner may take one more. */
import { type CoordinatorState, READY, type WorkerRecord } from "../../src/core/cluster/state.ts";
import type { CoordinatorEvent } from "../../src/core/event.ts";
import { idNumber } from "../../src/core/ids.ts";
import type { JobSpec } from "../../src/core/job.ts";

const idleMaxMs = 5_000;
/** Of the time between two records at most this counts: the coordinator may have been away. */
const gapMaxMs = 1_000;
const factors: Readonly<Record<string, number>> = { high: 4, normal: 1, low: 0.25 };

type Seen = { readonly usedMs: number; readonly leases: number; readonly isAccruing: boolean };

export class FairnessJudge {
  #jobs = new Map<number, Seen>();
  #atMs = 0;
  /** For how long each worker has had a free slot beside a task for it, ms. */
  readonly #idleMs = new Map<number, number>();

  before(state: CoordinatorState, event: CoordinatorEvent): void {
    this.#jobs.clear();
    const gapMs = Math.min(gapMaxMs, Math.max(0, event.atMs - this.#atMs));
    this.#atMs = event.atMs;
    this.#countIdle(state, event.kind === "coordinator-started" ? 0 : gapMs);
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
      if (charged <= most * 1.001 + 0.001 || job.share.usedMs < turnMs) continue;
      throw new Error(`I24: j-${number} is charged ${charged} ms for an attempt, not ${most}`);
    }
  }

  /** `gapMs`: how long the state has been unchanged. */
  #countIdle(state: CoordinatorState, gapMs: number): void {
    for (const worker of state.workers.values()) {
      const { number } = worker;
      if (!isIdle(state, worker)) {
        this.#idleMs.delete(number);
        continue;
      }
      const idleMs = (this.#idleMs.get(number) ?? 0) + gapMs;
      this.#idleMs.set(number, idleMs);
      if (idleMs <= idleMaxMs) continue;
      throw new Error(`I25: w-${number} has a free slot for ${idleMs} ms, and a task is ready`);
    }
  }
}

function countsFor({ priority = "normal", weight }: JobSpec): number {
  return weight * factors[priority]!;
}

function isIdle(state: CoordinatorState, worker: WorkerRecord): boolean {
  if (!worker.live || worker.pause !== null) return false;
  if (worker.leases.size >= worker.specs.slots) return false;
  for (const number of state.active) {
    const job = state.jobs.get(number)!;
    if (isAtLimit(state, job.owner)) continue;
    for (const stage of job.stages) {
      if (stage.counts.ready === 0 || !stage.state.includes(READY)) continue;
      if (isFor(worker, job.spec, stage.spec)) return true;
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

function isFor(
  { specs }: WorkerRecord,
  job: JobSpec,
  { inputBytes, taskCount }: JobSpec["stages"][number],
): boolean {
  const kbps = specs.inputKbps ?? Number.POSITIVE_INFINITY;
  if (inputBytes / taskCount > 60 * 1024 * kbps) return false;
  return specs.kinds.includes(100) || (specs.kinds.includes(200) && job.bareBrowsers === true);
}
