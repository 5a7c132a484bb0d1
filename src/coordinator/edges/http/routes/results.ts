/** What a job leaves: its output, results, log, and the input files that the coordinator passes
 *  on. */
import { ClusterError } from "../../../../core/error.ts";
import type { JobId } from "../../../../core/ids.ts";
import type { TaskOutput } from "../../../../core/job.ts";
import { jobBadRecords, jobOutputs, jobOwner, jobSpec, jobSummary } from "../../../../core/view.ts";
import type { Output } from "../../../../wire/api/messages.ts";
import { isInline, type Line, textLines } from "../../../jobs/result-texts.ts";
import { asJobId, noSuchJob, type Services, summaryOf } from "../../../services.ts";
import { inputAnswer } from "../input-file.ts";
import { parseRange } from "../ranges.ts";
import { type Answer, type Call, json, ndjson, type Route } from "../route.ts";
import { committedResults } from "./committed.ts";

/** Throws the error of the job's state, unless it is done. */
function mustBeDone(services: Services, job: JobId): readonly TaskOutput[] {
  const { failure, state } = summaryOf(services, job);
  if (state === "failed" && failure !== null) {
    throw new ClusterError(failure.code, failure.message);
  }
  if (state === "done") return jobOutputs(services.loop.state, job).filter((one) => one !== null);
  const text =
    state === "running"
      ? `${job} still runs; its output can be read when it is done: \`tequio attach ${job}\``
      : `${job} was cancelled and has no output; submit it again`;
  throw new ClusterError("conflict", text);
}

function output({ services, params }: Call): Answer {
  const job = asJobId(params.job);
  const parts = mustBeDone(services, job).map(({ page, root, sizeBytes, records }, task) => ({
    task,
    // What lies on a page is no blob: `results` gives it.
    hash: page === undefined ? root : "",
    sizeBytes,
    records,
  }));
  const badRecords = jobBadRecords(services.loop.state, job);
  return json({ parts, badRecords } satisfies Output);
}

const encoder = new TextEncoder();
/** Results that are answered in one piece have at most so many characters. */
const fewMaxChars = 64 * 1024;

/** Longest `waitMs`: below the time limit of clients for an answer. */
const waitMaxMs = 25_000;

/** Resolves when the job has ended, or after `limitMs`. */
async function ended(services: Services, job: JobId, limitMs: number, signal: AbortSignal) {
  const { loop, watchers } = services;
  const runs = () => jobSummary(loop.state, job, 0)?.state === "running";
  const giveUpAtMs = performance.now() + Math.min(limitMs, waitMaxMs);
  const watch = watchers.open(job);
  const leave = services.retention.follow(job);
  try {
    while (runs() && !signal.aborted) {
      const leftMs = giveUpAtMs - performance.now();
      if (leftMs <= 0) return;
      await watch.next(leftMs, signal);
    }
  } finally {
    watch.close();
    leave();
  }
}

/** Results of a `tasks` job that ends within `waitMs` and has few; else null, and the client
 *  requests them later. */
export async function earlyResults(
  services: Services,
  { job, waitMs }: { readonly job: JobId; readonly waitMs: number },
  signal: AbortSignal,
): Promise<Uint8Array | null> {
  if (jobSpec(services.loop.state, job)?.stages[0]?.kind !== "tasks") return null;
  await ended(services, job, waitMs, signal);
  if (jobSummary(services.loop.state, job, 0)?.state !== "done") return null;
  const lines = fewLines(mustBeDone(services, job).filter(hasResult));
  if (lines !== null) services.retention.fetched(job);
  return lines;
}

/** A number of a query; null when it is absent or not a whole number. */
export function wholeNumberOf(text: unknown): number | null {
  return typeof text === "string" && /^\d{1,9}$/.test(text) ? Number(text) : null;
}

