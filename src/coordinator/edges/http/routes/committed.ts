/** Results of a list of tasks as they are committed, in any order. */
import type { JobId } from "../../../../core/ids.ts";
import type { TaskOutput } from "../../../../core/job.ts";
import { jobOutputs, jobSummary } from "../../../../core/view.ts";
import { type Line, textLines } from "../../../jobs/result-texts.ts";
import type { Services } from "../../../services.ts";

/** Interval between two looks at a running job, ms: results within it go in one piece. */
const betweenMs = 20;
/** A look at many tasks takes long: at most this part of the time goes into looks. */
const lookShare = 0.05;
/** How long a reader that has everything waits before it looks again without a change, ms. */
const refreshMs = 10_000;

const encoder = new TextEncoder();
type Read = Pick<Services, "blobs" | "loop" | "retention" | "watchers">;

/** Lines `[index, result]`, each once, of a task that failed `[index, null, { code, message }]`;
 *  when the job has ended, its state is the last. */
export async function* committedResults(
  services: Read,
  job: JobId,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void> {
  const { loop, retention, watchers } = services;
  const watch = watchers.open(job);
  const leave = retention.follow(job);
  const isGiven: boolean[] = [];
  try {
    while (!signal.aborted) {
      const summary = jobSummary(loop.state, job, 0);
      if (summary === null) return;
      const begunMs = performance.now();
      // Of an ended job as well: its last results came with its end.
      const found = newResults(jobOutputs(loop.state, job), isGiven);
      const lookMs = performance.now() - begunMs;
      yield* textLines(services.blobs, found, lineOf);
      if (summary.state !== "running") {
        yield encoder.encode(`${JSON.stringify(summary.state)}\n`);
        if (summary.state === "done") retention.fetched(job);
        return;
      }
      await watch.next(refreshMs, signal);
      await pause(Math.max(betweenMs, lookMs / lookShare), watch, { job, loop, signal });
    }
  } finally {
    watch.close();
    leave();
  }
}

type Found = { readonly task: number; readonly output: TaskOutput };

function newResults(outputs: ReadonlyArray<TaskOutput | null>, isGiven: boolean[]): Found[] {
  const found: Found[] = [];
  for (const [task, output] of outputs.entries()) {
    if (output === null || isGiven[task] === true) continue;
    isGiven[task] = true;
    found.push({ task, output });
  }
  return found;
}

function lineOf({ output, task }: Found): Line {
  const { failure } = output;
  const why = failure === undefined ? "" : whyOf(failure);
  return { before: `[${task},`, output, after: `${why}]\n` };
}

function whyOf({ code, message }: NonNullable<TaskOutput["failure"]>): string {
  return `,${JSON.stringify({ code, message })}`;
}

/** Further changes until then are one; the end of the job is reported at once. */
async function pause(
  ms: number,
  watch: ReturnType<Read["watchers"]["open"]>,
  { job, loop, signal }: Pick<Read, "loop"> & { readonly job: JobId; readonly signal: AbortSignal },
): Promise<void> {
  const endMs = performance.now() + ms;
  while (jobSummary(loop.state, job, 0)?.state === "running" && !signal.aborted) {
    const leftMs = endMs - performance.now();
    if (leftMs <= 0) return;
    await watch.next(leftMs, signal);
  }
}
