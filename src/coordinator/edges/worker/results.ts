/** The results of many tasks in one message. Apart from reports of single tasks: in columns the
 *  whole list is read at once, without an id or a schema for each. */
import { ClusterError } from "../../../core/error.ts";
import type { AttemptReport } from "../../../core/event.ts";
import { idNumber, type JobId, type WorkerId } from "../../../core/ids.ts";
import { utf8Bytes } from "../../../core/sharing/names.ts";
import { hexOf } from "../../../wire/hex.ts";
import { tasksPerMessageMax } from "../../../wire/manager/limits.ts";
import type { TaskResults } from "../../../wire/manager/messages.ts";
import type { NewEvent } from "../../loop/journal.ts";
import { indexMax, parseJson, safeMax, valueCharsMax } from "./claims.ts";

type ReportEvent = Extract<NewEvent, { kind: "attempts-reported" }>;
type Claimed = { readonly [K in keyof TaskResults]?: unknown };

/** None when they are of another cluster. Throws `protocol-violated` when the message is
 *  malformed. */
export function resultEvents(worker: WorkerId, bytes: Uint8Array, tag: Uint8Array): ReportEvent[] {
  const claimed = parseJson(bytes, "a list of results") as Claimed | null;
  const { job, stage, tag: ofCluster, tasks, attempts, durationsMs, values } = claimed ?? {};
  if (typeof job !== "string" || job[0] !== "j" || Number.isNaN(idNumber(job))) refuse("job");
  if (!isWhole(stage, 0)) return refuse("stage");
  const count = Array.isArray(tasks) ? tasks.length : 0;
  if (count === 0 || count > tasksPerMessageMax) refuse("tasks");
  if (ofCluster !== hexOf(tag)) return [];
  const reports = reportsOf({
    tasks: column(tasks, "tasks", count, (task) => isWhole(task, 0)),
    attempts: column(attempts, "attempts", count, (attempt) => isWhole(attempt, 1)),
    durationsMs: column(durationsMs, "durationsMs", count, isDuration),
    values: column(values, "values", count, isValue),
  });
  return [{ kind: "attempts-reported", worker, job: job as JobId, stage, reports }];
}

type Columns = Pick<TaskResults, "tasks" | "attempts" | "durationsMs" | "values">;

function reportsOf({ tasks, attempts, durationsMs, values }: Columns): AttemptReport[] {
  return tasks.map((task, at) => {
    const value = values[at]!;
    return {
      task,
      attempt: attempts[at]!,
      durationMs: durationsMs[at]!,
      kind: "done",
      output: { root: "", sizeBytes: utf8Bytes(value), records: 1, value },
    };
  });
}

function column<T>(
  claimed: unknown,
  name: string,
  count: number,
  fits: (value: unknown) => value is T,
): readonly T[] {
  if (Array.isArray(claimed) && claimed.length === count && claimed.every(fits)) return claimed;
  return refuse(name);
}

function isWhole(value: unknown, min: number): value is number {
  return Number.isInteger(value) && (value as number) >= min && (value as number) <= indexMax;
}

function isDuration(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value <= safeMax;
}

/** One line, since results are output as lines. */
function isValue(value: unknown): value is string {
  if (typeof value !== "string" || value.length > valueCharsMax) return false;
  return !value.includes("\n") && !value.includes("\r");
}

function refuse(what: string): never {
  throw new ClusterError("protocol-violated", `a list of results: ${what} cannot be used`);
}
