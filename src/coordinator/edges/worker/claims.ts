/** Validates the JSON that workers send inside manager messages before any of it becomes an event:
 *  an event that the core cannot handle would come back at every restart. */
import { z } from "zod";
import { ClusterError, errorCodes } from "../../../core/error.ts";
import type { AttemptReport, PythonSpecs, WorkerSpecs } from "../../../core/event.ts";
import type { JobId } from "../../../core/ids.ts";
import { type CounterMap, pythonEngines, type TaskOutput } from "../../../core/job.ts";
import type {
  ManagerMessage,
  NodeDescription,
  WorkerNotes,
} from "../../../wire/manager/messages.ts";
import { parseExchange } from "../../../wire/p4/shuffle.ts";

/** Largest result of a `tasks` task that is sent inside its report, characters. */
export const valueCharsMax = 1024 * 1024;

export const safeMax = Number.MAX_SAFE_INTEGER;
/** Of an index of a task, a stage or an attempt. */
export const indexMax = 0xffff_ffff;
const counterNameMax = 200;

const count = z.number().int().min(0).max(safeMax);
const index = z.number().int().min(0).max(indexMax);
const hashPattern = /^([0-9a-f]{64})?$/;
const hash = z.string().regex(hashPattern);
const job = z.custom<JobId>((id) => typeof id === "string" && /^j-[1-9][0-9]{0,14}$/.test(id));

const output = z.object({
  root: hash,
  sizeBytes: count,
  records: count,
  // One line, since results are output as lines.
  value: z
    .string()
    .max(valueCharsMax)
    .regex(/^[^\n\r]*$/)
    .optional(),
  badRecords: hash.optional(),
  isStored: z.literal(true).optional(),
});

const failure = z.object({
  code: z.enum(errorCodes),
  message: z.string().transform((text) => text.slice(0, 4_096)),
  stack: z
    .string()
    .transform((text) => text.slice(0, 8_192))
    .optional(),
  isFinal: z.literal(true).optional(),
  isDisk: z.literal(true).optional(),
});

const attempt = {
  task: index,
  attempt: index.min(1),
  durationMs: z.number().min(0).max(safeMax),
};

const counters = z
  .record(z.string().max(counterNameMax), z.number())
  .refine((all) => Object.keys(all).length <= 1_000, "more than 1,000 counters");

const report = z.discriminatedUnion("kind", [
  z.object({
    ...attempt,
    kind: z.literal("done"),
    output,
    counters: counters.optional(),
    inputBytes: count.optional(),
  }),
  z.object({
    ...attempt,
    kind: z.literal("failed"),
    failure,
    lostTasks: z.array(index).max(100_000).optional(),
  }),
  z.object({ ...attempt, kind: z.literal("returned") }),
]);

const serving = z
  .array(z.object({ job, stage: index, tasks: z.array(index).max(1_000_000) }))
  .max(100_000);

const note = { job, stage: index, task: index, attempt: index };
const notes = z.object({
  paused: z
    .string()
    .transform((text) => text.slice(0, 500))
    .optional(),
  leaving: z.literal(true).optional(),
  cpuShare: z.number().min(0).max(1).optional(),
  logs: z.array(z.object({ ...note, line: z.string() })).max(10_000),
  progress: z.array(z.object({ ...note, inputBytes: count })).max(10_000),
});

const decoder = new TextDecoder("utf-8", { fatal: true });

/** Throws `protocol-violated`. */
export function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch {
    throw new ClusterError("protocol-violated", `${what} is not JSON`);
  }
}

function parse<T>(schema: z.ZodType<T>, bytes: Uint8Array, what: string): T {
  return checked(schema, parseJson(bytes, what), what);
}

function checked<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const where = issue?.path.join(".") || "it";
  throw new ClusterError("protocol-violated", `${what}: ${where}: ${issue?.message}`);
}

const reportSchema = report as unknown as z.ZodType<AttemptReport>;

export function parseReport(bytes: Uint8Array): AttemptReport {
  return parse(reportSchema, bytes, "a report");
}

/** Parsed together, each once; reports of successful attempts are checked by hand, since a large
 *  job has millions of them. Throws `protocol-violated`. */
export function parseReports(all: readonly Uint8Array[]): AttemptReport[] {
  const values = all.length === 0 ? [] : parseTogether(all);
  // One by one, for the first that is wrong.
  return values === null ? all.map(parseReport) : checkReports(values);
}

/** The same for reports whose JSON has been read. `schemaInput`: what the schema gets of one. */
export function checkReports(
  values: readonly unknown[],
  schemaInput: (value: unknown) => unknown = (value) => value,
): AttemptReport[] {
  return values.map((value) => {
    return plainReport(value) ?? checked(reportSchema, schemaInput(value), "a report");
  });
}

/** As one JSON array; null when they do not form one. */
function parseTogether(all: readonly Uint8Array[]): readonly unknown[] | null {
  const sizeBytes = all.reduce((sum, { length }) => sum + length + 1, 1);
  const joined = new Uint8Array(sizeBytes);
  let at = 0;
  for (const bytes of all) {
    joined[at] = at === 0 ? 0x5b : 0x2c;
    joined.set(bytes, at + 1);
    at += bytes.length + 1;
  }
  joined[at] = 0x5d;
  try {
    const values = JSON.parse(decoder.decode(joined)) as readonly unknown[];
    return values.length === all.length ? values : null;
  } catch {
    return null;
  }
}

