/** The end of a job that was followed: its result where the user wants it, or its failure as an
 *  error. */
import { accessSync, constants, existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Command } from "commander";
import { ClusterError } from "../../core/error.ts";
import type { OutputFormat } from "../../core/job.ts";
import type { JobSummary } from "../../core/summary.ts";
import type { Client } from "../../sdk/client.ts";
import type { Collected, Destination } from "../../sdk/collect.ts";
import { wayTo } from "../../sdk/named-file.ts";
import { isFull } from "../../store/failure.ts";
import { faultOf, Interrupted, JobFailed } from "../faults.ts";
import { shown } from "../follow/transfer.ts";
import { type Connection, withPastable } from "../paste.ts";
import { oneLine } from "../text.ts";
import { answer } from "./answer.ts";
import { isForPrograms, isToOutput, saysWhere, wayAgain } from "./readers.ts";
import { auditNotes, type Ended, endedLines, failureLines } from "./report.ts";
import { withStaging } from "./staging.ts";

export type ResultOptions = {
  readonly output?: string;
  readonly merge?: string;
  readonly overwrite?: boolean;
  readonly json?: boolean;
  /** The result is the job's id, on standard output. */
  readonly detach?: boolean;
};

export function withResult(command: Command): Command {
  return command
    .option(
      "-o, --output <place>",
      "directory for the result files; a name that ends in .csv, .ndjson, .txt, .parquet or " +
        ".arrow, with .gz or .zst or without: one file, in that format unless the job sets " +
        "another; - for standard output",
    )
    .option("--merge <file>", "write the whole result into this one file, whatever its name")
    .option("--overwrite", "replace the result that -o or --merge names");
}

export function wantsResult(options: ResultOptions): boolean {
  return options.output !== undefined || options.merge !== undefined;
}

/** Throws `bad-request` for `--overwrite` without a place: a new one is never taken. */
export function refuseOverwriteAlone(options: ResultOptions): void {
  if (options.overwrite !== true || wantsResult(options)) return;
  const text = "--overwrite replaces what -o or --merge names; give one of them, or leave it out";
  throw new ClusterError("bad-request", text);
}

const fileSuffix = /\.(csv|tsv|ndjson|jsonl|json|txt|parquet|arrow|feather)(\.(gz|zst))?$/i;
const linesSuffix = /\.(ndjson|jsonl)(\.(gz|zst))?$/i;

/** Whether `-o` names one file: not when a folder of that name is there. */
function isFileName(path: string): boolean {
  if (!fileSuffix.test(path)) return false;
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true;
}

/** What the name of the file says of its format; null when it says nothing that decides. */
export function formatOfName(to: Destination): "arrow" | "csv" | "parquet" | null {
  if (to.kind !== "file") return null;
  const ending = /\.(csv|parquet|arrow|feather)(\.(gz|zst))?$/i.exec(to.path)?.[1]?.toLowerCase();
  if (ending === "csv" || ending === "parquet") return ending;
  return ending === undefined ? null : "arrow";
}

/** Throws `bad-request` when the result is not what the name of its file says. */
export function refuseOtherFormat(to: Destination, format: OutputFormat): void {
  if (to.kind !== "file") return;
  const isTable = format === "arrow" || format === "csv" || format === "parquet";
  const wanted = formatOfName(to) ?? (isTable && linesSuffix.test(to.path) ? "ndjson" : null);
  if (wanted === null || wanted === format) return;
  const text = `${to.path} is ${wanted} by its name, and the result of the job is ${format}`;
  throw new ClusterError("bad-request", `${text}; set output: "${wanted}", or use another name`);
}

/** Where the result goes. Without a wish: a new folder `out/<name>`, numbered when there is one. */
export function destinationOf(options: ResultOptions, name: string): Destination {
  const replace = options.overwrite ?? false;
  if (options.output !== undefined && options.merge !== undefined) {
    throw new ClusterError("bad-request", "--output and --merge cannot be combined");
  }
  saysWhere(options);
  if (options.merge !== undefined && options.merge !== "-") {
    return { kind: "file", path: options.merge, replace };
  }
  if (options.output !== undefined && isFileName(options.output)) {
    return { kind: "file", path: options.output, replace };
  }
  if (isToOutput(options)) {
    return { kind: "stream", stream: process.stdout };
  }
  return { kind: "folder", path: options.output ?? freshFolder(name), replace };
}

function freshFolder(name: string): string {
  // Job names are free text; a folder's name is not.
  const plain = name.replace(/[^\p{L}\p{N}._-]+/gu, "-").replace(/^[.-]+/, "") || "job";
  const path = join("out", plain.slice(0, 100));
  let free = path;
  for (let n = 2; existsSync(free); n += 1) free = `${path}-${n}`;
  return free;
}

