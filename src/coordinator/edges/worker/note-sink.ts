/** Receives what workers send of running attempts besides their reports. */
import type { JobId } from "../../../core/ids.ts";

export type NoteSink = {
  /** Lines of job code; may be dropped. */
  logged(job: JobId, task: { stage: number; task: number }, line: string): void;
  progressed(job: JobId, task: { stage: number; task: number }, inputBytes: number): void;
  /** An attempt of the task was reported: its progress is part of the state now, or was lost. */
  ended(job: JobId, task: { stage: number; task: number }): void;
};
