/** Data of attempts that browsers run, by the ticket in the path: its bearer may read what these
 *  attempts read and put what they make, until they end. */
import { ClusterError } from "../../../../core/error.ts";
import type { AttemptRef } from "../../../../core/ids.ts";
import { jobOwner, jobSpec } from "../../../../core/view.ts";
import type { JobProgress } from "../../../../wire/api/messages.ts";
import { type Services, summaryOf } from "../../../services.ts";
import { reportsMaxBytes } from "../../browser/claims.ts";
import type { TabRun } from "../../browser/runs.ts";
import { digested } from "../digested.ts";
import { inputAnswer } from "../input-file.ts";
import { bytesAnswer, parseRange } from "../ranges.ts";
import { type Answer, type Call, json, ndjson, type Route } from "../route.ts";
import { type Chunks, moving } from "./blobs.ts";
import { itemLines, partitionRun, splitText } from "./tab-inputs.ts";

/** Largest final output of one attempt, bytes. */
const partMaxBytes = 4 * 1024 ** 3;

function runOf({ params, services }: Call): TabRun {
  const found = services.tracker.ticket(params.ticket ?? "");
  if (found !== null) return found.run;
  throw new ClusterError("not-found", "this task has ended, or was taken from this browser");
}

/** The attempt of a task that is alone in its run. */
function onlyRef(run: TabRun): AttemptRef {
  const [first] = run.attempts;
  if (first === undefined || run.attempts.size > 1) {
    throw new ClusterError("bad-request", "these are several tasks; their results are in finish");
  }
  const [task, attempt] = first;
  return { job: run.job, stage: run.stage, task, attempt };
}

/** The same check after an answer has taken a while. */
function isRunning({ tracker }: Services, run: TabRun): boolean {
  return tracker.ticket(run.ticket)?.run === run && run.attempts.size > 0;
}

function index(text: string | undefined): number {
  return /^\d{1,9}$/.test(text ?? "") ? Number(text) : -1;
}

async function blob(call: Call, which: "codeHash" | "planHash"): Promise<Answer> {
  const { blobs, loop } = call.services;
  const spec = jobSpec(loop.state, runOf(call).job);
  const hash = spec?.[which] ?? "";
  const sizeBytes = (await blobs.size(hash)) ?? 0;
  return bytesAnswer(sizeBytes, null, () => blobs.read(hash));
}

function progress(call: Call): Answer {
  const { job } = runOf(call);
  const { stages, state } = summaryOf(call.services, job);
  const done = stages.reduce((sum, stage) => sum + stage.done, 0);
  const taskCount = stages.reduce((sum, stage) => sum + stage.taskCount, 0);
  return json({ state, done, taskCount } satisfies JobProgress);
}

async function file(call: Call): Promise<Answer> {
  const { headers, params, services } = call;
  const { job } = runOf(call);
  const { files } = await services.plans.read(jobSpec(services.loop.state, job)?.planHash ?? "");
  const found = files[index(params.file)];
  if (found === undefined) {
    throw new ClusterError("not-found", `${job} has no input file ${params.file}`);
  }
  const owner = jobOwner(services.loop.state, job) ?? "";
  const range = parseRange(headers.range, found.sizeBytes);
  const answer = await inputAnswer(services, { owner, file: found }, range);
  return call.query.digest === "1" ? digested(answer) : answer;
}

/** `0`: the split or the items · `numbered`: the items with the numbers of their tasks · `7` of a
 *  reduce task: the run from map task 7 · `7.ndjson`: the same as lines. */
async function input(call: Call): Promise<Answer> {
  const { params, services } = call;
  const run = runOf(call);
  const isDigested = call.query.digest === "1";
  const kind = jobSpec(services.loop.state, run.job)?.stages[run.stage]?.kind;
  const isNumbered = params.part === "numbered" && kind === "tasks";
  const part = isNumbered ? "0" : (params.part ?? "");
  const [, from, plain] = /^(\d{1,9})(\.ndjson)?$/.exec(part) ?? [];
  if (from === undefined) throw new ClusterError("not-found", `there is no input ${params.part}`);
  if (run.type === "r") {
    const bytes = partitionRun(services, run, Number(from));
    if (plain !== undefined) return ndjson(services.plainResults.lines(bytes));
    return isDigested ? digested(stream(bytes)) : stream(bytes);
  }
  if (kind !== "tasks") return stream(splitText(services, run));
  const items = ndjson(itemLines(services, run, isNumbered));
  return isDigested ? digested(items) : items;
}

