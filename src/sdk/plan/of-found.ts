/** The plan of a job over files that have been found: which bytes each task reads, with which
 *  parameters, into how many partitions. The same wherever it is made, so that a job of the web
 *  page and one of the command line are cut alike; and the same plan is run by the cluster and by
 *  the sequential judge. */
import { createHash } from "node:crypto";
import { ClusterError } from "../../core/error.ts";
import type { Hash } from "../../core/ids.ts";
import { tableFormat } from "../../tables/file.ts";
import type { InputFile, Plan } from "../../wire/block/plan.ts";
import { planText } from "../../wire/block/plan-text.ts";
import type { AnyMapReduce, AnyOperator, AnyTasks, Job, Params } from "../job.ts";
import type { FoundFile } from "./found.ts";
import { hasCuts, lookInto } from "./inputs/look.ts";
import { type Items, listItems, listLines } from "./items.ts";
import { checkNumber } from "./numbers.ts";
import {
  type Formats,
  formatsOf,
  inOneTask,
  planOperator,
  recordsIn,
  reducersOf,
  splitMaxBytes,
} from "./operator.ts";
import { mergeParams } from "./params.ts";
import type { Sampled } from "./places.ts";
import { cutSplits, type SplittableFile } from "./splits.ts";
import type { Upload } from "./upload.ts";

export type PlanSettings = {
  /** Texts (from a command line) or JSON values, over the job's defaults. */
  readonly params: Readonly<Record<string, unknown>>;
  /** Bytes of input a map task reads; default 64 MiB, 1 to 64 GiB. */
  readonly splitBytes?: number;
  /** Number of reduce tasks, over the job's own; 0 = map only. */
  readonly reducers?: number;
  /** Bytes a map task may hold before it spills, 1 KiB to 16 GiB; see `spillDefault`. */
  readonly spillBytes?: number;
  /** This machine (`hostId`), where files with paths lie. */
  readonly host: string;
};

export type PlannedFound = {
  readonly plan: Plan;
  readonly inputBytes: number;
  /** Blobs that the plan names: standard input, items. */
  readonly uploads: readonly Upload[];
  /** The same for the judge, which reads texts alone; absent when there is nothing else. */
  readonly unfolded?: () => Promise<PlannedFound>;
};

type Wanted = PlanSettings & Pick<Sampled, "readRemote" | "sampleTable" | "unpackStart">;

export const splitDefaultBytes = 64 * 1024 * 1024;
/** Splits of a large file may have so many bytes, where that makes one split less. */
const slackBytes = splitDefaultBytes + splitDefaultBytes / 10;
const mib = 1024 * 1024;
const reducersMax = 100_000;
const mapTasksMax = 10_000_000;

export async function planFound(
  job: Job,
  files: readonly FoundFile[],
  wanted: Wanted,
): Promise<PlannedFound> {
  const params = mergeParams(job.options.params ?? {}, wanted.params);
  const asked = wanted.spillBytes ?? spillDefault(job);
  const spillBytes = checkNumber("spillBytes", asked, 1024, 16384 * mib);
  const fixed = { version: 1, params, spillBytes } as const;
  if (job.kind !== "tasks") return planFiles(job, files, wanted, fixed);
  return planItems(
    fixed,
    job.foreign === undefined
      ? await listItems(job, params)
      : listLines(await job.foreign.items(params as Params)),
  );
}

/** A list of tasks whose items are lines of JSON already. */
export function planLines(job: AnyTasks, lines: Uint8Array): PlannedFound {
  const params = mergeParams(job.options.params ?? {}, {});
  return planItems({ version: 1, params, spillBytes: spillDefault(job) }, listLines(lines));
}

type Fixed = Pick<Plan, "version" | "params" | "spillBytes">;

function planItems(fixed: Fixed, { count, upload }: Items): PlannedFound {
  const items = { hash: upload.hash, count };
  const plan: Plan = { ...fixed, files: [], splits: [], items, reducers: 0 };
  return { plan, inputBytes: 0, uploads: [upload] };
}

