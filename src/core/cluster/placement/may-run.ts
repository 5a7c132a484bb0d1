/** Whether tasks of a stage are for a worker at all. */
import { programKinds } from "../../job.ts";
import type { CoordinatorState, JobRecord, Stage, WorkerRecord } from "../state.ts";
import { isShared } from "../trust/standing.ts";
import { pythonFits } from "./python.ts";

const { javascript, python, wasm } = programKinds;
export const { ownCode } = programKinds;
/** A tab is given no task whose input would take it longer than this to fetch, in seconds. */
const fetchMaxS = 60;

export function mayRun(state: CoordinatorState, worker: WorkerRecord, stage: Stage): boolean {
  const record = state.jobs.get(stage.job) as JobRecord;
  if (worker.caught || (worker.volunteer !== undefined && !isShared(record))) return false;
  const { inputKbps, kinds } = worker.specs;
  const { inputBytes, taskCount } = stage.spec;
  if (inputKbps !== undefined && inputBytes / taskCount / 1024 > inputKbps * fetchMaxS) {
    return false;
  }
  const { spec } = record;
  const { bareBrowsers, moduleHash, programKind = javascript } = spec;
  if (kinds.includes(programKind)) return programKind !== python || pythonFits(worker.specs, spec);
  if (moduleHash !== undefined && kinds.includes(wasm)) return true;
  return programKind === javascript && kinds.includes(ownCode) && bareBrowsers === true;
}
