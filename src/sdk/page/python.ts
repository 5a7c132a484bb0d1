/** A job in Python in the Worker of the Try page: loaded by an interpreter there, planned as every
 *  other job, and judged by the judge of Python jobs. */
import { ClusterError, type ErrorCode } from "../../core/error.ts";
import type { Failure, JobEnvironment, OutputFormat } from "../../core/job.ts";
import { shown } from "../../core/thrown.ts";
import type { PythonFiles } from "../../wire/browser/python-index.ts";
import type { Job } from "../job.ts";
import type { JobResult, ResultPart } from "../job-result.ts";
import type { PlannedFound } from "../plan/of-found.ts";
import {
  type Described,
  type DescribedOperator,
  jobOf,
  type Problem,
} from "../python/described.ts";

/** Starts Python in this Worker. */
export type StartPython = (files: PythonFiles) => Promise<Interpreter>;

type Interpreter = {
  readonly FS: {
    mkdirTree(path: string): void;
    writeFile(path: string, data: string | Uint8Array): void;
    readFile(path: string): Uint8Array;
  };
  pyimport(name: string): unknown;
};

/** `python/tequio/_page/trial.py`; answers are JSON. */
type Trial = {
  start(onLine: (line: string) => void): void;
  describe(source: string): string;
  items(params: string): string;
  judge(request: string): string;
};

export type LoadedPython = {
  readonly job: Job;
  /** Zip of the job file. */
  readonly code: Uint8Array;
};

type Answer = {
  readonly parts: readonly string[];
  readonly counters: Readonly<Record<string, number>>;
  readonly format: OutputFormat;
  readonly error?: { readonly code: ErrorCode; readonly text: string; readonly stack?: string };
};

const folder = "/job";
const codePath = `${folder}/code.zip`;
const itemsPath = `${folder}/items.ndjson`;

/** Throws `build-failed` with the place for what is no job. */
export async function loadPython(
  python: Interpreter,
  source: string,
  onLog: (line: string) => void,
): Promise<LoadedPython> {
  python.FS.mkdirTree(folder);
  const trial = python.pyimport("tequio._page.trial") as Trial;
  trial.start(onLog);
  const described = parsed<Described | DescribedOperator>(trial.describe(source));
  if (described.kind === "operator") return { job: described, code: new Uint8Array() };
  const job = jobOf(described, {
    items: async (params) => {
      parsed(trial.items(JSON.stringify(params)));
      return python.FS.readFile(itemsPath);
    },
    judge: async (planned, given) => judged({ python, trial }, planned, given),
  });
  return { job, code: python.FS.readFile(codePath) };
}

function parsed<T>(text: string): T {
  const answer = JSON.parse(text) as T & { error?: Problem };
  if (answer.error === undefined) return answer;
  const { code, line, text: told } = answer.error;
  throw new ClusterError(code, line === undefined ? told : `${told} (job.py:${line})`);
}

type Here = { readonly python: Interpreter; readonly trial: Trial };

function judged(
  { python: { FS }, trial }: Here,
  { plan, uploads }: PlannedFound,
  { around }: { readonly around: JobEnvironment },
): { readonly result: JobResult; readonly counters: Answer["counters"] } {
  const bytesOf = (hash: string): Uint8Array => {
    const at = uploads.find((upload) => upload.hash === hash)?.at;
    return at?.kind === "bytes" ? at.bytes : new Uint8Array();
  };
  const files = plan.files.map(({ at }, index) => {
    const path = `${folder}/input-${index}`;
    FS.writeFile(path, at.kind === "blob" ? bytesOf(at.hash) : "");
    return path;
  });
  if (plan.items !== null) FS.writeFile(itemsPath, bytesOf(plan.items.hash));
  const request = { code: codePath, name: "job.py", plan, files, items: itemsPath, folder, around };
  const { counters, error, format, parts } = JSON.parse(
    trial.judge(JSON.stringify(request)),
  ) as Answer;
  if (error !== undefined) {
    const cause = new Error(error.text);
    if (error.stack !== undefined) cause.stack = error.stack;
    throw new ClusterError(error.code, error.text, { cause });
  }
  const kind = plan.items === null ? "parts" : "results";
  const held = parts.map((path) => partOf(FS.readFile(path)));
  return { result: { kind, format, parts: held, badRecords: [] }, counters };
}

/** With the traceback that Python made. */
export function pythonFailure(error: unknown): Failure {
  if (!(error instanceof ClusterError)) return { code: "user-error", message: shown(error) };
  const { cause, code, text: message } = error;
  const stack = cause instanceof Error && cause.message === message ? cause.stack : undefined;
  return stack === undefined ? { code, message } : { code, message, stack };
}

function partOf(bytes: Uint8Array): ResultPart {
  return {
    sizeBytes: bytes.length,
    async *read() {
      yield bytes;
    },
  };
}
