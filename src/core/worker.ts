/** What a worker decides: facts in, orders out. Pure: clock, chance, links and processes are the
 *  loop's.
 *
 *  1. Every attempt taken ends in exactly one report, kept and sent until the manager acknowledges
 *     it; only the fence (lease passed) and the end of a job drop it silently.
 *  2. An attempt assigned twice runs once.
 *  3. Nothing runs past its limit or past the lease.
 *  4. While its disk is nearly full, nothing that is new begins. */
import type { AttemptRef } from "./ids.ts";
import {
  end,
  handedOver,
  leaveByItself,
  leaveWhenDone,
  leavingWakeMs,
  stopAsked,
} from "./worker/leaving.ts";
import {
  disconnected,
  heard,
  linkLost,
  linkOpened,
  refused,
  relationTime,
  relationWakeMs,
  welcomed,
} from "./worker/relation.ts";
import { flushReports, reportsAcked, reportsWakeMs } from "./worker/reports.ts";
import {
  aborted,
  askedBack,
  assigned,
  dispatch,
  jobClosed,
  returnAttempt,
  runDied,
  runPhase,
  runReported,
  runsTime,
  runsWakeMs,
} from "./worker/runs.ts";
import type { Held, WorkerEffect, WorkerEvent, WorkerState } from "./worker/state.ts";

export {
  defaultRules,
  newWorkerState,
  type WorkerEffect,
  type WorkerEvent,
  type WorkerRules,
  type WorkerState,
} from "./worker/state.ts";

/** Changes `state` and says what is to be done. Whatever follows from an event (a free slot, a
 *  report, the end of a shutdown) is decided in the same step. */
export function step(state: WorkerState, event: WorkerEvent): WorkerEffect[] {
  const effects: WorkerEffect[] = [];
  if (state.relation.state === "ended") return effects;
  apply(state, event, effects);
  // Also what a killed batch has put back into the queue.
  const takesNothing = state.pausedFor !== "" || state.stop !== null;
  if (takesNothing) returnAttempt(state, false, event.atMs, effects);
  dispatch(state, event.atMs, effects);
  leaveByItself(state, event.atMs, effects);
  leaveWhenDone(state, event.atMs, effects);
  flushReports(state, event.atMs, effects);
  return effects;
}

/** When `time-passed` is due, in ms of the events' clock; Infinity = not before another event. */
export function nextWakeMs(state: WorkerState): number {
  if (state.relation.state === "ended") return Infinity;
  return Math.min(
    relationWakeMs(state),
    runsWakeMs(state),
    reportsWakeMs(state),
    leavingWakeMs(state),
  );
}

/** What the worker knows of an attempt, for TasksPing; null = nothing. */
export function attemptState(state: WorkerState, ref: AttemptRef): Readonly<Held> | null {
  return state.held.get(ref) ?? null;
}

function apply(state: WorkerState, event: WorkerEvent, effects: WorkerEffect[]): void {
  switch (event.kind) {
    case "link-opened":
      linkOpened(state, event.atMs, effects);
      break;
    case "link-lost":
      linkLost(state, event, effects);
      break;
    case "relation-broken":
      effects.push({ kind: "hang-up", reason: "the relation is over" });
      disconnected(state, event.atMs, event.chance);
      break;
    case "welcomed":
      welcomed(state, event, effects);
      break;
    case "refused":
      refused(state, event, effects);
      break;
    case "heard":
      heard(state, event.sentAtMs);
      break;
    case "job-opened":
      jobOpened(state, event);
      break;
    case "job-closed":
      jobClosed(state, event.job, effects);
      break;
    case "disk-changed":
      diskChanged(state, event.reason, effects);
      break;
    case "stop-asked":
      stopAsked(state, event, effects);
      break;
    case "handed-over":
      handedOver(state, event);
      break;
    case "bye-acked":
      if (state.relation.state === "leaving") end(state, "bye", effects);
      break;
    case "time-passed":
      relationTime(state, event, effects);
      runsTime(state, event.atMs, effects);
      break;
    default:
      applyToRuns(state, event, effects);
  }
}

type RunsEvent = Extract<
  WorkerEvent,
  {
    kind:
      | "assigned"
      | "asked-back"
      | "aborted"
      | "run-phase"
      | "run-reported"
      | "run-died"
      | "reports-acked";
  }
>;

function applyToRuns(state: WorkerState, event: RunsEvent, effects: WorkerEffect[]): void {
  switch (event.kind) {
    case "assigned":
      assigned(state, event);
      break;
    case "asked-back":
      askedBack(state, event);
      break;
    case "aborted":
      aborted(state, event, effects);
      break;
    case "run-phase":
      runPhase(state, event);
      break;
    case "run-reported":
      runReported(state, event);
      break;
    case "run-died":
      runDied(state, event);
      break;
    case "reports-acked":
      reportsAcked(state, event.batch);
      break;
  }
}

function jobOpened(state: WorkerState, event: Extract<WorkerEvent, { kind: "job-opened" }>): void {
  if (state.jobs.has(event.job)) return;
  state.jobs.set(event.job, { kinds: event.stageKinds, meanMs: [], hasOutputs: false });
}

/** While it is paused, nothing new is taken; what has not begun is given back, what runs may
 *  end. */
function diskChanged(state: WorkerState, reason: string, effects: WorkerEffect[]): void {
  if (reason === state.pausedFor) return;
  state.pausedFor = reason;
  // A worker that leaves takes nothing, whatever its disk.
  if (state.stop !== null) return;
  if (state.relation.state === "joined") effects.push({ kind: "tell-pause", reason });
}
