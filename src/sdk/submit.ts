/** Sends a built and planned job to a coordinator: first every blob that it names, then the job. */
import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { ClusterError } from "../core/error.ts";
import type { JobSpec, Priority, PythonEngine, Shuffle } from "../core/job.ts";
import type { Submitted } from "../wire/api/messages.ts";
import type { InputFile, Plan } from "../wire/block/plan.ts";
import type { BuiltJob } from "./bundle.ts";
import type { Client, JobWithResults, TransferOptions } from "./client.ts";
import { mayBeEarly, refused, sendBehind } from "./early.ts";
import { checkKey } from "./plan/numbers.ts";
import { planBlob } from "./plan/of-found.ts";
import { jobSpecOf, type TrustTerms } from "./plan/spec.ts";
import { hashFile, type Upload } from "./plan/upload.ts";
import type { Planned } from "./plan.ts";

export type SubmitOptions = {
  readonly name: string;
  /** Idempotency key: the same key and job give the same job id. Null = a new one. */
  readonly key?: string | null;
  /** Share against other jobs, 1 to 1,000; default 1. */
  readonly weight?: number;
  /** Beside the owner's other jobs: high counts four times as much as normal, low a quarter. */
  readonly priority?: Priority;
  /** Browsers that bring code of their own (they speak only the base browser protocol) may run
   *  it. */
  readonly bareBrowsers?: boolean;
  /** Who may compute it, and how results of volunteers are checked. Default: what the job says. */
  readonly trust?: TrustTerms;
  /** Of a job in Python: the only engine that may run it. */
  readonly engine?: PythonEngine;
  /** A failed task of a list is left out of the result, instead of failing the job. */
  readonly keepGoing?: boolean;
  /** Where the partitions of map tasks lie; "s3" needs a coordinator with blobs in S3. Default: as
   *  the coordinator was started. */
  readonly shuffle?: Shuffle;
  /** How the input files are sent, when they have to be. */
  readonly upload?: UploadOptions;
};

export type UploadOptions = Omit<TransferOptions, "onBytes"> & {
  /** Called whenever some bytes have arrived: of the input files, then of code and plan. */
  readonly onProgress?: (progress: UploadProgress) => void;
};

/** Of all files that are sent together. */
export type UploadProgress = {
  readonly files: number;
  /** What is at the coordinator, whether this call has sent it or not. */
  readonly doneBytes: number;
  readonly sizeBytes: number;
};

/** The job's id, once it is durable. Input files stay where they are when the coordinator is on
 *  their machine and lets this user name local paths; else they are sent as blobs. */
export async function submitJob(
  client: Client,
  built: BuiltJob,
  planned: Planned,
  options: SubmitOptions,
): Promise<string> {
  return (await submitKeyed(client, built, planned, options)).job;
}

/** The same, and whether the key has named this job before. */
export function submitKeyed(
  client: Client,
  built: BuiltJob,
  planned: Planned,
  options: SubmitOptions,
): Promise<Submitted> {
  const submit = (...job: Job) => client.submitKeyed(...job);
  const early = (spec: JobSpec) => client.submitEarly(spec);
  return submitVia(client, { built, planned, submit, early }, options);
}

/** The same for a list of tasks, with its results: see `Client.submitForResults`. */
export function submitTasks(
  client: Client,
  built: BuiltJob,
  planned: Planned,
  options: SubmitOptions,
): Promise<JobWithResults> {
  const submit = (...job: Job) => client.submitForResults(...job);
  return submitVia(client, { built, planned, submit }, options);
}

type Job = readonly [spec: JobSpec, key: string | null];
type Submission<T> = {
  readonly built: BuiltJob;
  readonly planned: Planned;
  readonly submit: (...job: Job) => Promise<T>;
  /** Before its input files are there; absent where results are waited for. */
  readonly early?: (spec: JobSpec) => Promise<T & Submitted>;
};

async function submitVia<T>(
  client: Client,
  { built, early, planned, submit }: Submission<T>,
  options: SubmitOptions,
): Promise<T> {
  checkKey(options.key ?? null);
  const bytes = built.zip ?? Buffer.from(built.code);
  const at = { kind: "bytes", bytes } as const;
  const code = { hash: built.hash, sizeBytes: bytes.length, at };
  const blobs = [code, ...modulesOf(built), ...planned.uploads];
  const hasPaths = planned.plan.files.some(({ at }) => at.kind === "path");
  if (!hasPaths || !(await isElsewhere(client, planned.plan))) {
    try {
      return await submitPlan(client, { built, planned, submit, blobs }, options);
    } catch (error) {
      const mayNotName = error instanceof ClusterError && error.code === "forbidden";
      if (!mayNotName || !hasPaths) throw error;
    }
  }
  const { plan, uploads } = await namedByContent(planned.plan, options);
  const sent = { built, planned: { ...planned, plan }, submit, blobs };
  const { upload = {} } = options;
  const send = (by: UploadOptions) => client.putBlobs(uploads, counted(uploads, by));
  if (early !== undefined && mayBeEarly(plan, uploads, options)) {
    const quiet = { ...options, upload: withoutProgress(upload) };
    const submitted = await submitPlan(client, { ...sent, submit: early }, quiet).catch(refused);
    if (submitted !== null) {
      const sending = (signal: AbortSignal) => send({ ...upload, signal });
      await sendBehind(client, submitted.job, sending, upload.signal);
      return submitted;
    }
  }
  await send(upload);
  return submitPlan(client, { ...sent, blobs: [...blobs, ...uploads] }, options);
}