type Unknown<T> = { readonly [K in keyof T]?: unknown };
type Writable<T> = { -readonly [K in keyof T]: T[K] };
type Done = Extract<AttemptReport, { kind: "done" }>;

/** The report of a successful attempt, as the schema would return it; null when only the schema can
 *  decide, or explain the error. */
function plainReport(value: unknown): AttemptReport | null {
  if (typeof value !== "object" || value === null) return null;
  const { attempt, counters, durationMs, inputBytes, kind, output, task } = value as Unknown<Done>;
  if (kind !== "done") return null;
  if (!isWhole(task, indexMax) || !isWhole(attempt, indexMax) || attempt < 1) return null;
  if (typeof durationMs !== "number" || !(durationMs >= 0 && durationMs <= safeMax)) return null;
  const made = plainOutput(output);
  if (made === null) return null;
  const done: Writable<Done> = { task, attempt, durationMs, kind, output: made };
  if (counters !== undefined) {
    if (!arePlainCounters(counters)) return null;
    done.counters = counters;
  }
  if (inputBytes !== undefined) {
    if (!isWhole(inputBytes, safeMax)) return null;
    done.inputBytes = inputBytes;
  }
  return done;
}

function plainOutput(value: unknown): TaskOutput | null {
  if (typeof value !== "object" || value === null) return null;
  // Less often there: the schema reads them.
  if ("badRecords" in value || "isStored" in value) return null;
  const { root, sizeBytes, records, value: text } = value as Unknown<TaskOutput>;
  if (typeof root !== "string" || !hashPattern.test(root)) return null;
  if (!isWhole(sizeBytes, safeMax) || !isWhole(records, safeMax)) return null;
  if (text === undefined) return { root, sizeBytes, records };
  if (typeof text !== "string" || text.length > valueCharsMax) return null;
  return text.includes("\n") || text.includes("\r")
    ? null
    : { root, sizeBytes, records, value: text };
}

/** A few counters with simple names. */
function arePlainCounters(value: unknown): value is CounterMap {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const all = Object.entries(value);
  return (
    all.length <= 100 &&
    all.every(
      ([name, by]) => name.length <= counterNameMax && name !== "__proto__" && Number.isFinite(by),
    )
  );
}

function isWhole(value: unknown, max: number): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= max;
}

export type Serving = ReadonlyArray<{ job: JobId; stage: number; tasks: readonly number[] }>;

export function parseServing(bytes: Uint8Array): Serving {
  return bytes.length === 0 ? [] : parse(serving, bytes, "what a worker serves");
}

export function parseNotes(bytes: Uint8Array): WorkerNotes {
  return parse(notes, bytes, "notes");
}

/** Specs as the worker reports them: in `node`, or, from an existing worker, in the fields of the
 *  base protocol. */
export function claimedSpecs(
  request: Extract<ManagerMessage, { kind: "managerRequest" }>,
  remote: string,
): WorkerSpecs {
  const { node } = request;
  const kinds = [...new Set(request.programKinds)].slice(0, 256);
  const memoryBytes = clamped(request.memoryKb * 1024, 0, Number.MAX_SAFE_INTEGER);
  if (node === null) {
    return {
      name: remote,
      host: remote,
      slots: clamped(request.cpuCount, 1, 1_024),
      memoryBytes,
      kinds,
      exchangeUrl: "",
      isBase: true,
      version: "",
    };
  }
  return {
    name: node.name.slice(0, 200),
    host: node.host.slice(0, 200),
    slots: clamped(node.slots, 1, 1_024),
    memoryBytes,
    kinds,
    exchangeUrl: exchangeUrl(node),
    version: node.version.slice(0, 200),
    ...pythonSpecs(node),
  };
}

const pythonMaxBytes = 256 * 1024;
const version = z.string().max(100);

/** What a worker of either kind says of its Python. */
export const python: z.ZodType<PythonSpecs> = z.object({
  engine: z.enum(pythonEngines).exactOptional(),
  version,
  packages: z
    .record(z.string().max(200), version)
    .refine((all) => Object.keys(all).length <= 2_000),
});

/** Nothing where it is absent or cannot be used: such a worker is not given what needs packages. */
function pythonSpecs({ python: bytes }: NodeDescription): Pick<WorkerSpecs, "python"> {
  if (bytes.length === 0 || bytes.length > pythonMaxBytes) return {};
  return { python: parse(python, bytes, "the Python of a worker") };
}

/** Other workers will fetch from it, so it must at least be an address of the right shape. */
function exchangeUrl({ exchangeUrl: url, version }: NodeDescription): string {
  if (url === "" || parseExchange(url) !== null) return url;
  if (/^https?:/.test(url)) {
    const text = `a worker of version ${version.slice(0, 40)} exchanges by HTTP; update it`;
    throw new ClusterError("version-mismatch", text);
  }
  throw new ClusterError("bad-request", "exchangeUrl of the worker is not a grpc or grpcs address");
}

function clamped(value: number, min: number, max: number): number {
  if (!Number.isFinite(value)) return min;
  return Math.min(max, Math.max(min, Math.floor(value)));
}
