/** What becomes of a task whose attempt did not succeed.
 *
 *  1. A failure that is final, by its code or as its worker says of an input, fails the job at
 *     once. The user's own errors count against `userErrorMax` (4); then the job fails with the
 *     last one. A task process that was killed from outside counts, too: a kill by an administrator
 *     cannot be distinguished from one by the kernel that needs the memory, and without a bound
 *     such a task would take down one process after the other.
 *  2. A lost worker counts for the tasks that it had announced as running: `workersKilledMax` (3)
 *     distinct ones poison the job.
 *  3. A full disk counts for nothing: the worker is paused (`pauses.ts`) and the task goes back.
 *  4. All else (downloads, returned attempts) is a setback: tried again, with an end far away. A
 *     failing disk is one, too, and its worker is paused so that others have the task first; when
 *     no other is there, the end is after `diskTriesMax` (5).
 *  5. A worker that could not have the module, or did not begin (`workers/unfit.ts`), costs the
 *     task nothing while there is a worker that was not tried; when all were, often enough, the
 *     job fails.
 *  6. Waits double from `backoffMs` to `backoffMaxMs`; a lost worker costs no wait. */
import type { ErrorCode } from "../error.ts";
import { type Failure, taskName } from "../job.ts";
import { makeReady } from "./leases.ts";
import { isOpen } from "./shuffle.ts";
import {
  type CoordinatorState,
  type JobRecord,
  type Lease,
  type Stage,
  setTask,
  WAITING,
} from "./state.ts";
import { hasUnpaused, rest } from "./workers/pauses.ts";
import { fitness, markUnfit, unfitTriesMax } from "./workers/unfit.ts";

/** Setbacks of one task before the job fails with the last reason. */
export const setbackMax = 40;
/** Attempts that meet a failing disk before the job fails, where all workers are paused. */
export const diskTriesMax = 5;

/** Codes that are the job's own doing. */
const userCodes: ReadonlySet<ErrorCode> = new Set([
  "user-error",
  "task-crashed",
  "out-of-memory",
  "timed-out",
  "limit-exceeded",
  "bad-request",
]);

/** Codes of failures that every further attempt would repeat. */
const finalCodes: ReadonlySet<ErrorCode> = new Set([
  "build-failed",
  "data-lost",
  "nondeterministic",
]);

/** Decides about a failed attempt whose lease has ended. Returns the job's failure, or null when
 *  the task goes on (again waiting or ready, or still running in another attempt). */
export function afterFailure(
  state: CoordinatorState,
  job: JobRecord,
  lease: Lease,
  failure: Failure,
): Failure | null {
  const stage = job.stages[lease.stage] as Stage;
  const { task } = lease;
  if (failure.code === "storage-full") {
    stage.tally.attemptsLost++;
    if (!stage.leases.has(task)) again(state, job, stage, task);
    return null;
  }
  stage.tally.attemptsFailed++;
  if (finalCodes.has(failure.code) || failure.isFinal === true) return named(stage, task, failure);
  let tries: number;
  if (userCodes.has(failure.code)) {
    tries = Math.min(255, (stage.userErrors[task] as number) + 1);
    stage.userErrors[task] = tries;
    const { userErrorMax } = job.spec.limits;
    if (tries >= userErrorMax) {
      return named(stage, task, failure, `failed ${tries} of ${userErrorMax} attempts; last: `);
    }
  } else {
    const isStuck = failure.isDisk === true && !hasUnpaused(state, stage);
    const by = isStuck ? setbackMax / diskTriesMax : 1;
    const setbacks = Math.min(65_535, (stage.setbacks[task] as number) + by);
    stage.setbacks[task] = setbacks;
    if (setbacks >= setbackMax) {
      const what = isStuck
        ? "failed again and again on the disks of all workers that may run it; last: "
        : `was set back ${setbacks} times; last: `;
      return named(stage, task, failure, what);
    }
    tries = Math.ceil(setbacks / by);
  }
  if (!stage.leases.has(task)) waitBefore(state, job, stage, { task, tries });
  return null;
}

/** Decides about an attempt that its worker could not begin, for want of the module. */
export function afterNoModule(
  state: CoordinatorState,
  job: JobRecord,
  lease: Lease,
  failure: Failure,
): Failure | null {
  (job.stages[lease.stage] as Stage).tally.attemptsFailed++;
  const unfit = { failure, reason: "could not have the module of this job" };
  return goToFitter(state, job, lease, unfit);
}

