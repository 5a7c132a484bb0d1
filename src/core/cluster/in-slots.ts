/** How many tasks of a stage are in a slot, for people: workers are sent more than they have slots
 *  for, so that none waits for the next. */
import type { CoordinatorState, JobRecord, Stage } from "./state.ts";

/** The stage's counts, where only what is in a slot is running. What workers were sent ahead is
 *  ready: it may run, and has no slot yet. */
export function shownCounts(state: CoordinatorState, stage: Stage): Stage["counts"] {
  const running = tasksInSlots(state, stage);
  const ready = stage.counts.ready + stage.counts.running - running;
  return { ...stage.counts, ready, running };
}

/** Attempts of a job that run now, backups among them. */
export function attemptsInSlots(state: CoordinatorState, job: JobRecord): number {
  if (job.running === 0) return 0;
  let count = 0;
  for (const { held, leases, specs } of state.workers.values()) {
    if (!held.byJob.has(job.number)) continue;
    let slots = specs.slots;
    for (const lease of leases) {
      if (slots-- === 0) break;
      if (lease.job === job.number) count++;
    }
  }
  return count;
}

/** Workers begin what they have in the order of assignment: what is behind still waits. */
function tasksInSlots(state: CoordinatorState, stage: Stage): number {
  if (stage.counts.running === 0) return 0;
  let count = 0;
  for (const { held, leases, specs } of state.workers.values()) {
    if (!held.byJob.has(stage.job)) continue;
    let slots = specs.slots;
    for (const lease of leases) {
      if (slots-- === 0) break;
      if (lease.job !== stage.job || lease.stage !== stage.index) continue;
      // A task with a backup is one task.
      if (!lease.backup || stage.leases.get(lease.task)?.length === 1) count++;
    }
  }
  return Math.min(count, stage.counts.running);
}
