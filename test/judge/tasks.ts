/** A job without reducers in both ways, in this process: by the judge, and by the code of a task
 *  process on each split. Returns its output, or its failure. */
import { closeSync, createWriteStream, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { ClusterError } from "../../src/core/error.ts";
import type { ResultPart } from "../../src/sdk/collect.ts";
import type { AnyMapReduce } from "../../src/sdk/job.ts";
import { runLocal } from "../../src/sdk/local.ts";
import type { PlannedFound } from "../../src/sdk/plan/of-found.ts";
import { planJob } from "../../src/sdk/plan.ts";
import { newFolder, removeFolder } from "../../src/store/testing/at-end.ts";
import type { Plan } from "../../src/wire/block/plan.ts";
import { openLocal } from "../../src/worker/input/file.ts";
import { PipeSource } from "../../src/worker/input/pipe-source.ts";
import { streamSplit } from "../../src/worker/input/split.ts";
import { runMapTask } from "../../src/worker/task/map-task.ts";

/** All parts, one after the other, and the bad records; or the failure. */
export type Outcome =
  | { readonly rows: string; readonly bad: string }
  | { readonly code: string; readonly text: string };

export async function bothWays(
  job: AnyMapReduce,
  content: string | Uint8Array,
  splitBytes: number,
): Promise<{ readonly judge: Outcome; readonly tasks: Outcome }> {
  const folder = newFolder("both-ways-");
  try {
    const path = join(folder, "input");
    writeFileSync(path, content);
    const options = { inputs: [path], params: {}, host: "here", splitBytes, reducers: 0 };
    const planned = await planJob(job, options);
    const judge = await outcome(() => judged(job, planned));
    const tasks = await outcome(() => mapped(job, planned.plan, folder));
    return { judge, tasks };
  } finally {
    removeFolder(folder);
  }
}

async function outcome(run: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof ClusterError) return { code: error.code, text: error.text };
    throw error;
  }
}

async function judged(job: AnyMapReduce, planned: PlannedFound): Promise<Outcome> {
  const { result } = await runLocal(job, planned);
  return { rows: await textOf(result.parts), bad: await textOf(result.badRecords) };
}

async function textOf(parts: readonly ResultPart[]): Promise<string> {
  const chunks: Uint8Array[] = [];
  for (const { read } of parts) for await (const chunk of read()) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

async function mapped(job: AnyMapReduce, plan: Plan, folder: string): Promise<Outcome> {
  let rows = "";
  let bad = "";
  for (const task of plan.splits.keys()) {
    const out = join(folder, `task-${task}`);
    const fd = await framesOf(plan, task, `${out}.frames`);
    try {
      const source = new PipeSource(fd);
      source.startTask();
      const { badRecordsPath } = runMapTask({ job, plan, params: {}, task, source, out }, null);
      rows += readFileSync(`${out}.part`, "utf8");
      if (badRecordsPath !== null) bad += readFileSync(badRecordsPath, "utf8");
    } finally {
      closeSync(fd);
    }
  }
  return { rows, bad };
}

async function framesOf(plan: Plan, task: number, path: string): Promise<number> {
  const sink = createWriteStream(path);
  const { signal } = new AbortController();
  await streamSplit({ plan, task, open: openLocal, sink, signal });
  sink.end();
  await finished(sink);
  return openSync(path, "r");
}