/** The same for one that was never begun. `isBusy`: its worker runs others meanwhile. */
export function afterUnstarted(
  state: CoordinatorState,
  job: JobRecord,
  lease: Lease,
  isBusy: boolean,
): Failure | null {
  const stage = job.stages[lease.stage] as Stage;
  stage.tally.attemptsLost++;
  if (isBusy) {
    // Others come first.
    rest(state, lease.worker);
    if (!stage.leases.has(lease.task)) again(state, job, stage, lease.task);
    return null;
  }
  const reason = "did not begin a task of this job in time";
  const message =
    `w-${lease.worker} acknowledged it, and did not begin in time; restart that worker, or join ` +
    "another: `tequio join`";
  return goToFitter(state, job, lease, { failure: { code: "timed-out", message }, reason });
}

function goToFitter(
  state: CoordinatorState,
  job: JobRecord,
  lease: Lease,
  { failure, reason }: { readonly failure: Failure; readonly reason: string },
): Failure | null {
  const stage = job.stages[lease.stage] as Stage;
  const { task } = lease;
  const worker = state.workers.get(lease.worker);
  if (worker !== undefined) markUnfit(state, worker, lease, reason);
  const left = fitness(state, stage);
  if (left === "none") {
    const what = `could be begun by no worker here, in ${unfitTriesMax} tries of each; last: `;
    return named(stage, task, failure, what);
  }
  if (left === "tried") {
    const setbacks = Math.min(65_535, (stage.setbacks[task] as number) + 1);
    stage.setbacks[task] = setbacks;
    if (setbacks >= setbackMax) {
      return named(stage, task, failure, `was set back ${setbacks} times; last: `);
    }
  }
  if (!stage.leases.has(task)) again(state, job, stage, task);
  return null;
}

/** Decides about an attempt whose worker is gone. `ran`: the worker had announced that it runs, so
 *  the task may be the reason. What ends sooner than an announcement is bounded by `setbackMax`. */
export function afterLoss(
  state: CoordinatorState,
  job: JobRecord,
  lease: Lease,
  ran: boolean,
): Failure | null {
  const stage = job.stages[lease.stage] as Stage;
  const { task } = lease;
  stage.tally.attemptsLost++;
  const killers = stage.killers.get(task) ?? [];
  if (ran && !killers.includes(lease.worker)) killers.push(lease.worker);
  if (ran) stage.killers.set(task, killers);
  const lost = Math.min(65_535, (stage.setbacks[task] as number) + 1);
  stage.setbacks[task] = lost;
  if (killers.length >= job.spec.limits.workersKilledMax) {
    const which = killers.map((worker) => `w-${worker}`).join(", ");
    const message =
      `${killers.length} workers (${which}) were lost while they had it, ` +
      "so it is not tried again";
    return named(stage, task, { code: "task-crashed", message });
  }
  if (lost >= setbackMax) {
    const message = `w-${lease.worker} was lost while it had it`;
    const what = `was set back ${lost} times; last: `;
    return named(stage, task, { code: "task-crashed", message }, what);
  }
  if (!stage.leases.has(task)) again(state, job, stage, task);
  return null;
}

/** Requeues a task that no worker runs any more: ready at once, or waiting for its input. */
export function again(state: CoordinatorState, job: JobRecord, stage: Stage, task: number): void {
  if (isOpen(job, stage)) makeReady(state, stage, task);
  else setTask(stage, task, WAITING);
}

function waitBefore(
  state: CoordinatorState,
  job: JobRecord,
  stage: Stage,
  retry: { task: number; tries: number },
): void {
  const { backoffMs, backoffMaxMs } = job.spec.limits;
  const waitMs = Math.min(backoffMaxMs, backoffMs * 2 ** Math.min(20, retry.tries - 1));
  setTask(stage, retry.task, WAITING);
  stage.backoffs.add(retry.task);
  state.deadlines.add({
    kind: "backoff",
    atMs: state.atMs + waitMs,
    job: job.number,
    stage: stage.index,
    task: retry.task,
  });
}

/** The failure with the task's name in front, so that it can be found. */
function named(stage: Stage, task: number, failure: Failure, what = ""): Failure {
  const separator = what === "" ? ": " : " ";
  const message = taskName(stage.spec.kind, task) + separator + what + failure.message;
  return failure.stack === undefined
    ? { code: failure.code, message }
    : { code: failure.code, message, stack: failure.stack };
}
