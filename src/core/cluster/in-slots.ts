/** What of a job or a stage is in a slot, for people: workers are sent more than they have slots
 *  for, so that none waits for the next. */
import type { CoordinatorState, JobRecord, Lease, Stage, WorkerRecord } from "./state.ts";

/** The stage's counts, where only what is in a slot is running. What workers were sent ahead is
 *  ready: it may run, and has no slot yet. */
export function shownCounts(state: CoordinatorState, stage: Stage): Stage["counts"] {
  const running = tasksInSlots(state, stage);
  const ready = stage.counts.ready + stage.counts.running - running;
  return { ...stage.counts, ready, running };
}

/** Attempts of a job that run now, backups among them. */
export function attemptsInSlots(state: CoordinatorState, job: JobRecord): number {
  return job.running === 0 ? 0 : leasesInSlots(state, job.number).length;
}

/** Attempts of a worker that have a slot, and those that were sent ahead and wait for one. */
export function attemptsOf(worker: WorkerRecord): {
  readonly inSlots: number;
  readonly ahead: number;
} {
  const ahead = Math.max(0, worker.leases.size - worker.specs.slots);
  return { inSlots: worker.leases.size - ahead, ahead };
}

export function isInSlot(state: CoordinatorState, lease: Lease): boolean {
  const worker = state.workers.get(lease.worker);
  let slots = worker?.specs.slots ?? 0;
  for (const one of worker?.leases ?? []) {
    if (slots-- === 0) return false;
    if (one === lease) return true;
  }
  return false;
}

function tasksInSlots(state: CoordinatorState, stage: Stage): number {
  if (stage.counts.running === 0) return 0;
  // A task with a backup is one task.
  const tasks = leasesInSlots(state, stage.job).filter((lease) => {
    const isOnly = stage.leases.get(lease.task)?.length === 1;
    return lease.stage === stage.index && (!lease.backup || isOnly);
  });
  return Math.min(tasks.length, stage.counts.running);
}

/** Workers begin what they have in the order of assignment: what is behind still waits. */
function leasesInSlots(state: CoordinatorState, job: number): Lease[] {
  const found: Lease[] = [];
  for (const { held, leases, specs } of state.workers.values()) {
    if (!held.byJob.has(job)) continue;
    let slots = specs.slots;
    for (const lease of leases) {
      if (slots-- === 0) break;
      if (lease.job === job) found.push(lease);
    }
  }
  return found;
}