/** Throws `bad-request` when nothing may be made beside `path`. Results are made there under
 *  another name first. */
function refuseUnwritable(path: string): void {
  let folder = dirname(resolve(path));
  while (!existsSync(folder)) folder = dirname(folder);
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const text = `cannot write ${path}: ${folder} is not writable (${code})`;
    throw new ClusterError("bad-request", `${text}; choose another place with -o`, { cause });
  }
}

/** As `wayTo`, with the option that asks to replace a file. */
export function wayOf(path: string, mayReplace: boolean): "into" | "file" {
  try {
    return wayTo(path, mayReplace);
  } catch (error) {
    if (!(error instanceof ClusterError) || error.code !== "conflict") throw error;
    const text = `${path} exists; choose another, or replace it with --overwrite`;
    throw new ClusterError("conflict", text, { cause: error });
  }
}

/** Throws `conflict` when a result is there already: checked before the job runs, since the work of
 *  a job whose result has no place would be wasted. Collecting checks again. */
export function refuseTaken(to: Destination): void {
  if (to.kind === "stream") return;
  if (to.kind === "file") {
    if (wayOf(to.path, to.replace === true) === "file") refuseUnwritable(to.path);
    return;
  }
  refuseUnwritable(to.path);
  const there = statSync(to.path, { throwIfNoEntry: false });
  if (there === undefined) return;
  if (!there.isDirectory()) {
    throw new ClusterError(
      "bad-request",
      `${to.path} is a file; name a folder, or end the name as a file, in .csv or .ndjson`,
    );
  }
  if (to.replace === true || readdirSync(to.path).length === 0) return;
  throw new ClusterError(
    "conflict",
    `the folder ${to.path} is not empty; choose another, or replace it with --overwrite`,
  );
}

/** Throws what made the job fail: its code, text and place in the job file. */
export function throwUnlessDone(job: JobSummary, options: ResultOptions & HowToAsk): void {
  if (job.state === "done") return;
  if (options.json) answer(jsonOf(job, null, null), options);
  const ask = options.gone ? "" : `\nsee \`tequio status ${job.job}\``;
  const { failure } = job;
  if (failure === null) {
    throw new JobFailed("conflict", `${job.job} was cancelled; run it again for a result`);
  }
  const [, ...place] = failureLines(failure).map((line) => line.slice(2));
  const text = [`${job.job} failed: ${oneLine(failure.message)}`, ...place].join("\n");
  throw new JobFailed(failure.code, `${text}${ask}`);
}

/** `gone`: the cluster ends with this command, so it cannot be asked later. */
export type HowToAsk = { readonly gone?: boolean };

/** Collects the result of a job that is done, and prints what was collected. */
export async function collectJob(
  client: Client,
  job: JobSummary,
  options: ResultOptions & HowToAsk & Connection,
): Promise<void> {
  throwUnlessDone(job, options);
  const { collect } = await import("../../sdk/collect.ts");
  const name = options.gone ? job.name : `${job.name}-${job.job}`;
  const to = destinationOf(options, name);
  if (!options.gone) wayAgain(`run \`${againOf(job)}\``);
  const isOnTerminal = to.kind === "stream" && process.stdout.isTTY === true;
  const texts = {
    label: "getting the result",
    // What a terminal shows of the result itself must stay whole.
    quiet: isForPrograms(options) || isOnTerminal,
    silent: isForPrograms(options),
    stopped: () => withPastable(getStopped(job, to, options), options),
  };
  const collected = await withStaging(to, (staged) =>
    shown(texts, (transfer) => collect(client, job, staged, transfer)),
  ).catch((error) => {
    const known = explained(error, job, options);
    if (options.json && !(known instanceof Interrupted)) tellUncollected(job, known, options);
    throw known;
  });
  tell(endedOf(job, to, collected), job, options);
  const where = collected.bad === undefined ? "" : `; ${collected.bad.file} has them`;
  throwIfTasksFailed(job, options.gone ? where : `${where}; see \`tequio status ${job.job}\``);
}

/** Of a job that went on without them. `next`: where they are, and what to do. */
export function throwIfTasksFailed(job: JobSummary, next: string): void {
  const [{ taskCount = 0, tasksFailed = 0 } = {}] = job.stages;
  if (tasksFailed === 0) return;
  const what = `${tasksFailed} of ${taskCount} tasks of ${job.job} failed, and have no result`;
  throw new JobFailed("user-error", `${what}${next}`);
}

function getStopped({ job }: JobSummary, to: Destination, { gone }: HowToAsk): string {
  const what = to.kind === "stream" ? "stopped" : "stopped, nothing was written";
  return gone ? what : `${what}; ${job} keeps its result: \`tequio get ${job}\``;
}

