/** What the attempts behind a ticket read: splits, items, partitions. */
import { ClusterError } from "../../../../core/error.ts";
import { attemptKey } from "../../../../core/ids.ts";
import { jobOwner, jobSpec, stageSources } from "../../../../core/view.ts";
import { readWhole } from "../../../../store/blob/whole.ts";
import type { InputFile, Plan } from "../../../../wire/block/plan.ts";
import { planFrom } from "../../../../wire/block/plan-text.ts";
import { checkText, contentStartBytes } from "../../../../wire/content/content.ts";
import { type PartitionSource, partitionBytes } from "../../../compare/partitions.ts";
import { planMaxBytes } from "../../../jobs/plans.ts";
import type { Services } from "../../../services.ts";
import type { TabRun } from "../../browser/runs.ts";
import { type OwnedInput, readInput } from "../input-file.ts";

const newline = 10;

/** The map task's records as text, cut at record ends, for basic browsers. */
export async function* splitText(
  services: Services,
  run: TabRun,
): AsyncGenerator<Uint8Array, void> {
  const plan = await wholePlan(services, run);
  const [task] = run.attempts.keys();
  for (const [index, start, end] of plan.splits[task ?? -1]?.pieces ?? []) {
    const file = plan.files[index] as InputFile;
    if (file.compression !== "none") {
      throw new ClusterError(
        "bad-request",
        `${file.name} is compressed, which basic browsers cannot read`,
      );
    }
    const owner = jobOwner(services.loop.state, run.job) ?? "";
    yield* wholeLines(services, { owner, file }, { start, end });
  }
}

/** From the first line that begins at or after `start` to the end of the last that begins before
 *  `end`. */
async function* wholeLines(
  services: Services,
  input: OwnedInput,
  { end, start }: { readonly start: number; readonly end: number },
): AsyncGenerator<Uint8Array, void> {
  const { file } = input;
  let at = Math.max(0, start - 1);
  let begun = start === 0;
  for await (const chunk of readInput(services, input, { start: at, end: file.sizeBytes })) {
    let bytes = chunk;
    if (at === 0) checkText(file.name, bytes.subarray(0, contentStartBytes), "none");
    if (!begun) {
      const found = bytes.indexOf(newline);
      at += found === -1 ? bytes.length : found + 1;
      if (found === -1) continue;
      bytes = bytes.subarray(found + 1);
      begun = true;
    }
    if (at >= end) return;
    const last =
      end - 1 < at + bytes.length ? bytes.indexOf(newline, Math.max(0, end - 1 - at)) : -1;
    yield last === -1 ? bytes : bytes.subarray(0, last + 1);
    if (last !== -1) return;
    at += bytes.length;
  }
}

/** The items of those attempts that are still wanted, one JSON text a line, in the order of the
 *  tasks. `numbered`: as `[task,item]`, since a tab that has several cannot know which are left. */
export async function* itemLines(
  services: Services,
  run: TabRun,
  numbered: boolean,
): AsyncGenerator<Uint8Array, void> {
  const { items } = await services.plans.read(
    jobSpec(services.loop.state, run.job)?.planHash ?? "",
  );
  if (items === null) throw new ClusterError("not-found", `${run.job} has no items`);
  const wanted = [...run.attempts.keys()].sort((a, b) => a - b);
  const lines = await services.itemLines.read({ job: run.job, ...items }, wanted);
  for (const [at, line] of lines.entries()) {
    yield numbered
      ? Buffer.from(`[${wanted[at]},${line.toString("utf8", 0, line.length - 1)}]\n`)
      : line;
  }
}

/** The run of the reduce task's partition as map task `from` made it, wherever it lies, verified.
 *  An answer that breaks off is requested again; the second time it is an error that the browser
 *  reports, so that the map task runs again. */
export async function* partitionRun(
  services: Services,
  run: TabRun,
  from: number,
): AsyncGenerator<Uint8Array, void> {
  let key = "";
  try {
    const source = sourceOf(services, run, from);
    key = attemptKey(source.ref);
    if (run.missed.get(from) === key) throw damagedOutput(from);
    yield* partitionBytes(services, source);
    run.missed.delete(from);
  } catch (error) {
    const isDamaged = error instanceof ClusterError && error.code === "data-lost";
    run.missed.set(from, isDamaged ? key : "");
    throw isDamaged ? damagedOutput(from) : error;
  }
}

function sourceOf({ loop }: Services, run: TabRun, from: number): PartitionSource {
  const input = jobSpec(loop.state, run.job)?.stages[run.stage]?.inputStage ?? null;
  const source = input === null ? undefined : stageSources(loop.state, run.job, input)[from];
  const [partition] = run.attempts.keys();
  if (source === undefined || source === null || input === null || partition === undefined) {
    throw new ClusterError("unavailable", `map task ${from} of ${run.job} has no output now`);
  }
  const { attempt, root, task, worker } = source;
  return { ref: { job: run.job, stage: input, task, attempt }, root, worker, partition };
}

/** A code that browsers do not retry, and that does not fail the job. */
function damagedOutput(task: number): ClusterError {
  return new ClusterError("storage-failed", `the output of map task ${task} is damaged`);
}

async function wholePlan({ blobs, loop }: Services, run: TabRun): Promise<Plan> {
  const spec = jobSpec(loop.state, run.job);
  if (spec === null) throw new ClusterError("not-found", `${run.job} is gone`);
  const bytes = await readWhole(blobs, spec.planHash, planMaxBytes);
  return planFrom(bytes.toString("utf8"));
}
