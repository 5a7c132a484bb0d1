/** Runs one job of the protocol on the whole cluster, and writes its state where existing programs
 *  look for it.
 *
 *  1. What has been submitted is never submitted again: the job's key is that of its run.
 *  2. The result has its name before the job is DONE.
 *  3. A job whose database is gone was removed: what computes it is cancelled.
 *  4. No block is DONE and nothing is reduced in the database before the result is a file: what the
 *     cluster has computed until then is on its workers, where an existing tracker that takes the
 *     job over finds nothing, and would leave it out. So such a tracker maps all slices again. */
import { ClusterError } from "../../core/error.ts";
import type { JobSummary } from "../../core/summary.ts";
import type { Listen } from "../../link/listen.ts";
import { writePickledList } from "../../wire/filesystem/pickle/list-writer.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { FileSystem } from "../files/file-system.ts";
import { cutJob, grouped } from "./cut.ts";
import type { KeptJob, KeptJobs } from "./kept.ts";
import { blockId, Mirror } from "./mirror.ts";

export type RunParts = {
  readonly kept: KeptJobs;
  readonly cluster: Cluster;
  readonly files: FileSystem;
  readonly signal: AbortSignal;
  /** Between two looks whether the job was removed, ms. */
  readonly lookEveryMs: number;
};

/** Bytes of input for each reduce task, and how many there may be. */
const reduceBytes = 64 * 1024 * 1024;
const reducersMax = 256;
const frameBytes = 1024 * 1024;

/** Resolves with the url of the result. Throws what made the job fail. */
export async function runOnCluster(job: KeptJob, parts: RunParts): Promise<string> {
  const { request } = job;
  const mirror = new Mirror(parts.files, request);
  try {
    const submitted = job.submitted ?? (await submit(job, mirror, parts));
    const summary = await follow(submitted.job, mirror, parts);
    mustBeDone(summary);
    const url = `${request.jobUrl}/result_data`;
    await parts.files.write(url, coalesced(writePickledList(parts.cluster.results(summary))));
    await mirror.phase("DONE", "reduce");
    await markBlocks(submitted.reducers, url, mirror);
    keepResultOf(request.jobId, url, parts.kept);
    return url;
  } catch (error) {
    const wasRemoved = error instanceof ClusterError && error.code === "not-found";
    const id = parts.kept.find(request.jobId)?.submitted?.job;
    if (wasRemoved && id !== undefined) await parts.cluster.cancel(id).catch(() => {});
    throw error;
  }
}

/** So that other functions or data under the same id are computed anew. */
export function keepResultOf(jobId: string, resultUrl: string, kept: KeptJobs): void {
  const content = kept.find(jobId)?.content ?? null;
  if (content !== null) kept.keepResult(jobId, { content, resultUrl });
}

type Submitted = NonNullable<KeptJob["submitted"]>;

async function submit(job: KeptJob, mirror: Mirror, parts: RunParts): Promise<Submitted> {
  const { cluster, files, kept } = parts;
  const { request, run } = job;
  await mirror.phase("GETWORKERS", "map");
  const slots = await cluster.slots();
  await mirror.phase("SLICES", "map");
  const { content, functions, slices } = await cutJob({ files, job: request }, cluster);
  // The same after a restart: another number would be another job under the same key.
  const mapTasks = job.mapTasks ?? slots * 2;
  kept.change(request.jobId, { mapTasks, content });
  const tasks = grouped(slices, mapTasks);
  const sizeBytes = slices.reduce((sum, part) => sum + part.sizeBytes, 0);
  const reducers = Math.max(1, Math.min(reducersMax, Math.ceil(sizeBytes / reduceBytes)));
  const names = tasks.map((task) => task.map(({ name }) => name));
  await mirror.addBlocks("map", names);
  await mirror.phase("SENDTASK", "map");
  const name = `job ${request.jobId.slice(0, 12)} of the filesystem protocol`;
  const { jobUrl } = request;
  const wanted = { name, form: "whole_job", functions, jobUrl, tasks, reducers } as const;
  const submitted = { job: await cluster.submit(wanted, run), reducers };
  kept.change(request.jobId, { submitted });
  await callSubmitted(tasks.length, job.ping, mirror);
  await mirror.phase("WAITANSWERS", "map");
  return submitted;
}

/** Blocks that an earlier tracker has left beyond these stay `ADDED`: one that is `SUBMITTED` would
 *  be given out, beside those that have its slices now, by an existing tracker that takes over. */
async function callSubmitted(count: number, ping: Listen, mirror: Mirror): Promise<void> {
  const rows = await mirror.blocks("map");
  if (rows.length === count) return mirror.allBlocks("map", "SUBMITTED", ping);
  for (let index = 0; index < count; index += 1) {
    await mirror.block(blockId("map", index), "SUBMITTED", ping);
  }
}

async function follow(
  job: string,
  mirror: Mirror,
  { cluster, lookEveryMs, signal }: RunParts,
): Promise<JobSummary> {
  const removal = watchRemoval(mirror, lookEveryMs);
  const either = AbortSignal.any([signal, removal.signal]);
  try {
    for await (const summary of cluster.watch(job, either)) {
      if (summary.state !== "running") return summary;
    }
  } catch (error) {
    if (removal.signal.aborted) throw removal.signal.reason;
    throw error;
  } finally {
    removal.stop();
  }
  throw new ClusterError("unavailable", `${job} is not followed any more`);
}

/** All are done, and the result is what the reduce blocks have left. */
async function markBlocks(reducers: number, resultUrl: string, mirror: Mirror): Promise<void> {
  await mirror.allBlocks("map", "DONE");
  const reduce = Array.from({ length: reducers }, () => []);
  await mirror.addBlocks("reduce", reduce);
  for (const index of reduce.keys()) await mirror.result(blockId("reduce", index), [resultUrl]);
  await mirror.allBlocks("reduce", "DONE");
}

/** Aborts with `not-found` once the job has no database any more. */
function watchRemoval(mirror: Mirror, everyMs: number) {
  const gone = new AbortController();
  let timer: NodeJS.Timeout | null = null;
  const look = async () => {
    try {
      await mirror.row();
      if (timer !== null) timer = setTimeout(look, everyMs);
    } catch (error) {
      const isGone = error instanceof ClusterError && error.code === "not-found";
      if (isGone) gone.abort(new ClusterError("not-found", "the job was removed"));
      else if (timer !== null) timer = setTimeout(look, everyMs);
    }
  };
  timer = setTimeout(look, everyMs);
  const stop = () => {
    clearTimeout(timer ?? undefined);
    timer = null;
  };
  return { signal: gone.signal, stop };
}

function mustBeDone({ failure, job, state }: JobSummary): void {
  if (state === "done") return;
  if (failure === null) throw new ClusterError("conflict", `${job} was cancelled`);
  const { code, message, stack = "" } = failure;
  throw new ClusterError(code, stack === "" ? message : `${message}\n${stack}`);
}

/** A frame is answered before the next is sent: few large ones. */
export async function* coalesced(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void> {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  for await (const chunk of chunks) {
    held.push(chunk);
    heldBytes += chunk.length;
    if (heldBytes < frameBytes) continue;
    yield Buffer.concat(held);
    held = [];
    heldBytes = 0;
  }
  if (heldBytes > 0) yield Buffer.concat(held);
}