async function isElsewhere(client: Client, { files }: Plan): Promise<boolean> {
  const host = await client.host();
  return files.some(({ at }) => at.kind === "path" && at.host !== host);
}

/** `blobs`: those that the plan names, and the code. */
type WithBlobs<T> = Submission<T> & { readonly blobs: readonly Upload[] };

async function submitPlan<T>(
  client: Client,
  { built, planned, submit, blobs }: WithBlobs<T>,
  options: SubmitOptions,
): Promise<T> {
  const { bytes, hash } = planBlob(planned.plan);
  const { bareBrowsers, engine, keepGoing, name, priority, shuffle, trust, weight } = options;
  const [module] = modulesOf(built);
  const spec = jobSpecOf(built.job, planned, {
    name,
    codeHash: built.hash,
    planHash: hash,
    ...(weight === undefined ? {} : { weight }),
    ...(priority === undefined ? {} : { priority }),
    ...(trust === undefined ? {} : { trust }),
    ...(bareBrowsers === undefined ? {} : { bareBrowsers }),
    ...(keepGoing === undefined ? {} : { keepGoing }),
    ...(shuffle === undefined ? {} : { shuffle }),
    ...(engine === undefined ? {} : { engine }),
    ...(module === undefined ? {} : { moduleHash: module.hash }),
  });
  const at = { kind: "bytes", bytes } as const;
  // Each waits for a disk: all at once, and the plan with them.
  const all = [...blobs, { hash, sizeBytes: bytes.length, at }];
  const sendAll = () => client.putBlobs(all, counted(all, options.upload));
  await sendAll();
  options.upload?.signal?.throwIfAborted();
  try {
    return await submit(spec, options.key ?? null);
  } catch (error) {
    if (!(error instanceof ClusterError) || error.code !== "not-found") throw error;
  }
  // Blobs that were there are gone: they were removed, or another coordinator has the address.
  client.forgetBlobs();
  await sendAll();
  return submit(spec, options.key ?? null);
}

/** The module of a job that is one; a list, so that it goes with the other blobs. */
function modulesOf({ module: bytes }: BuiltJob): Upload[] {
  if (bytes === undefined) return [];
  return [
    {
      hash: createHash("sha256").update(bytes).digest("hex"),
      sizeBytes: bytes.length,
      at: { kind: "bytes", bytes },
    },
  ];
}

function withoutProgress({ onProgress: _, ...upload }: UploadOptions): UploadOptions {
  return upload;
}

/** Progress over all of them together. */
function counted(
  sent: ReadonlyArray<{ readonly sizeBytes: number }>,
  { onProgress, ...options }: UploadOptions = {},
): TransferOptions {
  if (onProgress === undefined) return options;
  const sizeBytes = sent.reduce((sum, one) => sum + one.sizeBytes, 0);
  let doneBytes = 0;
  const onBytes = (bytes: number): void => {
    doneBytes += bytes;
    onProgress({ files: sent.length, doneBytes, sizeBytes });
  };
  return { ...options, onBytes };
}

/** The plan with every local file named by its hash, to be sent as a blob. */
async function namedByContent(plan: Plan, { upload: { signal } = {} }: SubmitOptions) {
  const files: InputFile[] = [];
  const uploads: Upload[] = [];
  for (const file of plan.files) {
    const { at } = file;
    if (at.kind !== "path") {
      files.push(file);
      continue;
    }
    signal?.throwIfAborted();
    const { size, mtimeMs } = await stat(at.path);
    if (size !== file.sizeBytes || mtimeMs !== at.mtimeMs) {
      const text = `${file.name} changed while the job was submitted; submit it again`;
      throw new ClusterError("data-lost", text);
    }
    const hash = await hashFile(at.path, signal);
    uploads.push({ hash, sizeBytes: size, at: { kind: "path", path: at.path } });
    files.push({ ...file, at: { kind: "blob", hash } });
  }
  return { plan: { ...plan, files } satisfies Plan, uploads };
}
