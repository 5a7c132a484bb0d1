/** Receives what workers send of running attempts besides their reports. */
import type { AttemptRef, JobId } from "../../../core/ids.ts";
import type { WorkerNotes } from "../../../wire/manager/messages.ts";

export type NoteSink = {
  /** Lines of job code; may be dropped. */
  logged(of: AttemptRef, line: string): void;
  progressed(job: JobId, task: { stage: number; task: number }, inputBytes: number): void;
  /** An attempt of the task was reported: its progress is part of the state now, or was lost. */
  ended(job: JobId, task: { stage: number; task: number }): void;
};

/** Those about jobs that the link has open or the worker has leases of; how busy its machine is
 *  stays with the link. */
export function passNotes(
  { cpuShare, logs, progress }: WorkerNotes,
  link: { readonly jobs: ReadonlySet<JobId>; cpuShare: number | null },
  leased: readonly AttemptRef[],
  to: NoteSink,
): void {
  link.cpuShare = cpuShare ?? link.cpuShare;
  const jobs = new Set<string>([...link.jobs, ...leased.map(({ job }) => job)]);
  for (const { job, line, ...of } of logs) {
    if (jobs.has(job)) to.logged({ ...of, job: job as JobId }, line);
  }
  for (const { job, inputBytes, ...task } of progress) {
    if (jobs.has(job)) to.progressed(job as JobId, task, inputBytes);
  }
}
