/** What a simulated reduce attempt fetches, from which workers, and how it reports a failure. */
import { ClusterError } from "../../src/core/error.ts";
import type { AttemptReport } from "../../src/core/event.ts";
import type { AttemptRef } from "../../src/core/ids.ts";
import type { Failure } from "../../src/core/job.ts";
import type { StageSources } from "../../src/wire/manager/messages.ts";
import { PartitionsLost } from "../../src/worker/shuffle/local-segments.ts";

export class Lost extends Error {
  readonly tasks: readonly number[];
  constructor(tasks: readonly number[]) {
    super(`partitions of tasks ${tasks} are unavailable`);
    this.tasks = tasks;
  }
}

/** Which worker is expected to hold which partitions; those without a holder are left out. */
export function byPlace(
  told: StageSources | undefined,
  isWanted: (task: number) => boolean,
  count: number,
): Map<string, number[]> {
  const places = new Map<string, number[]>();
  for (let task = 0; task < count; task++) {
    const url = told?.urls[told.tasks[task]?.[0] ?? -1];
    if (url === undefined || !isWanted(task)) continue;
    const tasks = places.get(url);
    if (tasks === undefined) places.set(url, [task]);
    else tasks.push(task);
  }
  return places;
}

/** Map tasks whose output was unavailable. */
export function lostTasks(error: Error): readonly number[] {
  if (error instanceof Lost) return error.tasks;
  return error instanceof PartitionsLost ? error.lostTasks : [];
}

export function isFull(error: unknown): boolean {
  return error instanceof ClusterError && error.code === "storage-full";
}

type FailedReport = Extract<AttemptReport, { kind: "failed" }>;

export function failedReport(ref: AttemptRef, durationMs: number, failure: Failure): FailedReport {
  return { kind: "failed", task: ref.task, attempt: ref.attempt, durationMs, failure };
}
