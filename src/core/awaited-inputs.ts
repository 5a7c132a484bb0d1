/** Which running jobs were submitted before their input had arrived, and what they wait for. */
import type { CoordinatorState } from "./cluster/state.ts";
import { type Hash, idNumber, type JobId, jobId } from "./ids.ts";

export type AwaitedInputs = {
  readonly owner: string;
  readonly plan: Hash;
  /** Of the first stage. */
  readonly tasks: readonly number[];
};

/** Null when it waits for none. */
export function awaitedInputs({ jobs }: CoordinatorState, id: JobId): AwaitedInputs | null {
  const job = jobs.get(idNumber(id));
  const arriving = job?.stages[0]?.arriving;
  if (job === undefined || arriving === undefined || arriving.size === 0) return null;
  return { owner: job.owner, plan: job.spec.planHash, tasks: [...arriving] };
}

export function jobsAwaitingInputs({ active, jobs }: CoordinatorState): JobId[] {
  return [...active]
    .filter((number) => (jobs.get(number)?.stages[0]?.arriving.size ?? 0) > 0)
    .map(jobId);
}
