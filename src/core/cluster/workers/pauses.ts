/** Workers that take no new attempts for a while because a disk is full (their own, or the one that
 *  they bring results to), because their own disk fails, or because they leave.
 *
 *  1. A paused worker keeps what it runs, and is given nothing. Its pause costs no task a setback.
 *  2. A pause that the worker itself reported ends when it reports that it has room again, or joins
 *     anew.
 *  3. A pause for an attempt that met a full disk ends by itself after `fullRetryMs`: only another
 *     attempt can show whether there is room again. So a job waits on full disks, and never fails
 *     of them.
 *  4. The same for an attempt that met a failing disk, so that other workers have its task before:
 *     of those a job does fail; see `retry.ts`. */
import type { Effect } from "../../effect.ts";
import type { CoordinatorEvent } from "../../event.ts";
import { idNumber, jobId } from "../../ids.ts";
import type { Failure } from "../../job.ts";
import { mayRun } from "../placement/may-run.ts";
import type { CoordinatorState, Pause, Stage, WorkerRecord } from "../state.ts";

type Of<K extends CoordinatorEvent["kind"]> = Extract<CoordinatorEvent, { kind: K }>;

/** How long a worker is left alone that gave an attempt back without a word why, in ms. */
export const restMs = 1_000;
/** How long a worker is left alone whose attempt met a full or failing disk, in ms. */
export const fullRetryMs = 5_000;
const reasonMaxCharacters = 500;

export function pauseWorker(
  state: CoordinatorState,
  event: Of<"worker-paused">,
  effects: Effect[],
): void {
  const worker = state.workers.get(idNumber(event.worker));
  if (worker?.live !== true) return;
  const isLeaving = event.isLeaving === true ? { isLeaving: true as const } : {};
  pause(state, worker, { reason: event.reason, untilMs: 0, ...isLeaving });
  tellWaiting(state, effects);
}

export function resumeWorker(
  state: CoordinatorState,
  event: Of<"worker-resumed">,
  effects: Effect[],
): void {
  const worker = state.workers.get(idNumber(event.worker));
  if (worker?.live !== true || worker.pause === null) return;
  resume(state, worker);
  tellWaiting(state, effects);
}

/** An attempt of the worker has met a full disk, or a failing one. */
export function pauseAfterFull(
  state: CoordinatorState,
  worker: WorkerRecord,
  failure: Failure,
): void {
  // What it says itself counts for longer.
  if (worker.pause?.untilMs === 0) return;
  const untilMs = state.atMs + fullRetryMs;
  const failing = failure.isDisk === true ? { isFailing: true as const } : {};
  pause(state, worker, { reason: failure.message, untilMs, ...failing });
  state.deadlines.add({ kind: "pause", atMs: untilMs, worker: worker.number });
}

export function endPause(state: CoordinatorState, number: number, effects: Effect[]): void {
  const worker = state.workers.get(number);
  const untilMs = worker?.pause?.untilMs ?? 0;
  if (worker?.live !== true || untilMs === 0 || state.atMs < untilMs) return;
  resume(state, worker);
  tellWaiting(state, effects);
}

/** The worker has returned an attempt. It may have no further report to send: without this timer a
 *  worker that holds nothing more would be idle until the next job comes. */
export function rest(state: CoordinatorState, number: number): void {
  state.hungry.delete(number);
  state.choosy.delete(number);
  state.deadlines.add({ kind: "rest", atMs: state.atMs + restMs, worker: number });
}

export function endRest(state: CoordinatorState, number: number): void {
  const worker = state.workers.get(number);
  if (worker?.live === true && worker.pause === null && !worker.caught) state.hungry.add(number);
}

/** Why no live worker takes anything, when that is so; the first one's reason stands for all. */
export function allPaused(live: readonly WorkerRecord[]): string | null {
  if (live.length === 0 || live.some((worker) => worker.pause === null)) return null;
  const [first] = live as [WorkerRecord];
  if (first.specs.tab) {
    const tabs = live.length === 1 ? "the tab that is here is" : `all ${live.length} workers are`;
    const why = `w-${first.number}: ${first.pause?.reason}`;
    return `${tabs} paused (${why}); let it go on, or add a worker: \`tequio join\``;
  }
  const who = live.length === 1 ? "the worker is" : `all ${live.length} workers are`;
  const why = `w-${first.number}: ${first.pause?.reason}`;
  if (first.pause?.isLeaving === true) {
    const all = live.length === 1 ? "the worker leaves" : `all ${live.length} workers leave`;
    return `${all} (${why}); start another: \`tequio join\``;
  }
  if (first.pause?.isFailing === true) {
    return `${who} paused after an error of the disk (${why}); repair it, or add a worker`;
  }
  return `${who} out of disk (${why}); free space there, it goes on by itself`;
}

/** Whether a worker is there that may run the stage, and is not paused. */
export function hasUnpaused(state: CoordinatorState, stage: Stage): boolean {
  for (const worker of state.workers.values()) {
    if (worker.live && worker.pause === null && mayRun(state, worker, stage)) return true;
  }
  return false;
}

function pause(state: CoordinatorState, worker: WorkerRecord, why: Pause): void {
  worker.pause = { ...why, reason: why.reason.slice(0, reasonMaxCharacters) };
  state.hungry.delete(worker.number);
  state.choosy.delete(worker.number);
}

function resume(state: CoordinatorState, worker: WorkerRecord): void {
  worker.pause = null;
  if (!worker.caught) state.hungry.add(worker.number);
}

/** Notifies the watchers of each job of which nothing runs, so that they see the reason. */
function tellWaiting(state: CoordinatorState, effects: Effect[]): void {
  for (const number of state.active) {
    if (state.jobs.get(number)?.running !== 0) continue;
    effects.push({ kind: "job-changed", job: jobId(number) });
  }
}
