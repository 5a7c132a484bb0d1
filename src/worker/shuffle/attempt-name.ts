/** The name of an attempt in folders that several jobs share. */
import type { AttemptRef } from "../../core/ids.ts";

/** `j-7.1.12.3`: job, stage, task, attempt. Anything less is a name that another job has, too: task
 *  processes go from job to job, and all jobs count their tasks from 0. */
export function attemptName({ attempt, job, stage, task }: AttemptRef): string {
  return `${job}.${stage}.${task}.${attempt}`;
}
