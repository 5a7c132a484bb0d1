/** Runs one job of the protocol on the whole cluster, and writes its state where existing programs
 *  look for it.
 *
 *  1. What has been submitted is never submitted again: the job's key is that of its run.
 *  2. The result has its name before the job is DONE.
 *  3. A job whose database is gone was removed: what computes it is cancelled. */
import { ClusterError } from "../../core/error.ts";
import type { JobSummary, StageSummary } from "../../core/summary.ts";
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
    const summary = await follow(submitted, mirror, parts);
    mustBeDone(summary);
    await mirror.phase("GETRESULTS", "reduce");
    const url = `${request.jobUrl}/result_data`;
    await parts.files.write(url, coalesced(writePickledList(parts.cluster.results(summary))));
    for (let index = 0; index < submitted.reducers; index += 1) {
      await mirror.result(blockId("reduce", index), [url]);
    }
    await mirror.phase("DONE", "reduce");
    parts.kept.keepResult(request.jobId, { content: submitted.content, resultUrl: url });
    return url;
  } catch (error) {
    const wasRemoved = error instanceof ClusterError && error.code === "not-found";
    const id = parts.kept.find(request.jobId)?.submitted?.job;
    if (wasRemoved && id !== undefined) await parts.cluster.cancel(id).catch(() => {});
    throw error;
  }
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
  kept.change(request.jobId, { mapTasks });
  const tasks = grouped(slices, mapTasks);
  const sizeBytes = slices.reduce((sum, part) => sum + part.sizeBytes, 0);
  const reducers = Math.max(1, Math.min(reducersMax, Math.ceil(sizeBytes / reduceBytes)));
  const names = tasks.map((task) => task.map(({ name }) => name));
  await mirror.addBlocks("map", names);
  await mirror.phase("SENDTASK", "map");
  const name = `job ${request.jobId.slice(0, 12)} of the filesystem protocol`;
  const { jobUrl } = request;
  const wanted = { name, form: "whole_job", functions, jobUrl, tasks, reducers } as const;
  const submitted = { job: await cluster.submit(wanted, run), reducers, content };
  kept.change(request.jobId, { submitted });
  for (const index of tasks.keys())
    await mirror.block(blockId("map", index), "SUBMITTED", job.ping);
  await mirror.phase("WAITANSWERS", "map");
  return submitted;
}

async function follow(
  submitted: Submitted,
  mirror: Mirror,
  { cluster, lookEveryMs, signal }: RunParts,
): Promise<JobSummary> {
  const progress = new Progress(submitted, mirror, cluster);
  const removal = watchRemoval(mirror, lookEveryMs);
  const either = AbortSignal.any([signal, removal.signal]);
  try {
    for await (const summary of cluster.watch(submitted.job, either)) {
      await progress.saw(summary);
      if (summary.state !== "running") return summary;
    }
  } catch (error) {
    if (removal.signal.aborted) throw removal.signal.reason;
    throw error;
  } finally {
    removal.stop();
  }
  throw new ClusterError("unavailable", `${submitted.job} is not followed any more`);
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

/** Marks blocks as they are done. */
class Progress {
  readonly #submitted: Submitted;
  readonly #mirror: Mirror;
  readonly #cluster: Cluster;
  readonly #marked = [new Set<number>(), new Set<number>()] as const;
  #isReducing = false;

  constructor(submitted: Submitted, mirror: Mirror, cluster: Cluster) {
    this.#submitted = submitted;
    this.#mirror = mirror;
    this.#cluster = cluster;
  }

  async saw({ stages, state }: JobSummary): Promise<void> {
    if (state !== "running" && state !== "done") return;
    const [map, reduce] = stages;
    if (map !== undefined) await this.#stage(0, map);
    if (reduce === undefined || map === undefined || map.done < map.taskCount) return;
    if (!this.#isReducing) await this.#beginReduce(reduce.taskCount);
    await this.#stage(1, reduce);
  }

  async #beginReduce(count: number): Promise<void> {
    this.#isReducing = true;
    await this.#mirror.phase("GETRESULTS", "map");
    await this.#mirror.phase("GETWORKERS", "reduce");
    await this.#mirror.phase("SLICES", "reduce");
    await this.#mirror.addBlocks(
      "reduce",
      Array.from({ length: count }, () => []),
    );
    await this.#mirror.phase("SENDTASK", "reduce");
    for (let index = 0; index < count; index += 1) {
      await this.#mirror.block(blockId("reduce", index), "SUBMITTED");
    }
    await this.#mirror.phase("WAITANSWERS", "reduce");
  }

  async #stage(stage: 0 | 1, { done, taskCount }: StageSummary): Promise<void> {
    const marked = this.#marked[stage];
    if (done <= marked.size) return;
    // What the coordinator has forgotten of single tasks is known once all are done.
    const all = done === taskCount;
    const tasks = all
      ? Array.from({ length: taskCount }, (_, task) => task)
      : await this.#cluster.doneTasks(this.#submitted.job, stage);
    for (const task of tasks) {
      if (marked.has(task)) continue;
      marked.add(task);
      await this.#mirror.block(blockId(stage === 0 ? "map" : "reduce", task), "DONE");
    }
  }
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
