/** What a task process reports to its supervisor: reports in small batches, log lines within
 *  bounds, progress. */
import { format } from "node:util";
import { steadyMs } from "../../environment/steady.ts";
import type { FromTask, ResultColumns, TaskReport } from "./messages.ts";

/** A report waits at most this long for others, in ms, while this process gets to run. */
export const flushMs = 2;
/** Reports that wait together, in characters: far below what the channel takes at once. */
const pendingMaxCharacters = 256 * 1024;
/** What a report has besides its texts, at most, and one counter besides its name. */
const reportCharacters = 300;
const counterCharacters = 32;
/** Results that wait together; the supervisor takes no more of them in one message. */
const pendingMax = 5_000;
const progressEveryMs = 500;
/** In each `logPeriodMs` so many lines are sent at once, each in a message of its own; those beyond
 *  it go together. */
const logBurstLines = 20;
const logPeriodMs = 100;
const logLinesMax = 1000;
const logLineMaxBytes = 4096;
const logBatchLines = 50;
/** Stray errors that came too late, in the life of a process: an interval may throw without end. */
const lateMax = 100;

type Attempt = { readonly task: number; readonly attempt: number };
type Writable<T> = { -readonly [K in keyof T]: T[K] extends ReadonlyArray<infer E> ? E[] : T[K] };

export class Reporter {
  readonly #send: (message: FromTask) => boolean;
  #pending: TaskReport[] = [];
  #results = noResults();
  #pendingCharacters = 0;
  #flushedAtMs = 0;
  #attempt: Attempt = { task: 0, attempt: 0 };
  #lines: string[] = [];
  #linesSeen = 0;
  /** Of the period that `#logPeriodFromMs` begins. */
  #logPeriodLines = 0;
  #logPeriodFromMs = Number.NEGATIVE_INFINITY;
  #logTimer: ReturnType<typeof setTimeout> | null = null;
  #progressAtMs = 0;
  #lateSeen = 0;

  /** `send` answers false when messages pile up. */
  constructor(send: (message: FromTask) => boolean) {
    this.#send = send;
  }

  get pending(): number {
    return this.#pending.length + this.#results.tasks.length;
  }

  startAttempt(attempt: Attempt, nowMs: number): void {
    this.#attempt = attempt;
    this.#linesSeen = 0;
    this.#progressAtMs = nowMs;
  }

  /** True when `flush` is due. Until then it is not sent: its attempt may still turn out to have
   *  failed. */
  report(report: TaskReport, nowMs: number): boolean {
    this.#endLog();
    this.#pending.push(report);
    this.#pendingCharacters += sizeOf(report);
    return this.#isDue(nowMs);
  }

  /** The same for an item that is done and counted nothing. */
  result(attempt: Attempt, value: string, startedAtMs: number, nowMs: number): boolean {
    this.#endLog();
    const { tasks, attempts, durationsMs, values } = this.#results;
    tasks.push(attempt.task);
    attempts.push(attempt.attempt);
    durationsMs.push(wholeMicroseconds(nowMs - startedAtMs));
    values.push(value);
    this.#pendingCharacters += value.length;
    return this.#isDue(nowMs);
  }

  /** In place of the report of the same attempt, which has not been sent. */
  replace(report: TaskReport): void {
    const { task, attempt } = report;
    const isIt = (one: Attempt) => one.task === task && one.attempt === attempt;
    this.#pending = this.#pending.filter((one) => !isIt(one));
    const { tasks, attempts, durationsMs, values } = this.#results;
    const at = tasks.findIndex((one, i) => isIt({ task: one, attempt: attempts[i] as number }));
    if (at !== -1)
      for (const column of [tasks, attempts, durationsMs, values]) column.splice(at, 1);
    this.#pending.push(report);
  }

  /** False when the supervisor does not keep up: wait before the next. */
  flush(nowMs: number): boolean {
    this.#flushedAtMs = nowMs;
    this.#pendingCharacters = 0;
    const reported = this.#sendReports();
    return this.#sendResults() && reported;
  }

