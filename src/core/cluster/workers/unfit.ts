/** Workers that could not begin tasks of a job: they could not have its module, or left a task
 *  unstarted. Such a worker is given nothing of that job for a while, so that others have its tasks
 *  first.
 *
 *  1. The time doubles from `unfitMs` to `unfitMaxMs` with each try; what was assigned together is
 *     one try.
 *  2. A task that succeeds there ends it.
 *  3. A job of which all workers that may run it have failed so `unfitTriesMax` times fails; see
 *     `retry.ts`. */
import { mayRun } from "../placement/may-run.ts";
import type { CoordinatorState, Lease, Stage, WorkerRecord } from "../state.ts";

/** How long a worker is given nothing of the job after its first try, and at most, in ms. */
export const unfitMs = 1_000;
const unfitMaxMs = 60_000;
/** Tries of each worker before the job fails, where none is better. */
export const unfitTriesMax = 5;

/** Whether the worker is to be given tasks of the stage now. */
export function mayTake(state: CoordinatorState, worker: WorkerRecord, stage: Stage): boolean {
  return !isUnfit(state, worker, stage) && mayRun(state, worker, stage);
}

function isUnfit(state: CoordinatorState, { unfit }: WorkerRecord, { job }: Stage): boolean {
  return unfit !== undefined && (unfit.get(job)?.untilMs ?? 0) > state.atMs;
}

export function markUnfit(
  state: CoordinatorState,
  worker: WorkerRecord,
  { assignedAtMs, job }: Lease,
  reason: string,
): void {
  worker.unfit ??= new Map();
  const before = worker.unfit.get(job);
  if (before !== undefined && assignedAtMs <= before.sinceMs) return;
  const tries = (before?.tries ?? 0) + 1;
  const untilMs = state.atMs + Math.min(unfitMaxMs, unfitMs * 2 ** Math.min(20, tries - 1));
  worker.unfit.set(job, { tries, sinceMs: state.atMs, untilMs, reason });
  state.deadlines.add({ kind: "rest", atMs: untilMs, worker: worker.number });
}

/** untried: there is a worker that has not failed so, busy or paused though it may be · tried: all
 *  have, and are tried again · none: all have, as often as they may. */
export function fitness(state: CoordinatorState, stage: Stage): "untried" | "tried" | "none" {
  let isLeft = false;
  for (const worker of state.workers.values()) {
    if (!worker.live || worker.pause?.isLeaving || !mayRun(state, worker, stage)) continue;
    const tries = worker.unfit?.get(stage.job)?.tries ?? 0;
    if (tries === 0) return "untried";
    if (tries < unfitTriesMax) isLeft = true;
  }
  return isLeft ? "tried" : "none";
}

/** Why none of these workers is given anything of the stage now; null = one may be. */
export function allUnfit(
  state: CoordinatorState,
  able: readonly WorkerRecord[],
  stage: Stage,
): string | null {
  const [first] = able;
  if (first === undefined || !able.every((worker) => isUnfit(state, worker, stage))) return null;
  return `w-${first.number} ${first.unfit?.get(stage.job)?.reason}; it is tried again soon`;
}
