/** Bytes that running attempts have read so far: shown between reports, never logged, lost at a
 *  restart. */
import type { JobId } from "../../core/ids.ts";
import type { JobSummary } from "../../core/summary.ts";

export class Progress {
  /** By job, then by `stage/task`; with a backup, the attempt that has read more counts. */
  readonly #jobs = new Map<JobId, Map<string, number>>();

  note(job: JobId, stage: number, task: number, inputBytes: number): void {
    let tasks = this.#jobs.get(job);
    if (tasks === undefined) {
      tasks = new Map();
      this.#jobs.set(job, tasks);
    }
    const key = `${stage}/${task}`;
    tasks.set(key, Math.max(tasks.get(key) ?? 0, inputBytes));
  }

  /** An attempt of the task has ended: the summary has what it read, or it was lost. */
  ended(job: JobId, stage: number, task: number): void {
    this.#jobs.get(job)?.delete(`${stage}/${task}`);
  }

  forget(job: JobId): void {
    this.#jobs.delete(job);
  }

  /** The summary with the bytes of running attempts added, never above the stage's input. */
  added(summary: JobSummary): JobSummary {
    const tasks = this.#jobs.get(summary.job);
    if (summary.state !== "running" || tasks === undefined || tasks.size === 0) return summary;
    const extra = summary.stages.map(() => 0);
    for (const [key, bytes] of tasks) {
      const stage = Number.parseInt(key, 10);
      if (extra[stage] !== undefined) extra[stage] += bytes;
    }
    const stages = summary.stages.map((stage, index) => {
      const bytes = stage.inputBytesDone + extra[index]!;
      const most = Math.max(stage.inputBytes, stage.inputBytesDone);
      return { ...stage, inputBytesDone: Math.min(bytes, most) };
    });
    return { ...summary, stages };
  }
}
