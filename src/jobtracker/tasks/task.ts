/** Executes one task of a tracker, ours or an existing one: computed by the cluster, written as
 *  existing executors write it, and reported to the tracker.
 *
 *  1. The block is SUBMITTED with the place where this task answers pings, before anything is
 *     computed: a tracker that died meanwhile finds it. One that is DONE already stays so: the
 *     executor before this one was taken for dead after its last call.
 *  2. A block that is DONE by then, or has been given to another, is not written again: APPENDBLOCK
 *     would add to what is there. One that is WRITING by another is waited for.
 *  3. The tracker gets the report when the result is written. */
import { createHash, randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { ClusterError } from "../../core/error.ts";
import type { JobSummary } from "../../core/summary.ts";
import type { Listen } from "../../link/listen.ts";
import { addressValue } from "../../wire/filesystem/fields.ts";
import type { TaskRequest } from "../../wire/filesystem/jobs.ts";
import { writePickledList } from "../../wire/filesystem/pickle/list-writer.ts";
import { readPickle } from "../../wire/filesystem/pickle/reader.ts";
import { writePickle } from "../../wire/filesystem/pickle/writer.ts";
import { PyTuple, type PyValue } from "../../wire/filesystem/value.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { FunctionJob, InputPart } from "../cluster/functions.ts";
import type { FileSystem, Row } from "../files/file-system.ts";
import { functionsMaxBytes } from "../jobs/cut.ts";
import { report } from "../jobs/reports.ts";

export type TaskParts = {
  readonly cluster: Cluster;
  readonly files: FileSystem;
  /** Where this task answers pings. */
  readonly ping: Listen;
  /** The worker's own address. */
  readonly worker: Listen;
  readonly signal: AbortSignal;
  /** Default: 2,000. */
  readonly settleMs?: number;
};

/** Bytes of input for each map task at the cluster. */
const partBytes = 8 * 1024 * 1024;
/** Of one slice or one file of values. */
const fileMaxBytes = 64 * 1024 * 1024;
const reports = { answerMs: 8_000, triedMs: 60_000 };
/** No result is written sooner after TASK was answered, ms: existing trackers call the block
 *  SUBMITTED then, and a block that was DONE before would be given out again, and counted twice.
 *  Existing executors take as long to ask around first. */
const defaultSettleMs = 2_000;

/** Resolves when success or failure has been reported to the tracker, or the block is another
 *  executor's, which reports it. */
export async function runTask(task: TaskRequest, parts: TaskParts): Promise<void> {
  const { block } = task;
  const { settleMs = defaultSettleMs, signal, worker } = parts;
  const settled = delay(settleMs, null, { signal });
  settled.catch(() => {});
  try {
    if ((await stateOf(task, parts)).state === "DONE") {
      await settled;
      // An existing tracker has called it SUBMITTED, as it does when TASK is answered.
      await setBlock(task, parts, [["state", "DONE"]]);
    } else {
      await setBlock(task, parts, [
        ["state", "SUBMITTED"],
        ["worker_ip", parts.ping.host],
        ["worker_port", String(parts.ping.port)],
      ]);
      if ((await compute(task, parts, settled)) === "taken") return;
    }
  } catch (error) {
    if (signal.aborted || !(error instanceof ClusterError)) throw error;
    const info = { info: error.text, type_error: "OperationError", send_to_client: true };
    // Existing trackers take it and never answer: it is sent once.
    await report(task.answerTo, "ERROR", info, { ...reports, triedMs: reports.answerMs, signal });
    return;
  }
  const done = { worker_addr: addressValue(worker), block_id: block };
  await report(task.answerTo, "DONE", done, { ...reports, signal });
}

async function compute(
  task: TaskRequest,
  parts: TaskParts,
  settled: Promise<unknown>,
): Promise<Standing> {
  const { cluster, files } = parts;
  const functions = await files.readWhole(task.functionsUrl, functionsMaxBytes);
  const inputs: InputPart[] = [];
  for await (const lines of inputLines(task, files)) {
    inputs.push(await cluster.part(`${task.block} of ${task.jobId}`, lines));
  }
  const isMap = task.task === "map";
  const job: FunctionJob = {
    name: `${task.block} of job ${task.jobId.slice(0, 12)} of the filesystem protocol`,
    form: isMap ? "map_task" : "reduce_task",
    functions,
    jobUrl: task.jobUrl,
    tasks: inputs.map((input) => [input]),
    reducers: isMap ? 1 : 0,
  };
  const id = await cluster.submit(job, `task:${randomUUID()}`);
  try {
    const summary = await ended(id, parts);
    await settled;
    const standing = await standingOf(task, parts);
    if (standing !== "ours") return standing;
    const results = cluster.results(summary);
    await (isMap ? writeMapped(task, files, results) : writeReduced(task, files, results));
    return "done";
  } finally {
    await cluster.cancel(id).catch(() => {});
    // Its result lies in the file system; one of a failure is asked for by people.
    if (!parts.signal.aborted) await cluster.remove(id).catch(() => {});
  }
}

/** Lines, several MiB of them at a time. */
async function* inputLines(task: TaskRequest, files: FileSystem): AsyncGenerator<Buffer, void> {
  let lines: string[] = [];
  let heldBytes = 0;
  for (const url of task.files) {
    const bytes = await files.readWhole(url, fileMaxBytes);
    const line = task.task === "map" ? mapLine(bytes, task) : reduceLine(bytes, url);
    lines.push(line, "\n");
    heldBytes += line.length;
    if (heldBytes < partBytes) continue;
    yield Buffer.from(lines.join(""));
    lines = [];
    heldBytes = 0;
  }
  if (lines.length > 0) yield Buffer.from(lines.join(""));
}

/** A mapper gets text; of a slice that is pickled, the str in it. */
function mapLine(bytes: Buffer, { isPickled }: TaskRequest): string {
  const value = isPickled ? readPickle(bytes) : bytes.toString("utf8");
  if (typeof value === "string") return JSON.stringify(value);
  throw new ClusterError("bad-request", "a slice for mapper holds a pickle that is no str");
}

/** Written anew: what a pickle of others could run never comes near Python. */
function reduceLine(bytes: Buffer, url: string): string {
  const pair = readPickle(bytes);
  const items = pair instanceof PyTuple ? pair.items : Array.isArray(pair) ? pair : [];
  if (items.length === 2) return Buffer.from(writePickle(new PyTuple(items))).toString("base64");
  throw new ClusterError("bad-request", `${url} is no pickle of (key, values)`);
}

async function ended(job: string, { cluster, signal }: TaskParts): Promise<JobSummary> {
  for await (const summary of cluster.watch(job, signal)) {
    if (summary.state === "done") return summary;
    if (summary.state === "running") continue;
    const { code, message } = summary.failure ?? {
      code: "conflict" as const,
      message: "the task was cancelled",
    };
    throw new ClusterError(code, message);
  }
  throw new ClusterError("unavailable", `${job} is not followed any more`);
}

/** Between two looks at a block that another executor's pairs are written to, ms, and for how
 *  long. */
const writingLookMs = 500;
const writingMaxMs = 60_000;

/** Of a block whose result is there to be written: `taken` by another executor. */
type Standing = "ours" | "done" | "taken";

async function standingOf(task: TaskRequest, parts: TaskParts): Promise<Standing> {
  const { ping } = parts;
  const { state, worker_ip: host = "", worker_port: port = "" } = await stateOf(task, parts);
  if (state === "DONE") return "done";
  const isOurs = port === "" || (host === ping.host && port === String(ping.port));
  return isOurs ? "ours" : "taken";
}

/** The block's row, when no other executor's pairs are being written. Throws `unavailable` when
 *  that does not end. */
async function stateOf(task: TaskRequest, { files, signal }: TaskParts): Promise<Row> {
  const giveUpAtMs = performance.now() + writingMaxMs;
  for (;;) {
    const filter = ["block_id", task.block] as const;
    const [row] = await files.rows(task.databaseUrl, "block", [filter]);
    if (row?.state !== "WRITING") return row ?? {};
    if (performance.now() > giveUpAtMs) {
      throw new ClusterError("unavailable", `${task.block} is WRITING by another executor`);
    }
    await delay(writingLookMs, null, { signal });
  }
}

/** A file for each key, and the names of all of them. The file system calls the block DONE. */
async function writeMapped(
  { block, databaseUrl, jobUrl }: TaskRequest,
  files: FileSystem,
  results: AsyncIterable<PyValue>,
): Promise<void> {
  const urls: string[] = [];
  const pairs: PyValue[] = [];
  for await (const result of results) {
    const [key = null, values = [], text = ""] = result instanceof PyTuple ? result.items : [];
    const name = createHash("sha1").update(String(text)).digest("hex");
    urls.push(`${jobUrl}/map_result_${name}`);
    pairs.push([key, values]);
  }
  const details = { data_urls: urls, pairs };
  const first = { block_size: BigInt(urls.length), block_id: block };
  // Named first: once it is DONE it is not computed again, and what has no name is not reduced.
  await files.change("BLOCKRESULT", databaseUrl, { block_id: block, result_url: urls });
  await files.change("APPENDBLOCK", databaseUrl, details, first);
}

/** One file with the list of all that reducer returned. */
async function writeReduced(
  task: TaskRequest,
  files: FileSystem,
  results: AsyncIterable<PyValue>,
): Promise<void> {
  const name = createHash("sha1").update(task.files.join("")).digest("hex");
  const url = `${task.jobUrl}/reduce_result_${name}`;
  const chunks: Uint8Array[] = [];
  for await (const chunk of writePickledList(results)) chunks.push(chunk);
  await files.write(url, [Buffer.concat(chunks)]);
  await files.change("BLOCKRESULT", task.databaseUrl, {
    block_id: task.block,
    result_url: [url],
  });
  await setBlock(task, { files }, [["state", "DONE"]]);
}

async function setBlock(
  { block, databaseUrl }: TaskRequest,
  { files }: Pick<TaskParts, "files">,
  cells: ReadonlyArray<readonly [string, string]>,
): Promise<void> {
  await files.updateRow(databaseUrl, "block", [["block_id", block], cells]);
}
