/** What a worker knows of an attempt, in the words of TaskStatus. */
import type { ErrorCode } from "../../core/error.ts";
import type { AttemptReport } from "../../core/event.ts";
import type { Held } from "../../core/worker/state.ts";
import type { TaskErrorKind, TaskIdBytes, TaskStatus } from "../../wire/manager/messages.ts";

const nothing = new Uint8Array(0);
const encoder = new TextEncoder();

/** `extended`: the manager reads our report, so the result is not sent twice. */
export function reportStatus(
  taskId: TaskIdBytes,
  report: AttemptReport,
  extended: boolean,
): TaskStatus {
  const bytes = extended ? encoder.encode(JSON.stringify(report)) : nothing;
  return { taskId, data: reportData(report, extended), report: bytes };
}

function reportData(report: AttemptReport, extended: boolean): TaskStatus["data"] {
  if (report.kind === "failed") return { kind: "error", error: errorKind(report.failure.code) };
  if (report.kind === "returned") return { kind: "error", error: "aborted" };
  const value = report.output.value;
  const result = extended || value === undefined ? nothing : encoder.encode(value);
  return { kind: "completed", result };
}

/** Answer to TasksPing. `startedUnixS` counts only for a running attempt. */
export function stateStatus(
  taskId: TaskIdBytes,
  held: Readonly<Held> | null,
  startedUnixS: number,
): TaskStatus {
  if (held === null || held.state === "dropped") {
    return { taskId, data: { kind: "unknown" }, report: nothing };
  }
  if (held.report !== null) {
    return { taskId, data: reportData(held.report, true), report: nothing };
  }
  const data: TaskStatus["data"] =
    held.state === "running" ? { kind: "started", unixS: startedUnixS } : { kind: "pending" };
  return { taskId, data, report: nothing };
}

/** A task that cannot be run here. aborted: it is of a kind that this worker does not offer ·
 *  download: it names no address. */
export function refusedStatus(taskId: TaskIdBytes, error: "aborted" | "download"): TaskStatus {
  return { taskId, data: { kind: "error", error }, report: nothing };
}

/** By whose fault it failed: a worker that cannot run it now gives it back. */
const errorKinds: Readonly<Partial<Record<ErrorCode, TaskErrorKind>>> = {
  "timed-out": "timed-out",
  "download-failed": "download",
  "storage-failed": "aborted",
  "storage-full": "aborted",
  unavailable: "aborted",
};

export function errorKind(code: ErrorCode): TaskErrorKind {
  return errorKinds[code] ?? "runtime";
}
