/** Turns the messages of a task's Worker into the reports that its tab sends. The Worker runs job
 *  code: of its messages only those about its own attempts are accepted, and only in the required
 *  shape. */
import { ClusterError, type ErrorCode, isErrorCode } from "../../../../core/error.ts";
import type { AttemptReport } from "../../../../core/event.ts";
import type { Failure, TaskOutput } from "../../../../core/job.ts";
import { utf8Bytes } from "../../../../core/sharing/names.ts";
import type { FromTaskWorker, TaskFiles } from "../../contract.ts";
import { placed } from "./places.ts";

type Attempts = ReadonlyArray<readonly [task: number, attempt: number]>;
type Fields = { readonly [name: string]: unknown };
export type DoneReport = Extract<AttemptReport, { kind: "done" }>;

const valueMax = 1024 * 1024;
const textMax = 8_192;
const fileNames = ["run", "manifest", "part", "bad"] as const;

export class HeardReports {
  /** Those that were not sent yet. */
  readonly reports: AttemptReport[] = [];
  /** All that came, sent or not. */
  count = 0;
  files: TaskFiles = {};
  /** Of the job's code as a whole. */
  loadFailure: Failure | null = null;
  readonly #left: Map<number, number>;
  /** The job's bundle, for the places in its stacks. */
  readonly #code: string;

  constructor(attempts: Attempts, code: string) {
    this.#left = new Map(attempts);
    this.#code = code;
  }

  get left(): Attempts {
    return [...this.#left];
  }

  hear(message: FromTaskWorker): void {
    switch (message?.kind) {
      case "reports":
        if (Array.isArray(message.reports)) for (const one of message.reports) this.#one(one);
        break;
      case "results":
        this.#columns(message);
        break;
      case "load-failed":
        this.loadFailure = placed(failureOf(message.failure), this.#code);
        break;
      case "files":
        this.files = filesOf(message.files);
        break;
    }
  }

  #one(report: unknown): void {
    const { kind, task, attempt, ...rest } = (report ?? {}) as Fields;
    if (!this.#isOurs(task, attempt)) return;
    const of = {
      task: task as number,
      attempt: attempt as number,
      durationMs: count(rest.durationMs),
    };
    if (kind === "failed") {
      this.reports.push({ kind, ...of, failure: placed(failureOf(rest.failure), this.#code) });
    } else if (kind === "done") {
      const inputBytes = count(rest.inputBytes);
      const counters = countersOf(rest.counters);
      const more = {
        ...(Object.keys(counters).length > 0 ? { counters } : {}),
        ...(inputBytes > 0 ? { inputBytes } : {}),
      };
      this.reports.push({ kind, ...of, output: outputOf(rest), ...more });
    } else return;
    this.count++;
    this.#left.delete(of.task);
  }

  #columns({
    tasks,
    attempts,
    durationsMs,
    values,
  }: Extract<FromTaskWorker, { kind: "results" }>): void {
    if (![tasks, attempts, durationsMs, values].every(Array.isArray)) return;
    for (let i = 0; i < tasks.length; i++) {
      const of = { task: tasks[i], attempt: attempts[i], durationMs: durationsMs[i] };
      const value = String(values[i]);
      this.#one({ kind: "done", ...of, value, records: 1, sizeBytes: utf8Bytes(value) });
    }
  }

  #isOurs(task: unknown, attempt: unknown): boolean {
    return typeof task === "number" && this.#left.get(task) === attempt;
  }
}

function outputOf({ root, sizeBytes, records, value }: Fields): TaskOutput {
  const output = { root: hashOf(root), sizeBytes: count(sizeBytes), records: count(records) };
  return typeof value === "string" ? { ...output, value: value.slice(0, valueMax) } : output;
}

function hashOf(value: unknown): string {
  return typeof value === "string" && /^[0-9a-f]{64}$/.test(value) ? value : "";
}

function count(value: unknown): number {
  return typeof value === "number" && value >= 0 && value <= Number.MAX_SAFE_INTEGER ? value : 0;
}

function countersOf(value: unknown): Record<string, number> {
  if (typeof value !== "object" || value === null) return {};
  const entries = Object.entries(value).filter(([, by]) => Number.isFinite(by));
  return Object.fromEntries(entries.slice(0, 1_000));
}

export function failureOf(value: unknown): Failure {
  const { code, isFinal, message, stack } = (value ?? {}) as Fields;
  const known: ErrorCode = isErrorCode(code) ? code : "user-error";
  const traced = typeof stack === "string" ? { stack: cut(stack) } : {};
  const final = isFinal === true ? { isFinal: true as const } : {};
  const told = cut(String(message ?? "it failed without a reason"));
  return { code: known, message: told, ...traced, ...final };
}

/** What is cut may be half of a pair, which no message may hold. */
function cut(text: string): string {
  return text.slice(0, textMax).toWellFormed();
}

function filesOf(value: unknown): TaskFiles {
  const files: { -readonly [name in keyof TaskFiles]: TaskFiles[name] } = {};
  for (const name of fileNames) {
    const parts = (value as Fields | null)?.[name];
    const isFile = Array.isArray(parts) && parts.every((part) => part instanceof Uint8Array);
    if (isFile) files[name] = parts;
  }
  return files;
}

/** Of what went wrong around a task, and not in its code. */
export function failureOfTab(error: unknown): Failure {
  if (error instanceof ClusterError) return { code: error.code, message: error.text };
  return { code: "task-crashed", message: `the tab: ${String(error)}` };
}

/** The attempt is to be given to others. */
export function returned([task, attempt]: readonly [number, number]): AttemptReport {
  return { kind: "returned", task, attempt, durationMs: 0 };
}
