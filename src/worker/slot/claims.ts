/** What a task process says, checked: job code runs in it and may say anything over the same
 *  channel.
 *
 *  Whatever passes here can be reported: the coordinator refuses nothing of it. */
import { z } from "zod";
import { ClusterError, errorCodes } from "../../core/error.ts";
import type { FromTask, TaskReport } from "../task-messages.ts";

/** Result of one `tasks` task, characters. */
export const valueCharsMax = 1024 * 1024;
const countersMax = 1_000;

const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const index = z.number().int().min(0).max(0xffff_ffff);
const attempt = { task: index, attempt: index.min(1) };
const text = (maxChars: number) => z.string().transform((all) => all.slice(0, maxChars));

const failure = z.object({
  code: z.enum(errorCodes),
  message: text(4_096),
  stack: text(8_192).optional(),
});

const counters = z
  .record(z.string().max(200), z.number())
  .refine((all) => Object.keys(all).length <= countersMax);

const durationMs = z.number().min(0).max(Number.MAX_SAFE_INTEGER);
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
  z.object({ kind: z.literal("load-failed"), failure }),
  z.object({ kind: z.literal("reports"), reports: z.array(z.unknown()).max(10_000) }),
  z.object({ ...attempt, kind: z.literal("log"), lines: z.array(text(4_096)).max(10_000) }),
  z.object({ ...attempt, kind: z.literal("progress"), inputBytes: count }),
]);

/** Null when it is none of our messages. */
export function readFromTask(value: unknown): FromTask | null {
  const read = message.safeParse(value);
  if (!read.success) return null;
  if (read.data.kind !== "reports") return read.data as FromTask;
  const reports = read.data.reports.map(readReport).filter((report) => report !== null);
  return { kind: "reports", reports };
}

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
