/** What a task process says, checked: job code runs in it and may say anything over the same
 *  channel.
 *
 *  Whatever passes here can be reported: the coordinator refuses nothing of it. */
import { z } from "zod";
import { ClusterError, errorCodes } from "../../core/error.ts";
import { resultMaxBytes } from "../../wire/block/result.ts";
import type { FromTask, ResultColumns, TaskReport } from "../process/messages.ts";

/** Result of one `tasks` task, characters: at most as many as bytes. */
export const valueCharsMax = resultMaxBytes;
const countersMax = 1_000;
const reportsMax = 10_000;
const safeMax = Number.MAX_SAFE_INTEGER;

const count = z.number().int().min(0).max(safeMax);
const index = z.number().int().min(0).max(0xffff_ffff);
const attempt = { task: index, attempt: index.min(1) };
const text = (maxChars: number) => z.string().transform((all) => all.slice(0, maxChars));

const failure = z.object({
  code: z.enum(errorCodes),
  message: text(4_096),
  stack: text(8_192).optional(),
  // Of its own attempt: it is not tried again.
  isFinal: z.literal(true).optional(),
});

const counters = z
  .record(z.string().max(200), z.number())
  .refine((all) => Object.keys(all).length <= countersMax);

const durationMs = z.number().min(0).max(safeMax);
const done = z.object({
  ...attempt,
  durationMs,
  kind: z.literal("done"),
  records: count,
  sizeBytes: count,
  root: z.string().regex(/^([0-9a-f]{64})?$/),
  value: z
    .string()
    .regex(/^[^\n\r]*$/)
    .optional(),
  badRecordsPath: z.string().optional(),
  inputBytes: count,
  counters,
});
const failed = z.object({ ...attempt, durationMs, kind: z.literal("failed"), failure });

const message = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("ready") }),
  z.object({ kind: z.literal("loaded") }),
  z.object({ kind: z.literal("clock-read") }),
  z.object({ kind: z.literal("load-failed"), failure }),
  z.object({ kind: z.literal("reports"), reports: z.array(z.unknown()).max(reportsMax) }),
  z.object({ ...attempt, kind: z.literal("log"), lines: z.array(text(4_096)).max(10_000) }),
  z.object({ ...attempt, kind: z.literal("progress"), inputBytes: count }),
]);

/** Null when it is none of our messages. `results` come out as `reports`. */
export function readFromTask(value: unknown): FromTask | null {
  if (isResults(value)) return { kind: "reports", reports: resultReports(value) };
  const read = message.safeParse(value);
  if (!read.success) return null;
  if (read.data.kind !== "reports") return read.data as FromTask;
  const reports = read.data.reports.map(readReport).filter((report) => report !== null);
  return { kind: "reports", reports };
}

/** By hand, since they are many: every column is as long as the first, and holds what it should. */
function isResults(value: unknown): value is ResultColumns {
  if (typeof value !== "object" || value === null) return false;
  const claims = value as { readonly [K in keyof ResultColumns | "kind"]?: unknown };
  if (claims.kind !== "results") return false;
  const { tasks, attempts, durationsMs, values } = claims;
  if (!Array.isArray(tasks) || tasks.length > reportsMax) return false;
  const count = tasks.length;
  return (
    isColumn(tasks, count, (task) => isIndex(task)) &&
    isColumn(attempts, count, (attempt) => isIndex(attempt) && attempt >= 1) &&
    isColumn(durationsMs, count, (ms) => typeof ms === "number" && ms >= 0 && ms <= safeMax) &&
    isColumn(values, count, (text) => typeof text === "string")
  );
}

function isColumn(
  column: unknown,
  count: number,
  fits: (value: unknown) => boolean,
): column is unknown[] {
  return Array.isArray(column) && column.length === count && column.every(fits);
}

function isIndex(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0xffff_ffff;
}

function resultReports({ tasks, attempts, durationsMs, values }: ResultColumns): TaskReport[] {
  return tasks.map((task, at) => {
    const attempt = attempts[at]!;
    const durationMs = durationsMs[at]!;
    const value = values[at]!;
    if (value.includes("\n") || value.includes("\r")) {
      const of = { task, attempt, durationMs };
      return failedReport(of, "the task's report cannot be used (a result of several lines)");
    }
    // Field by field: the spread of a second object costs more than all else.
    return withinLimits({
      kind: "done",
      task,
      attempt,
      durationMs,
      records: 1,
      sizeBytes: Buffer.byteLength(value),
      root: "",
      value,
      inputBytes: 0,
      counters: noCounters,
    });
  });
}

/** Of every result: an item that has counted something sends a report. */
const noCounters = {};

const claimed = z.object({ ...attempt, durationMs: durationMs.catch(0) });

/** A report that cannot be stored is a failure of the attempt it names. */
function readReport(value: unknown): TaskReport | null {
  const shape = typeof value === "object" && value !== null && "kind" in value ? value.kind : "";
  const read = (shape === "failed" ? failed : done).safeParse(value);
  if (read.success) return withinLimits(read.data as TaskReport);
  const known = claimed.safeParse(value);
  if (!known.success) return null;
  const issue = read.error.issues[0];
  const what = `${issue?.path.join(".")}: ${issue?.message}`;
  return failedReport(known.data, `the task's report cannot be used (${what})`);
}

function withinLimits(report: TaskReport): TaskReport {
  if (report.kind === "failed" || (report.value?.length ?? 0) <= valueCharsMax) return report;
  return failedReport(
    report,
    `its result has ${report.value?.length} characters; the limit is ${valueCharsMax}`,
  );
}

function failedReport(of: Pick<TaskReport, "task" | "attempt" | "durationMs">, why: string) {
  const { code, text: message } = new ClusterError("user-error", why);
  const { task, attempt: number, durationMs: took } = of;
  const report: TaskReport = {
    kind: "failed",
    task,
    attempt: number,
    durationMs: took,
    failure: { code, message },
  };
  return report;
}
