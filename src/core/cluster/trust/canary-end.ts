/** Canaries that end without an answer. */
import type { Effect } from "../../effect.ts";
import { jobId, workerId } from "../../ids.ts";
import type { CoordinatorState } from "../state.ts";
import type { Canary } from "./canaries.ts";

/** What it runs of these says nothing any more. */
export function loseCanaries(state: CoordinatorState, worker: number): readonly Canary[] {
  return takeCanaries(state, worker, () => true);
}

/** The job has ended. */
export function leaveCanaries(state: CoordinatorState, job: number, effects: Effect[]): void {
  for (const worker of [...state.canaries.running.keys()]) {
    const mine = takeCanaries(state, worker, (one) => one.job === job);
    if (mine.length > 0) effects.push(abortOf(worker, mine));
  }
}

export function abortOf(worker: number, canaries: readonly Canary[]): Effect {
  const attempts = canaries.map(({ attempt, job, stage, task }) => {
    return { job: jobId(job), stage, task, attempt };
  });
  return { kind: "abort", worker: workerId(worker), attempts };
}

export function takeCanaries(
  { canaries: { running } }: CoordinatorState,
  worker: number,
  isIt: (one: Canary) => boolean,
): Canary[] {
  const all = running.get(worker);
  if (all === undefined) return [];
  const [taken, left] = [all.filter(isIt), all.filter((one) => !isIt(one))];
  if (left.length === 0) running.delete(worker);
  else running.set(worker, left);
  return taken;
}
