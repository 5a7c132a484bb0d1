/** Runs one job of the protocol by tasks that existing workers get, too: the whole cluster is one
 *  worker among them.
 *
 *  It goes on where the rows of its database say that it is, as existing trackers do. Files of map
 *  results only grow: so it is for jobs that no tracker has begun before. */
import { ClusterError } from "../../core/error.ts";
import type { Listen } from "../../link/listen.ts";
import { asList } from "../../wire/filesystem/fields.ts";
import type { TaskKind } from "../../wire/filesystem/jobs.ts";
import { jobPhases } from "../../wire/filesystem/jobs.ts";
import { pickleBytesMax } from "../../wire/filesystem/limits.ts";
import { writePickledList } from "../../wire/filesystem/pickle/list-writer.ts";
import { readPickle } from "../../wire/filesystem/pickle/reader.ts";
import type { PyValue } from "../../wire/filesystem/value.ts";
import type { FileSystem } from "../files/file-system.ts";
import type { RoomyWorker } from "../workers.ts";
import { type Block, type BlockLimits, runBlocks } from "./blocks.ts";
import { storeSlices } from "./cut.ts";
import type { KeptJob } from "./kept.ts";
import { blockId, Mirror } from "./mirror.ts";
import { coalesced, keepResultOf, type RunParts } from "./run.ts";

export type SpreadParts = RunParts & {
  readonly workers: () => Promise<readonly RoomyWorker[]>;
  readonly host: string;
  readonly advertised: string;
  readonly refuse: (host: string) => string | null;
  readonly own: () => Listen;
  readonly limits: BlockLimits;
  readonly onNews: (text: string) => void;
};

/** `uncertain`: why what is in the file system cannot be relied upon. */
export type SpreadEnd = { readonly resultUrl: string } | { readonly uncertain: string };

/** Of each half, for each worker: who is quicker gets more. */
const blocksEach = 2;

/** Throws what made the job fail. */
export async function runOnWorkers(job: KeptJob, parts: SpreadParts): Promise<SpreadEnd> {
  const { files } = parts;
  const { request } = job;
  const mirror = new Mirror(files, request);
  await mirror.takeOver(job.ping);
  const groups = job.mapTasks ?? (await parts.workers()).length * blocksEach;
  parts.kept.change(request.jobId, { mapTasks: groups });
  const half = { job, mirror, groups, parts };
  const uncertain =
    (await runHalf("map", half, () => namesOfSlices(job, parts))) ??
    (await runHalf("reduce", half, () => mirror.results("map")));
  if (uncertain !== null) return { uncertain };
  const url = `${request.jobUrl}/result_data`;
  const pairs = resultPairs(await mirror.results("reduce"), files);
  await files.write(url, coalesced(writePickledList(pairs)));
  await mirror.phase("DONE", "reduce");
  keepResultOf(request.jobId, url, parts.kept);
  return { resultUrl: url };
}

type Half = {
  readonly job: KeptJob;
  readonly mirror: Mirror;
  readonly groups: number;
  readonly parts: SpreadParts;
};

async function runHalf(
  kind: TaskKind,
  { groups, job, mirror, parts }: Half,
  namesOf: () => Promise<readonly string[]>,
): Promise<string | null> {
  const row = await mirror.row();
  const phase = (jobPhases as readonly string[]).indexOf(row?.status_phase ?? "");
  const isOver = kind === "map" && row?.job_state === "reduce";
  if (isOver) return null;
  const isCut = row?.job_state === kind && phase >= jobPhases.indexOf("SENDTASK");
  if (!isCut) {
    await mirror.phase("GETWORKERS", kind);
    await mirror.phase("SLICES", kind);
    const blocks = dealt(await namesOf(), groups);
    await mirror.addBlocks(kind, blocks);
    await mirror.phase("SENDTASK", kind);
  }
  const blocks = await blocksOf(kind, mirror);
  const { databaseUrl, functionsUrl, jobId, jobUrl } = job.request;
  const isPickled = kind === "reduce";
  const task = { jobId, jobUrl, functionsUrl, databaseUrl, task: kind, isPickled };
  await mirror.phase("WAITANSWERS", kind);
  const uncertain = await runBlocks(blocks, { ...parts, mirror, task, isResumed: isCut });
  if (uncertain === null) await mirror.phase("GETRESULTS", kind);
  return uncertain;
}

/** Names in one TASK: about 2 MB of them. */
const namesMax = 20_000;

/** In turns, into so many groups, or more where one would have too many names; none is empty. */
function dealt(names: readonly string[], groups: number): string[][] {
  const wanted = Math.max(groups, Math.ceil(names.length / namesMax));
  const made: string[][] = Array.from({ length: Math.min(wanted, names.length) }, () => []);
  for (const [index, name] of names.entries()) made[index % made.length]?.push(name);
  return made;
}

async function blocksOf(kind: TaskKind, mirror: Mirror): Promise<Block[]> {
  const rows = await mirror.blocks(kind);
  const blocks: Block[] = [];
  for (let index = 0; index < rows.length; index += 1) {
    const id = blockId(kind, index);
    const files = await mirror.slices(id);
    if (files.length > 0) blocks.push({ id, files });
  }
  return blocks;
}

async function namesOfSlices({ request }: KeptJob, parts: RunParts): Promise<string[]> {
  const names: string[] = [];
  const sources = { files: parts.files, job: request };
  const { content } = await storeSlices(sources, (name) => void names.push(name));
  parts.kept.change(request.jobId, { content });
  return names;
}

async function* resultPairs(
  urls: readonly string[],
  files: FileSystem,
): AsyncGenerator<PyValue, void> {
  for (const url of urls) {
    const list = asList(readPickle(await files.readWhole(url, pickleBytesMax)));
    if (list === null) throw new ClusterError("data-lost", `${url} is no pickle of a list`);
    yield* list;
  }
}