  #isDue(nowMs: number): boolean {
    const isLate = nowMs - this.#flushedAtMs > flushMs || this.pending >= pendingMax;
    return isLate || this.#pendingCharacters > pendingMaxCharacters;
  }

  #sendReports(): boolean {
    if (this.#pending.length === 0) return true;
    const reports = this.#pending;
    this.#pending = [];
    return this.#send({ kind: "reports", reports });
  }

  #sendResults(): boolean {
    if (this.#results.tasks.length === 0) return true;
    const results = this.#results;
    this.#results = noResults();
    return this.#send({ kind: "results", ...results });
  }

  log(line: string): void {
    this.#linesSeen++;
    if (this.#linesSeen > logLinesMax) return;
    this.#lines.push(shortened(line));
    const nowMs = steadyMs();
    if (nowMs - this.#logPeriodFromMs >= logPeriodMs) {
      this.#logPeriodFromMs = nowMs;
      this.#logPeriodLines = 0;
    }
    this.#logPeriodLines++;
    const isDue = this.#logPeriodLines <= logBurstLines || this.#lines.length >= logBatchLines;
    if (isDue) return this.#sendLines();
    // Job code may wait for long, and log nothing more that would take these lines along.
    this.#logTimer ??= setTimeout(() => this.#sendLines(), logPeriodMs);
  }

  /** A stray error of an attempt that has ended, which changes nothing any more; null: of the top
   *  of the job file. */
  late(attempt: Attempt | null, text: string): void {
    if (++this.#lateSeen > lateMax) return;
    const line = shortened(`after the task had ended, ${text}`);
    this.#send({ kind: "log", ...(attempt ?? this.#attempt), lines: [line] });
  }

  progress(inputBytes: number): void {
    const nowMs = steadyMs();
    if (nowMs - this.#progressAtMs < progressEveryMs) return;
    this.#progressAtMs = nowMs;
    this.#send({ kind: "progress", ...this.#attempt, inputBytes });
  }

  #endLog(): void {
    const dropped = this.#linesSeen - logLinesMax;
    if (dropped > 0) this.#lines.push(`(${dropped} more lines were dropped)`);
    this.#linesSeen = 0;
    this.#sendLines();
  }

  #sendLines(): void {
    if (this.#logTimer !== null) clearTimeout(this.#logTimer);
    this.#logTimer = null;
    if (this.#lines.length === 0) return;
    this.#send({ kind: "log", ...this.#attempt, lines: this.#lines });
    this.#lines = [];
  }
}

function sizeOf(report: TaskReport): number {
  if (report.kind === "failed") {
    const { message, stack } = report.failure;
    return reportCharacters + message.length + (stack?.length ?? 0);
  }
  const names = Object.keys(report.counters);
  const counters = names.reduce((sum, name) => sum + name.length + counterCharacters, 0);
  return reportCharacters + counters + (report.value?.length ?? 0);
}

function noResults(): Writable<ResultColumns> {
  return { tasks: [], attempts: [], durationsMs: [], values: [] };
}

/** More digits are not needed, and each digit is written and read several times on its way. */
function wholeMicroseconds(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}

function shortened(line: string): string {
  if (line.length * 3 <= logLineMaxBytes) return line;
  const bytes = Buffer.from(line.slice(0, logLineMaxBytes));
  if (bytes.length <= logLineMaxBytes && line.length <= logLineMaxBytes) return line;
  let end = Math.min(bytes.length, logLineMaxBytes - 3);
  while (end < bytes.length && ((bytes[end] as number) & 0xc0) === 0x80) end--;
  return `${bytes.toString("utf8", 0, end)}…`;
}

const consoleMethods = ["log", "info", "warn", "error", "debug"] as const;

/** `console.log` and its like become lines of the job's log: people who debug a job try them first,
 *  and the standard output of a task process is shown nowhere. Lasts as long as the process. */
export function consoleToLog(log: (line: string) => void): void {
  for (const method of consoleMethods) console[method] = (...values) => log(format(...values));
}
