/** What is remembered of jobs that are not kept any more, and the texts that callers get about
 *  them. */
import { ClusterError } from "../../error.ts";
import { idNumber } from "../../ids.ts";
import type { CoordinatorState } from "../state.ts";
import type { RemovedJob, RemovedWhy } from "./retained.ts";

/** What became of a job that is not kept any more; null when it is not remembered either. */
export function removedJob(state: CoordinatorState, job: number): RemovedJob | null {
  return state.retained.keyed.get(job) ?? state.retained.unkeyed.get(job) ?? null;
}

const whyTexts: Readonly<Record<RemovedWhy, string>> = {
  age: "ended jobs are kept for a limited time (tequio up --keep)",
  bytes: "kept results had reached their bound (tequio up --keep-bytes)",
  records: "ended jobs had reached their bound (tequio up --keep-records)",
  disk: "the disk was nearly full",
};

/** What became of a job that is kept no longer; null when it is not remembered. */
export function removedText(state: CoordinatorState, job: string): string | null {
  const removed = removedJob(state, idNumber(job));
  if (removed === null) return null;
  const { endedAtMs, removedAtMs, why } = removed;
  const at = (ms: number) => `${new Date(ms).toISOString().slice(0, 19)}Z`;
  const what = `${job} ended at ${at(endedAtMs)}, and its result was removed at ${at(removedAtMs)}`;
  return `${what}: ${whyTexts[why]}; to run it again, submit it with another key or none`;
}

/** As `not-found`, naming what became of it. */
export function noSuchJob(state: CoordinatorState, job: string): ClusterError {
  const text = removedText(state, job) ?? `there is no job ${job}; \`tequio jobs\` lists them`;
  return new ClusterError("not-found", text);
}
