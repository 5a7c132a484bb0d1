/** Whether tasks of a stage are for a worker at all. */
import type { CoordinatorState, JobRecord, Stage, WorkerRecord } from "../state.ts";

/** Program kinds: bundled JavaScript (wire/manager/messages.ts), and browsers that bring code of
 *  their own. */
const javascript = 100;
export const ownCode = 200;
/** A tab is given no task whose input would take it longer than this to fetch, in seconds. */
const fetchMaxS = 60;

export function mayRun(state: CoordinatorState, worker: WorkerRecord, stage: Stage): boolean {
  const { inputKbps, kinds } = worker.specs;
  const { inputBytes, taskCount } = stage.spec;
  if (inputKbps !== undefined && inputBytes / taskCount / 1024 > inputKbps * fetchMaxS) {
    return false;
  }
  if (kinds.includes(javascript)) return true;
  const job = state.jobs.get(stage.job) as JobRecord;
  return kinds.includes(ownCode) && job.spec.bareBrowsers === true;
}
