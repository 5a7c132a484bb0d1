/** Passes on the notes of workers: lines to the job's log, bytes read to its progress. */
import { taskName } from "../../core/job.ts";
import { isSurplus, jobSpec } from "../../core/view.ts";
import type { NoteSink } from "../edges/worker/note-sink.ts";
import type { Loop } from "../loop/loop.ts";
import type { JobLogs } from "./job-logs.ts";
import type { Progress } from "./progress.ts";

export function noteSink(loop: Loop, logs: JobLogs, progress: Progress): NoteSink {
  return {
    logged(of, line) {
      const { job, stage, task } = of;
      // Else each line of a task that is computed again to compare would come twice.
      if (isSurplus(loop.state, of)) return;
      const kind = jobSpec(loop.state, job)?.stages[stage]?.kind;
      if (kind === undefined) return;
      logs.add(job, { atMs: loop.nowMs(), task: taskName(kind, task), line });
    },
    progressed(job, { stage, task }, inputBytes) {
      progress.note(job, stage, task, inputBytes);
    },
    ended(job, { stage, task }) {
      progress.ended(job, stage, task);
    },
  };
}
