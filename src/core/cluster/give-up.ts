/** What becomes of a job one of whose tasks is not tried again. */
import type { Effect } from "../effect.ts";
import { workerId } from "../ids.ts";
import type { Failure } from "../job.ts";
import { failJob, finishIfDone } from "./jobs.ts";
import { endLease } from "./leases.ts";
import {
  type CoordinatorState,
  DONE,
  type JobRecord,
  type Lease,
  type Stage,
  setTask,
} from "./state.ts";
import { refOf } from "./workers/ref.ts";

/** Each failed task keeps so much of its message, in characters. */
const messageMax = 1_000;

/** The job fails with it; one that keeps going goes on without a result of the task. `lease`: of
 *  its last attempt, which has ended. */
export function giveUp(
  state: CoordinatorState,
  job: JobRecord,
  { effects, failure, lease }: { lease: Lease; failure: Failure; effects: Effect[] },
): void {
  const stage = job.stages[lease.stage] as Stage;
  // Of the job's code, or its results: the other tasks would end alike.
  const isOfAll = failure.code === "build-failed" || failure.code === "nondeterministic";
  if (job.spec.keepGoing !== true || isOfAll) return failJob(state, job, failure, effects);
  if (job.state !== "running") return;
  const { task } = lease;
  for (const other of [...(stage.leases.get(task) ?? [])]) {
    endLease(state, other);
    effects.push({ kind: "abort", worker: workerId(other.worker), attempts: [refOf(other)] });
  }
  const message = failure.message.slice(0, messageMax);
  stage.outputs[task] = {
    root: "",
    sizeBytes: 0,
    records: 0,
    failure: { code: failure.code, message },
  };
  stage.committed[task] = lease.attempt;
  stage.tally.tasksFailed = (stage.tally.tasksFailed ?? 0) + 1;
  setTask(stage, task, DONE);
  if (stage.counts.done === stage.spec.taskCount) stage.tally.endedAtMs = state.atMs;
  finishIfDone(state, job, effects);
}
