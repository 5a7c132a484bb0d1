/** Turns what a worker says of its tasks into events, grouped by job and stage. Pure. */
import { ClusterError, type ErrorCode } from "../../core/error.ts";
import type { AttemptReport } from "../../core/event.ts";
import type { AttemptRef, WorkerId } from "../../core/ids.ts";
import type { TaskErrorKind, TaskStatus } from "../../wire/manager/messages.ts";
import { unpackTaskId } from "../../wire/manager/taskid.ts";
import type { NewEvent } from "../journal.ts";
import { parseReport, valueCharsMax } from "./claims.ts";

export type ReportEvent = Extract<NewEvent, { kind: "attempts-reported" }>;
export type StatusEvent = ReportEvent | Extract<NewEvent, { kind: "attempts-started" }>;

/** Without a report of ours, only the kind of the error is known. */
const codes: Readonly<Record<Exclude<TaskErrorKind, "aborted">, ErrorCode>> = {
  "timed-out": "timed-out",
  download: "download-failed",
  runtime: "user-error",
  unknown: "task-crashed",
};

/** Ids that are not of this cluster, and `pending`, say nothing to us and make no event.
 *  Throws `protocol-violated` when a report is malformed or tells of another task than its id. */
export function statusEvents(
  worker: WorkerId,
  statuses: readonly TaskStatus[],
  tag: Uint8Array,
): StatusEvent[] {
  const started: AttemptRef[] = [];
  const groups = new Map<
    string,
    { readonly event: ReportEvent; readonly reports: AttemptReport[] }
  >();
  for (const status of statuses) {
    const ref = unpackTaskId(status.taskId, tag);
    if (ref === null) continue;
    if (status.data.kind === "started") started.push(ref);
    const report = reportOf(ref, status);
    if (report === null) continue;
    const key = `${ref.job}/${ref.stage}`;
    let group = groups.get(key);
    if (group === undefined) {
      const reports: AttemptReport[] = [];
      const { job, stage } = ref;
      group = { event: { kind: "attempts-reported", worker, job, stage, reports }, reports };
      groups.set(key, group);
    }
    group.reports.push(report);
  }
  const events: StatusEvent[] = [...groups.values()].map(({ event }) => event);
  // First, so that an attempt that started and ended in one message is not started after its end.
  if (started.length > 0) {
    events.unshift({ kind: "attempts-started", worker, attempts: started });
  }
  return events;
}

function reportOf(ref: AttemptRef, status: TaskStatus): AttemptReport | null {
  const { data } = status;
  if (data.kind === "pending" || data.kind === "started") return null;
  if (status.report.length > 0) {
    const report = parseReport(status.report);
    if (report.task === ref.task && report.attempt === ref.attempt) return report;
    const told = `task ${report.task} attempt ${report.attempt}`;
    const text = `a report of ${told} came under the id of ${ref.task} attempt ${ref.attempt}`;
    throw new ClusterError("protocol-violated", text);
  }
  const { task, attempt } = ref;
  const common = { task, attempt, durationMs: 0 };
  if (data.kind === "completed") return inlineResult(common, data.result);
  if (data.kind === "unknown" || data.error === "aborted") return { ...common, kind: "returned" };
  const message = `the worker gave no details (${data.error})`;
  return { ...common, kind: "failed", failure: { code: codes[data.error], message } };
}

/** Existing workers send the bytes that the program wrote: JSON stays, other text becomes a JSON
 *  string. */
function inlineResult(
  common: { task: number; attempt: number; durationMs: number },
  result: Uint8Array,
): AttemptReport {
  const value = jsonText(result);
  if (value === null || value.length > valueCharsMax) {
    const problem = value === null ? "not UTF-8" : `above ${valueCharsMax} characters`;
    const failure = { code: "user-error", message: `the result is ${problem}` } as const;
    return { ...common, kind: "failed", failure };
  }
  const output = { root: "", sizeBytes: result.length, records: 1, value };
  return { ...common, kind: "done", output };
}

function jsonText(bytes: Uint8Array): string | null {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return JSON.stringify(text);
  }
}
