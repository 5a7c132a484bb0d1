/** Plans a job: which bytes each task reads, with which parameters, into how many partitions. The
 *  same plan is run by the cluster and by the sequential judge, so both cut and order alike. */
import { createHash } from "node:crypto";
import { ClusterError } from "../core/error.ts";
import type { Hash } from "../core/ids.ts";
import type { InputFile, Plan } from "../wire/block/plan.ts";
import { type FindShared, type FoundFile, findInputs } from "./inputs.ts";
import type { AnyMapReduce, AnyOperator, Job } from "./job.ts";
import { listItems } from "./plan/items.ts";
import { checkNumber } from "./plan/numbers.ts";
import {
  type Formats,
  formatsOf,
  planOperator,
  recordsIn,
  reducersOf,
  splitMaxBytes,
} from "./plan/operator.ts";
import { mergeParams } from "./plan/params.ts";
import { cutSplits, type SplittableFile } from "./plan/splits.ts";
import type { Upload } from "./plan/upload.ts";

export type PlanOptions = {
  /** Files, folders, globs, `-`, `shared:name`; `name=path` for a job of several inputs. */
  readonly inputs: readonly string[];
  /** Texts (from a command line) or JSON values, over the job's defaults. */
  readonly params: Readonly<Record<string, unknown>>;
  /** Bytes of input a map task reads; default 64 MiB, 1 to 64 GiB. */
  readonly splitBytes?: number;
  /** Number of reduce tasks, over the job's own; 0 = map only. */
  readonly reducers?: number;
  /** Bytes a map task may hold before it spills; default 64 MiB, 1 KiB to 16 GiB. */
  readonly spillBytes?: number;
  readonly stdin?: AsyncIterable<Uint8Array>;
  /** Asks what members share: `client.sharedInputs`. */
  readonly shared?: FindShared;
  /** This machine (`hostId`), where the files lie. */
  readonly host: string;
};

export type Planned = {
  readonly plan: Plan;
  readonly inputBytes: number;
  /** Blobs that the plan names: standard input, items. */
  readonly uploads: readonly Upload[];
  /** Removes temporary files; to be called once the job is submitted or has run. */
  remove(): Promise<void>;
};

export const splitDefaultBytes = 64 * 1024 * 1024;
export const reducersMax = 100_000;
export const mapTasksMax = 10_000_000;

export async function planJob(job: Job, options: PlanOptions): Promise<Planned> {
  const mib = 1024 * 1024;
  const params = mergeParams(job.options.params ?? {}, options.params);
  const spillBytes = checkNumber("spillBytes", options.spillBytes ?? 64 * mib, 1024, 16384 * mib);
  const fixed = { version: 1, params, spillBytes } as const;
  if (job.kind !== "tasks") return planMapReduce(job, options, fixed);
  if (options.inputs.length > 0) {
    const text = `a list of tasks reads no inputs, but ${options.inputs[0]} was given`;
    throw new ClusterError("bad-request", `${text}; use --param for what the items depend on`);
  }
  const { count, upload } = listItems(job, params);
  const items = { hash: upload.hash, count };
  const plan: Plan = { ...fixed, files: [], splits: [], items, reducers: 0 };
  return { plan, inputBytes: 0, uploads: [upload], async remove() {} };
}

/** The plan as the blob that workers read, and its name. */
export function planBlob(plan: Plan): { bytes: Uint8Array; hash: Hash } {
  const bytes = Buffer.from(JSON.stringify(plan));
  return { bytes, hash: createHash("sha256").update(bytes).digest("hex") };
}

async function planMapReduce(
  job: AnyMapReduce | AnyOperator,
  options: PlanOptions,
  fixed: Pick<Plan, "version" | "params" | "spillBytes">,
): Promise<Planned> {
  const formats = formatsOf(job);
  const fitting = Math.min(splitDefaultBytes, splitMaxBytes(job, fixed.spillBytes));
  const asked = options.splitBytes ?? fitting;
  const splitBytes = checkNumber("splitBytes", asked, 1, 64 * 1024 ** 3);
  const { shared, stdin } = options;
  const found = await findInputs(options.inputs, {
    names: Object.keys(formats),
    ...(stdin === undefined ? {} : { stdin }),
    ...(shared === undefined ? {} : { shared }),
  });
  try {
    const files = found.files;
    const inputBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
    const wished = options.reducers ?? job.options.reducers;
    const reducers = checkNumber("reducers", reducersOf(job, wished, inputBytes), 0, reducersMax);
    if (inputBytes / splitBytes > mapTasksMax) {
      const limit = `splitBytes ${splitBytes} makes more than ${mapTasksMax} map tasks`;
      throw new ClusterError("limit-exceeded", `${limit}; use larger splits`);
    }
    const splittable = files.map((file) => ({ ...file, ...cutting(formats, file) }));
    const uploads = files.flatMap(({ at }) => (at.kind === "upload" ? [at.upload] : []));
    const inputs = files.map((file, i) => inputFile(file, options.host, splittable[i]!));
    const plan: Plan = {
      ...fixed,
      files: inputs,
      splits: cutSplits(splittable, splitBytes),
      items: null,
      reducers,
      ...(job.kind === "operator" ? planOperator(job, { files: inputs, uploads, reducers }) : {}),
    };
    return { plan, inputBytes, uploads, remove: found.remove };
  } catch (error) {
    await found.remove();
    throw error;
  }
}

type Cutting = Pick<SplittableFile, "mayCut" | "mayPack" | "recordBytes">;

function cutting(formats: Formats, file: FoundFile): Cutting {
  const format = formats[file.input];
  const isWhole = format?.format === "file" || (format?.format === "csv" && format.multiline);
  const isPlain = file.compression === "none";
  return { mayCut: isPlain && !isWhole, mayPack: isPlain, ...recordsIn(file, format) };
}

function inputFile(file: FoundFile, host: string, { recordBytes }: Cutting): InputFile {
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
  }
}
