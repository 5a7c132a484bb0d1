/** Attempts that an existing worker of the manager protocol has acknowledged and does not begin. It
 *  runs what it was sent in an order of its own, and cannot be asked to return what waits: the
 *  attempt is aborted there, and its task goes to another worker.
 *
 *  1. The coordinator asks (TasksPing) well before; an answer that it has begun counts.
 *  2. While the worker runs something, what waits there is left to it, unless another worker is
 *     idle. */
import type { Effect } from "../effect.ts";
import { jobId, workerId } from "../ids.ts";
import { failJob } from "./jobs.ts";
import { endLease, findLease, watchUnstarted } from "./leases.ts";
import { afterUnstarted } from "./retry.ts";
import type { CoordinatorState, JobRecord, Stage, WorkerRecord } from "./state.ts";
import { refOf } from "./workers/ref.ts";
import { mayTake } from "./workers/unfit.ts";

export function endUnstarted(
  state: CoordinatorState,
  job: JobRecord,
  due: { stage: number; task: number; attempt: number; worker: number },
  effects: Effect[],
): void {
  const stage = job.stages[due.stage] as Stage;
  const lease = findLease(stage, due.task, due);
  const worker = state.workers.get(due.worker);
  if (lease === undefined || worker === undefined || lease.startedAtMs > 0) return;
  const isBusy = worker.held.announced > 0;
  if (isBusy && !isOtherIdle(state, stage, worker)) return watchUnstarted(state, lease);
  endLease(state, lease);
  effects.push({ kind: "abort", worker: workerId(worker.number), attempts: [refOf(lease)] });
  const failure = afterUnstarted(state, job, lease, isBusy);
  if (failure !== null) failJob(state, job, failure, effects);
  effects.push({ kind: "job-changed", job: jobId(job.number) });
}

function isOtherIdle(state: CoordinatorState, stage: Stage, than: WorkerRecord): boolean {
  for (const worker of state.workers.values()) {
    const isIdle = worker.live && worker.pause === null && worker.leases.size < worker.specs.slots;
    if (isIdle && worker !== than && mayTake(state, worker, stage)) return true;
  }
  return false;
}
