/** Puts what a task has made where it belongs. */
import { ClusterError } from "../../../core/error.ts";
import type { AttemptReport } from "../../../core/event.ts";
import type { TaskFiles } from "../contract.ts";
import { type Calls, putBytes } from "./calls.ts";
import type { DoneReport, HeardReports } from "./reporting/reports.ts";
import type { TabTask } from "./session.ts";

/** The reports of the task, with what came of its outputs. */
export async function stored(
  task: TabTask,
  { files, loadFailure, reports }: HeardReports,
  calls: Calls,
): Promise<readonly AttemptReport[]> {
  if (loadFailure !== null) throw new ClusterError(loadFailure.code, loadFailure.message);
  const [only] = reports;
  if (task.kind === "tasks" || only?.kind !== "done") return reports;
  return [{ ...only, output: await put(task, only, files, calls) }];
}

async function put(
  { partitionCount, place }: TabTask,
  { output }: DoneReport,
  files: TaskFiles,
  calls: Calls,
): Promise<DoneReport["output"]> {
  let { root } = output;
  if (partitionCount > 0) {
    await putBytes(calls, `${place}/manifest`, files.manifest ?? []);
    await putBytes(calls, `${place}/run`, files.run ?? []);
  } else if (output.sizeBytes > 0) {
    root = hashIn(await putBytes(calls, `${place}/part`, files.part ?? []));
  } else root = "";
  if (files.bad === undefined) return { ...output, root };
  const badRecords = hashIn(await putBytes(calls, `${place}/bad`, files.bad));
  return { ...output, root, badRecords };
}

function hashIn(stored: unknown): string {
  const { hash } = (stored ?? {}) as { hash?: unknown };
  return typeof hash === "string" ? hash : "";
}
