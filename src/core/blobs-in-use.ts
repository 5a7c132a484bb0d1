/** Which blobs the jobs of a state name. Changes nothing. */
import { visitBlobs } from "./cluster/retention/blobs.ts";
import type { CoordinatorState } from "./cluster/state.ts";
import { idNumber, type JobId } from "./ids.ts";

/** Takes out of `names` every blob that some job names: code, plans, outputs, bad records. Inputs
 *  and items are named in the plan only; the caller reads the plans. */
export function keepReferenced(state: CoordinatorState, names: Set<string>): void {
  for (const job of state.jobs.values()) {
    if (names.size === 0) return;
    visitBlobs(job, (hash) => names.delete(hash));
  }
}

/** Of all jobs; the same plans may come again. `runsSinceMs`: when the job was submitted; null when
 *  it has ended. */
export function* plansInUse(
  state: CoordinatorState,
): Generator<{ readonly plan: string; readonly runsSinceMs: number | null }> {
  for (const job of [...state.jobs.values()]) {
    const runsSinceMs = job.state === "running" ? job.submittedAtMs : null;
    yield { plan: job.spec.planHash, runsSinceMs };
  }
}

/** Names of all blobs that one job needs, as `keepReferenced`; empty when there is no such job. */
export function jobBlobs(state: CoordinatorState, job: JobId): Set<string> {
  const names = new Set<string>();
  const record = state.jobs.get(idNumber(job));
  if (record !== undefined) visitBlobs(record, (hash) => names.add(hash));
  return names;
}