function stream(bytes: AsyncIterable<Uint8Array>): Answer {
  const headers = { "content-type": "application/octet-stream" };
  return { kind: "bytes", status: 200, headers, stream: bytes };
}

type Bytes = AsyncIterable<Uint8Array>;

function body({ body: chunks, signal }: Call): Bytes {
  return chunks === undefined || chunks === null ? none() : moving(chunks as Chunks, signal);
}

async function* none(): AsyncGenerator<Uint8Array, void> {}

/** The body, counted against the limits of this tab. */
function counted<T>(call: Call, store: (chunks: Bytes) => Promise<T>): Promise<T> {
  const { uploads, tracker } = call.services;
  const { job, ticket } = runOf(call);
  const tab = tracker.ticket(ticket)?.tab.worker ?? "";
  return uploads.count({ tab, job, task: ticket }, body(call), store);
}

async function put(call: Call): Promise<Answer> {
  const { params, services } = call;
  const { blobs, relay, sweep } = services;
  const run = runOf(call);
  switch (params.what) {
    case "manifest":
      return json({
        root: await counted(call, (chunks) => relay.putManifest(onlyRef(run), chunks)),
      });
    case "run": {
      const { manifest, root } = await counted(call, (chunks) =>
        relay.putRun(onlyRef(run), chunks, () => isRunning(services, run)),
      );
      return json({ root, sizeBytes: manifest.sizeBytes });
    }
    case "reports": {
      await services.tracker.reported(run.ticket, await counted(call, whole));
      return json({});
    }
    case "part":
    case "bad": {
      onlyRef(run);
      const stored = await counted(call, (chunks) =>
        blobs.put(chunks, { sizeMaxBytes: partMaxBytes }),
      );
      sweep.touch(stored.hash);
      return json(stored);
    }
    default:
      throw new ClusterError("not-found", `nothing can be put at ${params.what}`);
  }
}

/** Throws `limit-exceeded`. */
async function whole(chunks: Bytes): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of chunks) {
    sizeBytes += chunk.length;
    if (sizeBytes > reportsMaxBytes) {
      const text = `reports of a tab have more than ${reportsMaxBytes} bytes at once`;
      throw new ClusterError("limit-exceeded", text);
    }
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}

/** From basic browsers: a partition as NDJSON, or a final result. */
async function putPlain(call: Call): Promise<Answer> {
  const run = runOf(call);
  const at = index(call.params.part);
  const count = jobSpec(call.services.loop.state, run.job)?.stages[run.stage]?.partitionCount ?? 0;
  if (at < 0 || at >= Math.max(1, count)) {
    throw new ClusterError("not-found", `this task has no result ${call.params.part}`);
  }
  const { services } = call;
  const isWanted = () => isRunning(services, run);
  const result = { ticket: run.ticket, part: at, isWanted };
  await counted(call, (chunks) => services.plainResults.put(result, chunks));
  return json({ url: `/t/${run.ticket}/out/${at}` });
}

export const tabRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/t/:ticket/code",
    access: "ticket",
    exchange: "→ the job's bundle",
    handle: (call) => blob(call, "codeHash"),
  },
  {
    method: "GET",
    path: "/t/:ticket/plan",
    access: "ticket",
    exchange: "→ the job's plan",
    handle: (call) => blob(call, "planHash"),
  },
  {
    method: "GET",
    path: "/t/:ticket/progress",
    access: "ticket",
    exchange: "→ JobProgress: how far the job of this task is",
    handle: progress,
  },
  {
    method: "GET",
    path: "/t/:ticket/file/:file",
    access: "ticket",
    exchange:
      "→ bytes of a plan's file (its index), Range honoured; `?digest=1`: SHA-256 at the end",
    handle: file,
  },
  {
    method: "GET",
    path: "/t/:ticket/in/:part",
    access: "ticket",
    exchange:
      "→ what the task reads: records, items (`numbered`: with their tasks), or the run of a " +
      "partition; `?digest=1` too",
    handle: input,
  },
  {
    method: "PUT",
    path: "/t/:ticket/:what",
    access: "ticket",
    exchange: "manifest, then run; or part, bad, reports → { root } or BlobPut or {}",
    body: "bytes",
    handle: put,
  },
  ...(["PUT", "POST"] as const).map(
    (method): Route => ({
      method,
      path: "/t/:ticket/out/:part",
      access: "ticket",
      exchange: "NDJSON of pairs, or the result → { url }",
      body: "bytes",
      handle: putPlain,
    }),
  ),
];
