/** Turns a worker's messages about its tasks into events, grouped by job and stage. Pure. */
import { ClusterError, type ErrorCode } from "../../../core/error.ts";
import type { AttemptReport } from "../../../core/event.ts";
import type { AttemptRef, JobId, WorkerId } from "../../../core/ids.ts";
import type { Failure, TaskOutput } from "../../../core/job.ts";
import type {
  ManagerMessage,
  TaskErrorKind,
  TaskStatus,
  WorkerNotes,
} from "../../../wire/manager/messages.ts";
import { unpackTaskId } from "../../../wire/manager/taskid.ts";
import type { NewEvent } from "../../loop/journal.ts";
import { parseReports, valueCharsMax } from "./claims.ts";
import { resultEvents } from "./results.ts";

export type ReportEvent = Extract<NewEvent, { kind: "attempts-reported" }>;
export type StatusEvent = ReportEvent | Extract<NewEvent, { kind: "attempts-started" }>;

export type ReportMessage = Extract<
  ManagerMessage,
  { kind: "taskStatus" | "taskStatuses" | "tasksPong" | "taskResults" }
>;

/** Throws `protocol-violated` when the message is malformed. */
export function reportEvents(
  worker: WorkerId,
  message: ReportMessage,
  tag: Uint8Array,
): StatusEvent[] {
  switch (message.kind) {
    case "taskResults":
      return resultEvents(worker, message.results, tag);
    case "taskStatus":
      return statusEvents(worker, [message.status], tag);
    default:
      return statusEvents(worker, message.statuses, tag);
  }
}

/** Without a report of the extensions only the kind of the error is known. */
const codes: Readonly<Record<Exclude<TaskErrorKind, "aborted">, ErrorCode>> = {
  "timed-out": "timed-out",
  download: "download-failed",
  runtime: "user-error",
  unknown: "task-crashed",
};

/** Ids that are not of this cluster, and `pending`, make no event. Throws `protocol-violated` when
 *  a report is malformed or names another task than its id. */
export function statusEvents(
  worker: WorkerId,
  statuses: readonly TaskStatus[],
  tag: Uint8Array,
): StatusEvent[] {
  const started: AttemptRef[] = [];
  const groups = new Groups(worker);
  const ours = statuses
    .map((status) => ({ status, ref: unpackTaskId(status.taskId, tag) }))
    .filter((one): one is Ours => one.ref !== null);
  const told = ours.filter(({ status }) => status.report.length > 0);
  const parsed = parseReports(told.map(({ status }) => status.report)).values();
  for (const { status, ref } of ours) {
    const { value = null } = status.report.length > 0 ? parsed.next() : { value: null };
    if (status.data.kind === "started") started.push(ref);
    const report = reportOf(ref, status, value);
    if (report !== null) groups.of(ref).push(report);
  }
  const events: StatusEvent[] = groups.events();
  // First, so that an attempt that started and ended in one message is not started after its end.
  if (started.length > 0) {
    events.unshift({ kind: "attempts-started", worker, attempts: started });
  }
  return events;
}

export function pauseEvent(worker: WorkerId, { leaving, paused = "" }: WorkerNotes): NewEvent {
  if (paused === "") return { kind: "worker-resumed", worker };
  const isLeaving = leaving === true ? { isLeaving: true as const } : {};
  return { kind: "worker-paused", worker, reason: paused, ...isLeaving };
}

type Ours = { readonly status: TaskStatus; readonly ref: AttemptRef };
type Group = { readonly job: JobId; readonly stage: number; readonly reports: AttemptReport[] };

/** Reports by job and stage, in the order of first appearance. */
class Groups {
  readonly #worker: WorkerId;
  readonly #groups = new Map<string, Group>();
  #last: Group | null = null;

  constructor(worker: WorkerId) {
    this.#worker = worker;
  }

  of({ job, stage }: AttemptRef): AttemptReport[] {
    // Nearly always the same as before.
    const last = this.#last;
    if (last !== null && last.stage === stage && last.job === job) return last.reports;
    const key = `${job}/${stage}`;
    const group = this.#groups.get(key) ?? { job, stage, reports: [] };
    this.#groups.set(key, group);
    this.#last = group;
    return group.reports;
  }

  events(): ReportEvent[] {
    const groups = [...this.#groups.values()];
    const worker = this.#worker;
    return groups.map((group) => ({ kind: "attempts-reported", worker, ...group }));
  }
}

function reportOf(
  ref: AttemptRef,
  status: TaskStatus,
  report: AttemptReport | null,
): AttemptReport | null {
  const { data } = status;
  if (data.kind === "pending" || data.kind === "started") return null;
  if (report !== null) {
    if (report.task === ref.task && report.attempt === ref.attempt) return report;
    const told = `task ${report.task} attempt ${report.attempt}`;
    const text = `a report of ${told} came under the id of ${ref.task} attempt ${ref.attempt}`;
    throw new ClusterError("protocol-violated", text);
  }
  const { task, attempt } = ref;
  const common = { task, attempt, durationMs: 0 };
  if (data.kind === "completed") return inlineResult(common, data.result);
  if (data.kind === "unknown" || data.error === "aborted") return { ...common, kind: "returned" };
  return { ...common, kind: "failed", failure: failureOf(data.error) };
}

function failureOf(error: keyof typeof codes): Failure {
  const code = codes[error];
  if (error !== "download") return { code, message: `the worker gave no details (${error})` };
  const message =
    "the worker could not fetch the module: original workers have programs from IPFS alone; " +
    "name an IPFS node (`tequio up --ipfs-api http://127.0.0.1:5001`), or join another worker " +
    "(`tequio join`)";
  return { code, message, noModule: true };
}

/** Existing workers send the bytes that the module wrote; they become what a module has as its
 *  result elsewhere: text, other bytes as base64, null for none. */
function inlineResult(
  common: { task: number; attempt: number; durationMs: number },
  result: Uint8Array,
): AttemptReport {
  const value = jsonText(result);
  if (value.length > valueCharsMax) {
    const message = `the result is above ${valueCharsMax} characters`;
    const failure = { code: "user-error", message } as const;
    return { ...common, kind: "failed", failure };
  }
  return { ...common, kind: "done", output: inlineOutput(value) };
}

/** The output whose result is `value`, JSON text, as our workers report it: results of one task are
 *  compared with their sizes. */
export function inlineOutput(value: string): TaskOutput {
  return { root: "", sizeBytes: Buffer.byteLength(value), records: 1, value };
}

function jsonText(bytes: Uint8Array): string {
  if (bytes.length === 0) return "null";
  try {
    return JSON.stringify(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return JSON.stringify({ base64: Buffer.from(bytes).toString("base64") });
  }
}

/** What a worker's notes say of its taking tasks. */
