/** Which blobs the jobs of a state need: a backup must hold them, and a check must find them. */
import type { CoordinatorState } from "../../core/coordinator.ts";
import { ClusterError } from "../../core/error.ts";
import type { Hash, JobId } from "../../core/ids.ts";
import { jobBlobs, jobSpec, jobSummaries } from "../../core/view.ts";
import type { BlobView } from "../../store/blob/disk.ts";
import { Plans } from "../jobs/plans.ts";

/** The jobs that name it, oldest first. */
export type Needs = ReadonlyMap<Hash, readonly JobId[]>;

/** A plan that cannot be read adds only itself: reading it as a blob will report the problem. */
export async function needsOf(state: CoordinatorState, blobs: BlobView): Promise<Needs> {
  const needs = new Map<Hash, JobId[]>();
  const plans = new Plans(blobs);
  for (const { job } of jobSummaries(state, 0).reverse()) {
    const names = jobBlobs(state, job);
    const plan = jobSpec(state, job)?.planHash ?? "";
    for (const hash of await namedBy(plans, plan)) names.add(hash);
    for (const hash of names) {
      const jobs = needs.get(hash);
      if (jobs === undefined) needs.set(hash, [job]);
      else jobs.push(job);
    }
  }
  return needs;
}

async function namedBy(plans: Plans, plan: Hash): Promise<readonly Hash[]> {
  try {
    return await plans.blobsOf(plan);
  } catch (error) {
    if (error instanceof ClusterError) return [];
    throw error;
  }
}

/** "j-1, j-2 and 7 more", for people. */
export function jobsText(jobs: readonly JobId[]): string {
  const shown = jobs.slice(0, 5).join(", ");
  return jobs.length > 5 ? `${shown} and ${jobs.length - 5} more` : shown;
}