/** The job is not lost with its destination: say how to get it. */
export function explained(
  error: unknown,
  job: Pick<JobSummary, "job">,
  options: HowToAsk,
): unknown {
  const isOfSystem = error instanceof Error && !(error instanceof ClusterError) && isFull(error);
  const known = isOfSystem
    ? new ClusterError("storage-full", error.message, { cause: error })
    : error;
  if (!(known instanceof ClusterError)) return error;
  const { code, text } = known;
  const later = options.gone ? "" : `; the result is kept: \`${againOf(job)}\``;
  if (code === "conflict") {
    return new ClusterError(code, `${text} (--overwrite)${later}`, { cause: known });
  }
  // The error of standard output names it already. A coordinator that is away has the result.
  const isKept = code === "storage-full" || code === "storage-failed" || code === "unavailable";
  if (!isKept || text.includes("tequio get")) return known;
  return new ClusterError(code, `${text}${later}`, { cause: known });
}

/** What collects the result again. */
function againOf({ job }: Pick<JobSummary, "job">): string {
  return `tequio get ${job} -o DIR`;
}

function endedOf(job: JobSummary, to: Destination, collected: Collected): Ended {
  const { bad } = collected;
  return {
    name: job.name,
    durationMs: job.endedAtMs - job.submittedAtMs,
    waitedMs: Math.max(0, (job.stages[0]?.startedAtMs ?? 0) - job.submittedAtMs),
    counters: job.counters,
    files: collected.files.filter((file) => file !== bad?.file),
    dir: to.kind === "folder" ? to.path : "",
    records: job.stages.at(-1)?.outputRecords ?? 0,
    sizeBytes: collected.sizeBytes,
    bad: bad ?? null,
    leftOut: collected.leftOut ?? 0,
    tasksFailed: job.stages[0]?.tasksFailed ?? 0,
  };
}

export function tell(ended: Ended, job: JobSummary | null, options: ResultOptions): void {
  const isPiped = isToOutput(options);
  // A user who pipes the result wants nothing else in it.
  const print = isPiped ? console.error : console.log;
  if (options.json) answer(jsonOf(job, ended, ended.files), options);
  else print(endedLines(ended).join("\n"));
  // The result is what it is: no failure, but the next run may give another.
  const isDoubtful = job?.audit?.differs !== undefined || job?.unaudited !== undefined;
  if (isDoubtful && !options.json) console.error(auditNotes(job).join("\n"));
}

/** The same as `tell` for a job that failed in this process, without a cluster. */
export function tellFailed(
  { durationMs, error, name }: Pick<Ended, "durationMs" | "name"> & { readonly error: JobFailed },
  options: ResultOptions,
): void {
  if (!options.json) return;
  const { code, text: message } = error;
  // It ends at the first one.
  const tasksFailed = 1;
  const failed = { name, state: "failed", failure: { code, message }, durationMs, tasksFailed };
  answer({ ...jsonOf(null, null, null), ...failed }, options);
}

/** Of a job that is done, and whose result is not where it was wanted. */
function tellUncollected(job: JobSummary, error: unknown, options: ResultOptions & Connection) {
  const { code, message } = faultOf(error, false);
  const failure = { code, message: withPastable(message, options) };
  answer({ ...jsonOf(job, null, null), failure }, options);
}

/** Stages count those of jobs that go on; one that fails does so by its first. */
function failedIn(job: JobSummary | null): number {
  const { stages = [], state } = job ?? {};
  const counted = stages.reduce((sum, { tasksFailed = 0 }) => sum + tasksFailed, 0);
  const isByTask = state === "failed" && stages.some(({ attemptsFailed }) => attemptsFailed > 0);
  return Math.max(counted, isByTask ? 1 : 0);
}

/** What `--json` prints at the end: flat, and with the same names as the summary's. */
function jsonOf(job: JobSummary | null, ended: Ended | null, files: readonly string[] | null) {
  return {
    job: job?.job ?? null,
    name: job?.name ?? ended?.name,
    state: job?.state ?? "done",
    failure: job?.failure ?? null,
    durationMs: ended?.durationMs ?? (job === null ? 0 : job.endedAtMs - job.submittedAtMs),
    counters: ended?.counters ?? job?.counters ?? {},
    files: files ?? [],
    badRecordsFile: ended?.bad?.file ?? null,
    badRecords: ended?.bad?.count ?? ended?.leftOut ?? 0,
    tasksFailed: ended?.tasksFailed ?? failedIn(job),
    records: ended?.records ?? null,
    sizeBytes: ended?.sizeBytes ?? 0,
    stages: job?.stages ?? [],
    audit: job?.audit ?? null,
  };
}
