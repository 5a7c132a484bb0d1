/** A job's summaries as lines: one at once, one on change, the last when it has ended.
 *
 *  Nothing is queued for a slow reader: it gets the newest summary when it takes the next line. */
import type { JobId } from "../../../core/ids.ts";
import type { JobSummary } from "../../../core/summary.ts";
import { jobSummary } from "../../../core/view.ts";
import type { Services } from "../../services.ts";

/** Interval between two lines of a running job, ms; its end is sent at once. */
const betweenMs = 100;
/** Progress of running attempts is not a change of the job: it is sent at least this often, ms. */
const refreshMs = 1_000;

const encoder = new TextEncoder();

export async function* watchJob(
  services: Pick<Services, "loop" | "progress" | "retention" | "watchers">,
  job: JobId,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void> {
  const { loop, progress, watchers } = services;
  const watch = watchers.open(job);
  const leave = services.retention.follow(job);
  const look = (): JobSummary | null => jobSummary(loop.state, job, loop.nowMs());
  try {
    for (let summary = look(); summary !== null && !signal.aborted; summary = look()) {
      yield encoder.encode(`${JSON.stringify(progress.added(summary))}\n`);
      if (summary.state !== "running") return;
      const toldAtMs = performance.now();
      await watch.next(refreshMs, signal);
      while (look()?.state === "running" && !signal.aborted) {
        const waitMs = toldAtMs + betweenMs - performance.now();
        if (waitMs <= 0) break;
        await watch.next(waitMs, signal);
      }
    }
  } finally {
    watch.close();
    leave();
  }
}
