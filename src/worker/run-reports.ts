/** What a worker reports of its runs, from what its task processes say or what stopped them. */
import { ClusterError } from "../core/error.ts";
import type { AttemptReport } from "../core/event.ts";
import type { Failure, TaskOutput } from "../core/job.ts";
import type { TaskReport } from "./process/messages.ts";
import { diskError } from "./shuffle/disk-error.ts";
import { ofDisk } from "./task/of-disk.ts";

type Done = Extract<TaskReport, { kind: "done" }>;

export function doneReport(report: Done, output: TaskOutput): AttemptReport {
  const { task, attempt, durationMs, counters, inputBytes } = report;
  const done = { kind: "done", task, attempt, durationMs, output } as const;
  const counted = Object.keys(counters).length > 0;
  if (!counted && inputBytes === 0) return done;
  return { ...done, ...(counted ? { counters } : {}), ...(inputBytes === 0 ? {} : { inputBytes }) };
}

export function valueOutput({ sizeBytes, records, value }: Done): TaskOutput {
  const output = { root: "", sizeBytes, records };
  return value === undefined ? output : { ...output, value };
}

export function failureFrom(thrown: unknown): Failure {
  // A process has files of its own: a full disk may be met before job code runs.
  const error = diskError(thrown, "starting a process for the task");
  if (error instanceof ClusterError) {
    const { code, isFinal, text } = error;
    const final = isFinal ? { isFinal: true as const } : {};
    return { code, message: text.slice(0, 4_000), ...final, ...ofDisk(error) };
  }
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  // Nothing that job code does leads here: a file of ours is gone, or there is a bug.
  return { code: "task-crashed", message: `the worker could not run it: ${name}: ${message}` };
}

/** The task process ended before everything was reported. */
export class ProcessEnded extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}
