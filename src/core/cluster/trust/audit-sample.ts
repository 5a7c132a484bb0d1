/** Which tasks are computed a second time.
 *
 *  1. Each task of a job that own workers compute is drawn with the coordinator's share; of a job
 *     with `trust: "audit"` also the first of every stage.
 *  2. Of results of volunteers that count without a second opinion a share of `spotShare` is
 *     computed again by own workers. The draw comes after the report, so that for the volunteer
 *     such a task is like any other.
 *  3. A job that says that its results are by chance, or by the time that goes by, has none. */
import type { CoordinatorState, JobRecord, Stage } from "../state.ts";
import type { JobAudit } from "./audit.ts";
import { draw, engineOf, isShared, isTracked } from "./standing.ts";

/** Share of the results of volunteers that count alone. */
export const spotShare = 0.05;
/** Tasks of one job that wait to be computed again; what is drawn above it is left out. */
const wantedMax = 1_000;
/** Jobs with such tasks; those of the oldest are dropped above it. */
const jobsMax = 100;

/** The task has its result, of this attempt. */
export function sample(
  state: CoordinatorState,
  job: JobRecord,
  stage: Stage,
  by: { readonly task: number; readonly attempt: number; readonly worker: number },
): void {
  const { audits } = state;
  const share = shareOf(state, job, stage, by.task);
  if (share === 0 || (share < 1 && draw(state) >= share)) return;
  const worker = state.workers.get(by.worker);
  job.audit ??= { wanted: [], same: 0 };
  const { differs, wanted } = job.audit as JobAudit;
  if (worker === undefined || differs !== undefined || wanted.length >= wantedMax) return;
  const engine = engineOf(worker, job.spec);
  wanted.push({ job: job.number, stage: stage.index, ...by, engine, tries: 0 });
  audits.jobs.add(job.number);
  for (const number of audits.jobs) {
    if (audits.jobs.size <= jobsMax) return;
    audits.jobs.delete(number);
  }
}

/** How likely it is that the task is computed again. */
function shareOf(state: CoordinatorState, job: JobRecord, stage: Stage, task: number): number {
  const { share } = state.audits;
  const { chance, clock, trust } = job.spec;
  if (isShared(job)) {
    const vouchers = stage.opinions.vouchers.get(task) ?? [];
    const isAlone = vouchers.length === 1 && vouchers[0]?.own === false;
    return share > 0 && isAlone && chance !== "real" && clock !== "real" ? spotShare : 0;
  }
  if (isTracked(job) || chance === "real" || clock === "real") return 0;
  return trust === "audit" && stage.counts.done === 1 ? 1 : share;
}