async function results({ services, params, query, signal }: Call): Promise<Answer> {
  const job = asJobId(params.job);
  if (jobSpec(services.loop.state, job)?.stages[0]?.kind !== "tasks") {
    const text = `${job} is not a list of tasks; get its result with \`tequio get ${job}\``;
    throw new ClusterError("bad-request", text);
  }
  if (query.failed === "1") return ndjson(failedLines(mustBeDone(services, job)));
  if (query.follow === "1") {
    return { kind: "live", stream: committedResults(services, job, signal) };
  }
  const waitMs = wholeNumberOf(query.waitMs);
  if (waitMs !== null) await ended(services, job, waitMs, signal);
  const outputs = mustBeDone(services, job).filter(hasResult);
  outputs.splice(0, wholeNumberOf(query.from) ?? 0);
  const few = fewLines(outputs);
  if (few === null) return ndjson(fetchedLines(services, job, outputs));
  services.retention.fetched(job);
  return ndjson(few);
}

async function* failedLines(outputs: readonly TaskOutput[]): AsyncGenerator<Uint8Array, void> {
  for (const [task, { failure }] of outputs.entries()) {
    if (failure === undefined) continue;
    const { code, message } = failure;
    yield encoder.encode(`${JSON.stringify({ task, code, message })}\n`);
  }
}

/** Not so of a task that failed in a job that keeps going. */
function hasResult({ failure }: TaskOutput): boolean {
  return failure === undefined;
}

/** The job stays while they are read, and counts as fetched when all of them were. */
async function* fetchedLines(
  services: Services,
  job: JobId,
  outputs: readonly TaskOutput[],
): AsyncGenerator<Uint8Array, void> {
  const leave = services.retention.follow(job);
  try {
    const line = (output: TaskOutput): Line => ({ before: "", output, after: "\n" });
    yield* textLines(services.blobs, outputs, line);
    services.retention.fetched(job);
  } finally {
    leave();
  }
}

/** All in one piece, as for most jobs: a stream costs more than they do. */
function fewLines(outputs: readonly TaskOutput[]): Uint8Array | null {
  if (outputs.length > 1_000) return null;
  let lines = "";
  for (const output of outputs) {
    if (!isInline(output)) return null;
    lines += `${output.value ?? "null"}\n`;
    if (lines.length > fewMaxChars) return null;
  }
  return encoder.encode(lines);
}

function logs({ services, params, query, signal }: Call): Answer {
  const job = asJobId(params.job);
  const { loop } = services;
  const ended = () => jobSummary(loop.state, job, 0)?.state !== "running";
  if (query.follow !== "1") return ndjson(services.logs.read(job, null));
  return { kind: "live", stream: services.logs.read(job, { ended, signal }) };
}

async function input({ services, params, headers }: Call): Promise<Answer> {
  const job = asJobId(params.job);
  const { loop, plans } = services;
  const spec = jobSpec(loop.state, job);
  if (spec === null || jobSummary(loop.state, job, 0)?.state !== "running") throw noSuchJob(job);
  const { files } = await plans.read(spec.planHash);
  const file = /^\d{1,9}$/.test(params.file ?? "") ? files[Number(params.file)] : undefined;
  if (file === undefined) {
    throw new ClusterError("not-found", `${job} has no input file ${params.file}`);
  }
  const owner = jobOwner(loop.state, job) ?? "";
  return inputAnswer(services, { owner, file }, parseRange(headers.range, file.sizeBytes));
}

export const resultRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/v1/jobs/:job/output",
    access: "read",
    exchange: "→ Output (409 conflict while running, the job's failure when it failed)",
    handle: output,
  },
  {
    method: "GET",
    path: "/v1/jobs/:job/results",
    access: "read",
    exchange:
      "→ NDJSON, one result of a `tasks` job a line, in order; `?waitMs=20000` waits for " +
      "its end; `?from=7` leaves out seven; `?follow=1` gives `[index, result]` as they are " +
      "committed, then the job's state; of a job with `keepGoing` failed tasks are left out, " +
      "`?failed=1` gives `{ task, code, message }` of each, and `?follow=1` " +
      "`[index, null, { code, message }]`",
    handle: results,
  },
  {
    method: "GET",
    path: "/v1/jobs/:job/logs",
    access: "read",
    exchange: "→ NDJSON of LogLine; `?follow=1` continues until the job has ended",
    handle: logs,
  },
  {
    method: "GET",
    path: "/v1/jobs/:job/input/:file",
    access: ["work"],
    exchange: "→ bytes of a plan's file (its index), Range honoured; only while the job runs",
    handle: input,
  },
];
