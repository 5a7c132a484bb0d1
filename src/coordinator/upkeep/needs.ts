/** Which blobs the jobs of a state need: a backup must hold them, and a check must find them. */

import { jobBlobs } from "../../core/blobs-in-use.ts";
import type { CoordinatorState } from "../../core/coordinator.ts";
import { ClusterError } from "../../core/error.ts";
import type { Hash, JobId } from "../../core/ids.ts";
import { jobSpec, jobSummaries } from "../../core/view.ts";
import { storedHashes } from "../filesystem-dir.ts";
import { Plans } from "../jobs/plans.ts";
import type { BlobSource } from "./source.ts";

/** The jobs that name it, oldest first; of none, it is a file of the filesystem protocol. */
export type Needs = ReadonlyMap<Hash, readonly JobId[]>;

/** With the files of the filesystem protocol whose catalogue is in `dir`. Throws `storage-failed`
 *  when that cannot be read. */
export async function allNeedsOf(
  state: CoordinatorState,
  blobs: BlobSource,
  dir: string,
): Promise<Needs> {
  const needs = new Map(await needsOf(state, blobs));
  for (const hash of storedHashes(dir)) if (!needs.has(hash)) needs.set(hash, []);
  return needs;
}

/** A plan that cannot be read adds nothing but itself: the reader of the blob reports it. */
export async function needsOf(state: CoordinatorState, blobs: BlobSource): Promise<Needs> {
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
