/** Runs an operator, or a job of map and reduce, in this process as its tasks on a cluster would:
 *  planned, each split mapped, each partition reduced; and by the judge, to compare. */
import { closeSync, createWriteStream, openSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { hostId } from "../../src/link/host.ts";
import type { Job } from "../../src/sdk/job.ts";
import { runLocal } from "../../src/sdk/local.ts";
import { type Planned, planJob } from "../../src/sdk/plan.ts";
import { decodeManifest } from "../../src/wire/block/manifest.ts";
import type { Plan } from "../../src/wire/block/plan.ts";
import { openLocal } from "../../src/worker/input/file.ts";
import { PipeSource } from "../../src/worker/input/pipe-source.ts";
import { streamSplit } from "../../src/worker/input/split.ts";
import type { Segment } from "../../src/worker/kernels/run-file.ts";
import { operatorKernel } from "../../src/worker/operators/kernel.ts";
import type { OperatorKernel } from "../../src/worker/operators/operator.ts";
import { type MapTask, runMapTask } from "../../src/worker/task/map-task.ts";
import { type ReduceTask, runReduce } from "../../src/worker/task/reduce-task.ts";
import { segmentOf } from "./run.ts";

export type Trial = {
  readonly job: Job;
  readonly inputs: readonly string[];
  /** For all files that are made. */
  readonly dir: string;
  readonly splitBytes: number;
  readonly spillBytes: number;
  readonly reducers?: number;
};

function planned({ job, inputs, splitBytes, spillBytes, reducers }: Trial): Promise<Planned> {
  const sizes = { splitBytes, spillBytes, ...(reducers === undefined ? {} : { reducers }) };
  return planJob(job, { inputs, params: {}, host: hostId(), ...sizes });
}

/** The parts of the judge. */
export async function judgedParts(trial: Trial): Promise<Buffer[]> {
  const { result } = await runLocal(trial.job, await planned(trial));
  const parts: Buffer[] = [];
  for (const part of result.parts) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of part.read()) chunks.push(chunk);
    parts.push(Buffer.concat(chunks));
  }
  return parts;
}

/** The parts of the tasks. */
export async function kernelParts(trial: Trial): Promise<Buffer[]> {
  const { plan } = await planned(trial);
  // A job of the user's own functions has no kernel besides them.
  const { operator } = plan;
  const kernel: OperatorKernel =
    operator === undefined ? { job: trial.job as never } : operatorKernel(operator);
  const { job } = kernel;
  const { params } = plan;
  const made: string[] = [];
  const partitions: Segment[][] = Array.from({ length: plan.reducers }, () => []);
  for (let task = 0; task < plan.splits.length; task++) {
    const out = join(trial.dir, `map-${task}`);
    const fd = await framesOf(plan, task, `${out}.frames`);
    const source = new PipeSource(fd);
    source.startTask();
    const map: MapTask = { job, plan, params, task, source, out };
    runMapTask(map, kernel);
    closeSync(fd);
    made.push(`${out}.run`, `${out}.manifest`, `${out}.frames`);
    if (plan.inOneTask === true) {
      made.push(`${out}.part`);
      break;
    }
    const manifest = decodeManifest(readFileSync(`${out}.manifest`));
    for (const [i, partition] of [...manifest].entries()) {
      partitions[i]!.push(segmentOf(out, partition));
    }
  }
  const whole = plan.inOneTask === true ? [readFileSync(join(trial.dir, "map-0.part"))] : null;
  const reduced = whole === null ? partitions : [];
  const parts = reduced.map((segments, task) => {
    const out = join(trial.dir, `reduce-${task}`);
    const reduce: ReduceTask = { job, params, task, segments, out };
    kernel.reduce?.(reduce) ?? runReduce(reduce);
    made.push(`${out}.part`);
    return readFileSync(`${out}.part`);
  });
  for (const path of made) rmSync(path, { force: true });
  return whole ?? parts;
}

/** A file with what a task process is sent. */
async function framesOf(plan: Plan, task: number, path: string): Promise<number> {
  const sink = createWriteStream(path);
  const { signal } = new AbortController();
  // Every other task reads its files itself.
  const direct = task % 2 === 0 ? {} : { direct: (path: string) => path };
  await streamSplit({ plan, task, open: openLocal, sink, signal, ...direct });
  sink.end();
  await finished(sink);
  return openSync(path, "r");
}