/** A `combine` of the job's own may be inexact (a sum of fractions), so that its last digits depend
 *  on where a task spills: the bound is what every worker with 128 MiB for a task can keep. */
function spillDefault(job: Job): number {
  const hasCombine = job.kind === "map-reduce" && job.options.combine !== undefined;
  return (hasCombine ? 32 : 64) * mib;
}

/** The plan as the blob that workers read, and its name. */
export function planBlob(plan: Plan): { bytes: Uint8Array; hash: Hash } {
  const bytes = Buffer.from(planText(plan));
  return { bytes, hash: createHash("sha256").update(bytes).digest("hex") };
}

async function planFiles(
  job: AnyMapReduce | AnyOperator,
  found: readonly FoundFile[],
  wanted: Wanted,
  fixed: Fixed,
): Promise<PlannedFound> {
  const formats = formatsOf(job);
  const files = await lookInto(found, formats, wanted.unpackStart);
  const most = splitMaxBytes(job, fixed.spillBytes);
  const fitting = Math.min(splitDefaultBytes, most);
  const asked = wanted.splitBytes ?? fitting;
  const splitBytes = checkNumber("splitBytes", asked, 1, 64 * 1024 ** 3);
  const inputBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  const wished = wanted.reducers ?? job.options.reducers;
  const reducers = checkNumber("reducers", reducersOf(job, wished, inputBytes), 0, reducersMax);
  if (inputBytes / splitBytes > mapTasksMax) {
    const limit = `splitBytes ${splitBytes} makes more than ${mapTasksMax} map tasks`;
    throw new ClusterError("limit-exceeded", `${limit}; use larger splits`);
  }
  const splittable = files.map((file) => cutting(formats, file, splitBytes));
  const uploads = files.flatMap(({ at }) => (at.kind === "upload" ? [at.upload] : []));
  const inputs = files.map((file, i) => inputFile(file, wanted.host, splittable[i]!));
  const { readRemote, sampleTable, unpackStart } = wanted;
  const from = {
    ...{ files: inputs, uploads, reducers, unpackStart },
    ...(sampleTable === undefined ? {} : { sampleTable }),
    ...(readRemote === undefined ? {} : { readRemote }),
  };
  const plan: Plan = {
    ...fixed,
    files: inputs,
    splits: cutSplits(splittable, splitBytes, wanted.splitBytes ?? Math.min(slackBytes, most)),
    items: null,
    reducers,
    ...(job.kind === "operator" ? await planOperator(job, from) : {}),
  };
  return { plan: { ...plan, ...inOneTask(plan, inputBytes) }, inputBytes, uploads };
}

function cutting(formats: Formats, file: FoundFile, splitBytes: number): SplittableFile {
  const { input, sizeBytes } = file;
  const format = formats[file.input];
  const isWhole = format?.format === "file" || (format?.format === "csv" && format.multiline);
  const isPlain = file.compression === "none";
  const isTable = tableFormat(file) !== null;
  const isSmall = sizeBytes <= splitBytes;
  const mayCut = isTable || (isPlain && !isWhole && (isSmall || hasCuts(file, format)));
  const isRecord = format?.format === "file";
  const mayPack = isPlain || isTable;
  return { input, sizeBytes, mayCut, mayPack, isRecord, ...recordsIn(file, format) };
}

function inputFile(file: FoundFile, host: string, { recordBytes }: SplittableFile): InputFile {
  const { name, compression, sizeBytes } = file;
  const records = recordBytes === undefined ? {} : { recordBytes };
  return { name, compression, sizeBytes, ...records, at: placeOf(file.at, host) };
}

function placeOf(at: FoundFile["at"], host: string): InputFile["at"] {
  switch (at.kind) {
    case "path":
      return { kind: "path", host, path: at.path, mtimeMs: at.mtimeMs };
    case "upload":
      return { kind: "blob", hash: at.upload.hash };
    case "shared":
      return at;
    case "remote":
      return { kind: "remote", url: at.url, tag: at.tag };
  }
}
