/** Giving an attempt to a worker, and taking it back: the only places where leases begin and
 *  end. */
import { assert } from "../error.ts";
import { addTo } from "../structures/counts.ts";
import { countOnMachine } from "./placement/spread.ts";
import { charge, chargeOf, correct, ownerOf, wakeChoosy } from "./shares.ts";
import {
  type CoordinatorState,
  type JobRecord,
  type Lease,
  READY,
  RUNNING,
  type Stage,
  setTask,
  type WorkerRecord,
} from "./state.ts";
import { nextAttempt } from "./trust/disguise.ts";

/** How long an existing worker of the manager protocol may leave an attempt unstarted, in ms: it
 *  fetches the module in this time, for which ours has 60 s. See `unstarted.ts`. */
export const unstartedMs = 90_000;

/** Leases the next attempt of a task to a worker. The task must be ready, or running for a
 *  backup. */
export function grant(
  state: CoordinatorState,
  stage: Stage,
  task: number,
  to: { worker: WorkerRecord; backup: boolean },
): Lease {
  const job = jobOf(state, stage.job);
  const attempt = nextAttempt(job, stage, task);
  const lease: Lease = {
    job: stage.job,
    stage: stage.index,
    task,
    attempt,
    worker: to.worker.number,
    assignedAtMs: state.atMs,
    startedAtMs: 0,
    backup: to.backup,
    chargeMs: chargeOf(state, stage),
    accruesFromMs: 0,
  };
  const held = stage.leases.get(task);
  if (held === undefined) stage.leases.set(task, [lease]);
  else held.push(lease);
  assert((held?.length ?? 1) <= 2, `I6: task ${stage.job}/${stage.index}/${task} has three leases`);
  to.worker.leases.add(lease);
  count(state, to.worker, lease, 1);
  job.running++;
  charge(state, job, lease);
  state.touched.add(job.number);
  if (stage.state[task] === READY) setTask(stage, task, RUNNING);
  if (stage.tally.startedAtMs === 0) stage.tally.startedAtMs = state.atMs;
  if (to.backup) stage.tally.backups++;
  if (to.worker.specs.isBase === true) watchUnstarted(state, lease);
  return lease;
}

export function watchUnstarted(state: CoordinatorState, lease: Lease): void {
  const { attempt, job, stage, task, worker } = lease;
  const due = { job, stage, task, attempt, worker };
  state.deadlines.add({ kind: "unstarted", atMs: state.atMs + unstartedMs, ...due });
}

/** Keeps what is known of the leases of a worker and of its machine, and the slots that their owner
 *  takes. */
export function count(
  state: CoordinatorState,
  worker: WorkerRecord,
  lease: Lease,
  by: 1 | -1,
): void {
  const { held } = worker;
  const job = jobOf(state, lease.job);
  const owner = ownerOf(state, job);
  const ofOwner = held.byOwner.get(job.owner) ?? 0;
  // The slots that it takes are those below the worker's number.
  if (Math.min(ofOwner, ofOwner + by) < worker.specs.slots) owner.slots += by;
  addTo(held.byOwner, job.owner, by);
  addTo(held.byJob, job.number, by);
  held.chargeMs += by * lease.chargeMs;
  countOnMachine(job.stages[lease.stage] as Stage, worker, by);
}

/** A worker has announced the lease, or it ends. Tabs announce all that they were given. */
export function countAnnounced(state: CoordinatorState, lease: Lease, by: 1 | -1): void {
  const worker = state.workers.get(lease.worker);
  if (worker === undefined || worker.specs.tab === true) return;
  worker.held.announced += by;
  (jobOf(state, lease.job).stages[lease.stage] as Stage).announced += by;
}

/** Ends a lease, whatever the reason; the caller decides what becomes of the task. `tookMs`: how
 *  long it ran, where that is known. */
export function endLease(
  state: CoordinatorState,
  lease: Lease,
  tookMs: number | null = null,
): void {
  const job = jobOf(state, lease.job);
  const stage = job.stages[lease.stage] as Stage;
  const held = stage.leases.get(lease.task) ?? [];
  const rest = held.filter((other) => other !== lease);
  assert(rest.length === held.length - 1, "a lease ends once");
  if (rest.length === 0) stage.leases.delete(lease.task);
  else stage.leases.set(lease.task, rest);
  job.running--;
  correct(state, job, lease, tookMs);
  state.touched.add(job.number);
  const worker = state.workers.get(lease.worker);
  if (lease.startedAtMs > 0) countAnnounced(state, lease, -1);
  if (worker?.leases.delete(lease)) {
    leaveLimit(state, job);
    count(state, worker, lease, -1);
  }
  if (worker?.live === true && worker.pause === null && !worker.caught)
    state.hungry.add(worker.number);
}

/** Workers that were idle since the owner had as many slots as it may have are asked again. */
function leaveLimit(state: CoordinatorState, job: JobRecord): void {
  const { slotsPerOwnerMax } = state.shares;
  if (slotsPerOwnerMax === 0 || state.choosy.size === 0) return;
  if (ownerOf(state, job).slots < slotsPerOwnerMax) return;
  for (const stage of job.stages) wakeChoosy(state, stage);
}

/** The lease under which this worker runs this attempt, if it still counts. */
export function findLease(
  stage: Stage,
  task: number,
  by: { attempt: number; worker: number },
): Lease | undefined {
  return stage.leases
    .get(task)
    ?.find((lease) => lease.attempt === by.attempt && lease.worker === by.worker);
}

/** Puts a task into the queue of the place that holds its input. */
export function makeReady(state: CoordinatorState, stage: Stage, task: number): void {
  setTask(stage, task, READY);
  state.touched.add(stage.job);
  const { checks, forOwn, notForTabs, open, ownChecks } = stage.opinions;
  if (forOwn.has(task) || open.has(task) || notForTabs.has(task)) {
    // What an own worker has computed once ends a dispute the next time: all that the liar has
    // returned waits for it.
    const isNearlyOver = open.get(task)?.some(({ own }) => own) === true;
    if (!forOwn.has(task)) checks.push(task);
    else if (isNearlyOver) ownChecks.unshift(task);
    else ownChecks.push(task);
    wakeChoosy(state, stage);
    return;
  }
  const locality = stage.index === 0 ? jobOf(state, stage.job).spec.locality : null;
  const place = (locality?.taskHost[task] ?? -1) + 1;
  (stage.queues[place] ?? stage.queues[0])?.push(task);
  // Workers may have found nothing for them among the checks of this stage.
  if (checks.size + ownChecks.size > 0) wakeChoosy(state, stage);
}

export function jobOf(state: CoordinatorState, number: number): JobRecord {
  const job = state.jobs.get(number);
  assert(job !== undefined, `job j-${number} is known`);
  return job;
}
