/** Validates what tabs send in `more` before any of it becomes an event. */
import { z } from "zod";
import { ClusterError, errorCodes } from "../../../core/error.ts";
import type { AttemptReport } from "../../../core/event.ts";
import { withoutBigints } from "../../../wire/browser/json.ts";
import { browserLimits, type More } from "../../../wire/browser/messages.ts";
import type { ConnectMore, ErrorMore, NoteMore } from "../../../wire/browser/more.ts";
import { checkReports, python } from "../worker/claims.ts";

const index = z.number().int().min(0).max(0xffff_ffff);
const tid = z
  .number()
  .int()
  .min(-(2 ** 31))
  .max(2 ** 31 - 1);

const slots = z.number().int().min(1).max(256);

const connect: z.ZodType<ConnectMore> = z.object({
  from: z.string().max(100).exactOptional(),
  version: z.string().max(100),
  session: z.string().regex(/^[0-9a-f]{32}$/),
  token: z.string().max(300),
  worker: z.string().max(20),
  credential: z.string().max(300),
  name: z.string().transform((text) => text.slice(0, 200)),
  slots,
  kinds: z.array(z.number().int().min(0).max(1_000)).max(16),
  python: python.exactOptional(),
  holding: z
    .array(z.union([tid, z.tuple([tid, z.enum(["m", "r"]), z.string().max(200_000)])]))
    .max(10_000),
});

const failed: z.ZodType<ErrorMore> = z.object({
  tid,
  failure: z.object({
    code: z.enum(errorCodes),
    message: z.string().transform((text) => text.slice(0, 4_096)),
    stack: z
      .string()
      .transform((text) => text.slice(0, 8_192))
      .exactOptional(),
    isFinal: z.literal(true).exactOptional(),
  }),
  lostTasks: z.array(index).max(100_000).exactOptional(),
});

const note: z.ZodType<NoteMore> = z.object({
  logs: z
    .array(z.tuple([tid, index, z.string().transform((text) => text.slice(0, 16_384))]))
    .max(browserLimits.notesMax),
  progress: z
    .array(z.tuple([tid, index, z.number().min(0).max(Number.MAX_SAFE_INTEGER)]))
    .max(browserLimits.notesMax),
  started: z.array(tid).max(1_024),
  paused: z
    .string()
    .transform((text) => text.slice(0, 200))
    .exactOptional(),
  slots: slots.exactOptional(),
  left: z.literal(true).exactOptional(),
});

function parse<T>(schema: z.ZodType<T>, more: More | null, what: string): T {
  // Objects of the wire have no prototype, which schemas accept.
  const result = schema.safeParse(more);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new ClusterError(
    "protocol-violated",
    `${what}: ${issue?.path.join(".") || "it"}: ${issue?.message}`,
  );
}

export function parseConnect(more: More): ConnectMore {
  return parse(connect, more, "connect of a tab");
}

export function parseError(more: More): ErrorMore {
  return parse(failed, more, "error of a tab");
}

export function parseNote(more: More): NoteMore {
  return parse(note, more, "note of a tab");
}

/** Largest body of reports, bytes: more than the report of the largest result. */
export const reportsMaxBytes = browserLimits.messageMaxBytes;

/** The reports in `finish`, possibly none. */
export function parseFinish(more: More): AttemptReport[] {
  return reportsOf((more as { reports?: unknown }).reports, "finish of a tab");
}

/** Reports that come before the finish. */
export function parseEarly(body: Uint8Array): AttemptReport[] {
  const what = "reports of a tab";
  try {
    return reportsOf(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body)), what);
  } catch (error) {
    if (error instanceof ClusterError) throw error;
    throw new ClusterError("protocol-violated", `${what}: they are not JSON`);
  }
}

function reportsOf(reports: unknown, what: string): AttemptReport[] {
  if (!Array.isArray(reports)) {
    throw new ClusterError("protocol-violated", `${what}: it has no list of reports`);
  }
  const { attemptsMax } = browserLimits;
  if (reports.length > attemptsMax) {
    const text = `${what}: ${reports.length} reports, at most ${attemptsMax} are allowed`;
    throw new ClusterError("protocol-violated", text);
  }
  return checkReports(reports, asWorkersSend);
}

/** Without bigints and with prototypes. Most reports are numbers and texts, and need none of it. */
function asWorkersSend(report: unknown): unknown {
  const text = JSON.stringify(report, withoutBigints) as string | undefined;
  return text === undefined ? undefined : JSON.parse(text);
}
