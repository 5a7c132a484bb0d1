/** The judge of Python jobs: runs a planned job in one Python child, one task after the other, by
 *  code of its own that knows nothing of task processes. */
import { createReadStream } from "node:fs";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClusterError, type ErrorCode } from "../../core/error.ts";
import type { JobEnvironment, OutputFormat } from "../../core/job.ts";
import type { InputFile } from "../../wire/block/plan.ts";
import type { JobResult, ResultPart } from "../collect.ts";
import { wholeFile } from "../local/records.ts";
import type { PlannedFound } from "../plan/of-found.ts";
import { askPython } from "./interpreter.ts";

export type Judged = {
  readonly result: JobResult;
  readonly counters: Readonly<Record<string, number>>;
};

type JudgedJob = {
  readonly kind: "map-reduce" | "tasks";
  /** The zip that workers get. */
  readonly code: Uint8Array;
  /** Of the job file. */
  readonly name: string;
};

type Answer = {
  readonly parts: readonly string[];
  readonly badRecords: string | null;
  readonly counters: Readonly<Record<string, number>>;
  readonly format: OutputFormat;
  readonly error?: { readonly code: ErrorCode; readonly text: string; readonly stack?: string };
};

type JudgeOptions = {
  readonly onLog?: (line: string) => void;
  readonly around: JobEnvironment;
};

/** A day: a job under the judge has no limit, and a child that hangs should not stay for ever. */
const judgeMaxMs = 24 * 3_600_000;

/** Throws `user-error` where the cluster's job would fail; `cause.stack` is Python's traceback. */
export async function judgePython(
  job: JudgedJob,
  planned: PlannedFound,
  options: JudgeOptions,
): Promise<Judged> {
  const folder = await mkdtemp(join(tmpdir(), "tequio-judge-"));
  try {
    const answer = await run(folder, job, planned, options);
    if (answer.error !== undefined) throw failureOf(answer.error);
    const parts = await Promise.all(answer.parts.map(heldPart));
    const bad = answer.badRecords === null ? [] : [await heldPart(answer.badRecords)];
    const { counters, format } = answer;
    const kind = job.kind === "tasks" ? "results" : "parts";
    return { result: { kind, format, parts, badRecords: bad } as JobResult, counters };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function run(
  folder: string,
  { code, kind, name }: JudgedJob,
  { plan, uploads }: PlannedFound,
  { around, onLog }: JudgeOptions,
): Promise<Answer> {
  const codePath = join(folder, "code.zip");
  const out = join(folder, "answer.json");
  await writeFile(codePath, code);
  const files: string[] = [];
  for (const [index, file] of plan.files.entries()) {
    files.push(await pathOf(file, join(folder, `input-${index}`), uploads));
  }
  const items = uploads[0]?.at;
  const itemsPath = items?.kind === "path" ? items.path : join(folder, "items.ndjson");
  if (kind === "tasks" && items?.kind === "bytes") await writeFile(itemsPath, items.bytes);
  const request = { code: codePath, name, plan, files, items: itemsPath, folder, around };
  const requestPath = join(folder, "request.json");
  await writeFile(requestPath, JSON.stringify(request));
  const onLine = (line: string) => onLog?.(line);
  const args = [requestPath, out];
  await askPython({ script: "_judge/main.py", args, limitMs: judgeMaxMs, onLine });
  return JSON.parse(await readFile(out, "utf8")) as Answer;
}

/** Where the file lies, decompressed. */
async function pathOf(
  file: InputFile,
  copy: string,
  uploads: PlannedFound["uploads"],
): Promise<string> {
  const isPlain = file.at.kind === "path" && file.compression === "none";
  if (isPlain) {
    const { path, mtimeMs } = file.at as Extract<InputFile["at"], { kind: "path" }>;
    const now = await stat(path);
    if (now.size === file.sizeBytes && now.mtimeMs === mtimeMs) return path;
    throw new ClusterError("data-lost", `${file.name} has changed since the job was planned`);
  }
  await writeFile(copy, wholeFile(file, uploads));
  return copy;
}

/** In memory: the folder goes with the answer. */
async function heldPart(path: string): Promise<ResultPart> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    sizeBytes += chunk.length;
  }
  return {
    sizeBytes,
    async *read() {
      yield* chunks;
    },
  };
}

function failureOf({ code, stack, text }: NonNullable<Answer["error"]>): ClusterError {
  const cause = new Error(text);
  if (stack !== undefined) cause.stack = stack;
  return new ClusterError(code, text, { cause });
}
