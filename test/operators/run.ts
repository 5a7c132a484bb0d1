/** Runs an operator as a cluster does, but in this process: every task through its kernel, or
 *  through the plain functions that the kernel must equal. */
import {
  closeSync,
  createWriteStream,
  existsSync,
  openSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { ResultPart } from "../../src/sdk/collect.ts";
import type { Job } from "../../src/sdk/job.ts";
import { bytesPart } from "../../src/sdk/local/parts.ts";
import { runLocal } from "../../src/sdk/local.ts";
import { laterReducers } from "../../src/sdk/plan/operator.ts";
import { type PlanOptions, planJob } from "../../src/sdk/plan.ts";
import { outputOf, shapeOf } from "../../src/sdk/table/shape.ts";
import { tabled } from "../../src/sdk/table/table.ts";
import { newFolder, removeFolder } from "../../src/store/testing/at-end.ts";
import { decodeManifest, type ManifestPartition } from "../../src/wire/block/manifest.ts";
import type { InputFile, Plan } from "../../src/wire/block/plan.ts";
import { openLocal } from "../../src/worker/input/file.ts";
import { PipeSource } from "../../src/worker/input/pipe-source.ts";
import { streamSplit } from "../../src/worker/input/split.ts";
import type { Segment } from "../../src/worker/kernels/run-file.ts";
import { operatorKernel } from "../../src/worker/operators/kernel.ts";
import type { OperatorKernel } from "../../src/worker/operators/operator.ts";
import { plainQueryKernel } from "../../src/worker/operators/query/kernel.ts";
import { type InputSource, openFile } from "../../src/worker/shuffle/open-file.ts";
import { runMapTask } from "../../src/worker/task/map-task.ts";
import { runReduce } from "../../src/worker/task/reduce-task.ts";

/** The output: a text for each part, and the bad records. */
export type Result = { readonly parts: readonly string[]; readonly bad: string };
export type Ways = {
  readonly judge: Result;
  readonly kernels: Result;
  /** Without the special kernels of tasks. */
  readonly functions: Result;
};

/** Runs a job on files with these contents in all three ways. */
export async function allWays(
  job: Job,
  contents: ReadonlyArray<string | Uint8Array>,
  options: Partial<PlanOptions> = {},
): Promise<Ways> {
  const folder = newFolder("operator-");
  try {
    const inputs = contents.map((content, i) => {
      const path = join(folder, `input-${i}`);
      writeFileSync(path, content);
      return path;
    });
    return await filesWays(job, inputs, options);
  } finally {
    removeFolder(folder);
  }
}

/** As `allWays`, on files that are there. */
export async function filesWays(
  job: Job,
  inputs: readonly string[],
  options: Partial<PlanOptions> = {},
): Promise<Ways> {
  const folder = newFolder("operator-");
  try {
    const planned = await planJob(job, { inputs, params: {}, host: "here", ...options });
    const { result } = await runLocal(job, planned);
    const texts = (parts: typeof result.parts) => Promise.all(parts.map(bytesOf));
    const judge = {
      parts: (await texts(result.parts)).map((bytes) => bytes.toString("latin1")),
      bad: Buffer.concat(await texts(result.badRecords)).toString(),
    };
    const { plan } = planned;
    const kernel = operatorKernel(plan.operator!);
    const all = async (given: OperatorKernel, name: string) =>
      inFormat(job, await runTasks(plan, given, join(folder, name)));
    const kernels = await all(kernel, "kernels");
    const { apply } = plan.operator!;
    // Sorting has kernels only, whose records may be longer than keys of pairs.
    if (apply.operator === "sort") return { judge, kernels, functions: kernels };
    const isQuery = apply.operator === "query";
    const plain = isQuery ? plainQueryKernel(plan.operator!, apply) : { job: kernel.job };
    return { judge, kernels, functions: await all(plain, "functions") };
  } finally {
    removeFolder(folder);
  }
}

/** What a client saves of the parts that tasks have left. */
async function inFormat(job: Job, { parts, bad }: Result): Promise<Result> {
  const shape = shapeOf(job, null);
  if (shape === null) return { parts, bad };
  const left = parts.map((part) => bytesPart(Buffer.from(part, "latin1")));
  const result = {
    kind: "parts",
    format: outputOf(job),
    shape,
    parts: left,
    badRecords: [],
  } as const;
  const saved = await Promise.all(tabled(result).parts.map(bytesOf));
  return { parts: saved.map((bytes) => bytes.toString("latin1")), bad };
}

async function bytesOf({ read }: ResultPart): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of read()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function runTasks(plan: Plan, kernel: OperatorKernel, path: string): Promise<Result> {
  const { job } = kernel;
  const outs: string[] = [];
  let bad = "";
  for (const task of plan.splits.keys()) {
    const out = `${path}-map-${task}`;
    const frames = await framesOf(plan, task, `${path}-frames`);
    try {
      const source = new PipeSource(frames);
      source.startTask();
      const given = { job, plan, params: {}, task, source, out };
      const { badRecordsPath } = runMapTask(given, kernel);
      if (badRecordsPath !== null) bad += readFileSync(badRecordsPath, "utf8");
    } finally {
      closeSync(frames);
    }
    outs.push(out);
  }
  if (plan.inOneTask === true) return { parts: outs.map(partText), bad };
  let last = outs;
  for (const [i, count] of [plan.reducers, ...laterReducers(plan)].entries()) {
    if (count > 0) last = runStage(kernel, { stage: i + 1, count, outs: last, path });
  }
  return { parts: last.map(partText), bad };
}

function partText(out: string): string {
  return existsSync(`${out}.part`) ? readFileSync(`${out}.part`, "latin1") : "";
}

type Stage = {
  readonly stage: number;
  readonly count: number;
  /** Of the tasks of the stage before. */
  readonly outs: readonly string[];
  readonly path: string;
};

function runStage(kernel: OperatorKernel, { stage, count, outs, path }: Stage): string[] {
  return Array.from({ length: count }, (_, task) => {
    const segments = outs.map((out) => {
      const manifest = decodeManifest(readFileSync(`${out}.manifest`));
      return segmentOf(out, manifest.at(task)!);
    });
    const out = `${path}-reduce-${stage}-${task}`;
    const given = { job: kernel.job, params: {}, stage, task, segments, out };
    kernel.reduce?.(given) ?? runReduce(given);
    return out;
  });
}

/** The part of a map output that a reduce task reads: nothing is fetched where it is empty. */
export function segmentOf(out: string, { offset, sizeBytes }: ManifestPartition): Segment {
  return { path: sizeBytes === 0 ? `${out}.not-fetched` : `${out}.run`, offset, sizeBytes };
}

/** Of files on this disk, and of addresses. */
function opener(signal: AbortSignal) {
  const source = { job: "j-1", blobs: {}, shared: {}, signal } as unknown as InputSource;
  return (file: InputFile, index: number) =>
    file.at.kind === "path" ? openLocal(file) : openFile(source, file, index);
}

/** The frames of a split, as a descriptor from which they can be read. */
async function framesOf(plan: Plan, task: number, path: string): Promise<number> {
  const sink = createWriteStream(path);
  const { signal } = new AbortController();
  // Every other split is read by the task itself.
  const direct = task % 2 === 0 ? { direct: (file: string) => file } : {};
  await streamSplit({ plan, task, open: opener(signal), sink, signal, ...direct });
  await new Promise((resolve) => sink.end(resolve));
  return openSync(path, "r");
}
