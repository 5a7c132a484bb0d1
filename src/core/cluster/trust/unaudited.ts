/** Why nothing of a job is compared by own workers, though its `trust` asks for it. */
import type { UnauditedWhy } from "../../summary.ts";
import { mayRun } from "../placement/may-run.ts";
import type { CoordinatorState, JobRecord, Stage } from "../state.ts";
import { ownIsHere } from "./check.ts";
import { isShared, isTracked } from "./standing.ts";

/** Undefined when something is compared, or the job does not ask for it. */
export function unaudited(state: CoordinatorState, job: JobRecord): UnauditedWhy | undefined {
  const { chance, clock, trust } = job.spec;
  const stage = job.stages.find(({ counts, spec }) => counts.done < spec.taskCount);
  if (isShared(job)) {
    const isOnlyTheirs = stage !== undefined && job.state === "running" && hasVolunteer(state);
    return isOnlyTheirs && !ownIsHere(state, job, stage) ? "no-own-worker" : undefined;
  }
  if (trust !== "audit" || isTracked(job) || chance === "real" || clock === "real") return;
  const { differs, same = 0 } = job.audit ?? {};
  if (differs !== undefined || same > 0 || job.state === "failed") return;
  const first = job.stages[0];
  return first === undefined || auditors(state, first) > 1 ? undefined : "one-worker";
}

function hasVolunteer({ workers }: CoordinatorState): boolean {
  for (const { live, volunteer } of workers.values())
    if (live && volunteer !== undefined) return true;
  return false;
}

/** Workers that may compare: own ones that are no tabs. */
function auditors(state: CoordinatorState, stage: Stage): number {
  let count = 0;
  for (const worker of state.workers.values()) {
    const { live, specs, volunteer } = worker;
    if (!live || volunteer !== undefined || specs.tab === true || specs.isBase === true) continue;
    if (mayRun(state, worker, stage)) count++;
  }
  return count;
}
