/** What people see of a job's trust: plain objects, made on demand. */
import { jobId } from "../../ids.ts";
import type { JobSummary } from "../../summary.ts";
import type { CoordinatorState, JobRecord } from "../state.ts";
import { differenceOf, disputesOf } from "./difference.ts";
import { doubtfulTasks } from "./distrust.ts";
import { isTracked } from "./standing.ts";
import { unaudited } from "./unaudited.ts";

export function trustSummary(
  state: CoordinatorState,
  job: JobRecord,
): Pick<JobSummary, "disputes" | "doubtful" | "recheck" | "unaudited" | "undecided"> {
  const why = unaudited(state, job);
  const lacking = why === undefined ? {} : { unaudited: why };
  if (!isTracked(job)) return lacking;
  const { recheck, stages } = job;
  const undecided = stages.reduce((sum, { opinions }) => sum + opinions.open.size, 0);
  const doubtful = job.state === "done" ? doubtfulTasks(state, job).length : 0;
  const disputes = disputesOf(state, job);
  return {
    ...lacking,
    ...(disputes.length === 0 ? {} : { disputes }),
    ...(undecided === 0 ? {} : { undecided }),
    ...(doubtful === 0 ? {} : { doubtful }),
    ...(recheck === undefined ? {} : { recheck: { ...recheck, of: jobId(recheck.of) } }),
  };
}

export function auditSummary({ audit, stages }: JobRecord): Pick<JobSummary, "audit"> {
  if (audit === undefined) return {};
  const { differs, same } = audit;
  if (differs === undefined) return same === 0 ? {} : { audit: { tasks: same } };
  return { audit: { tasks: same + 1, differs: differenceOf(differs, stages) } };
}
