/** How a worker leaves: asked to, at the end of its lifetime, or because it has been idle.
 *
 *  1. From the first moment it takes nothing new, gives back what has not begun, and reports that
 *     it leaves, so that the coordinator sends no more.
 *  2. A drain also keeps what others still need: it gives that to the manager, serves it meanwhile,
 *     and ends when no open job has map outputs here alone; it waits for a manager that is away.
 *     Any other stop ends when nothing runs.
 *  3. What was acknowledged since the last hand-over began is not in it: another one follows.
 *  4. A worker without work for its time drains, too, and then has all the time that it needs.
 *  5. With a lifetime it drains before its end: at the latest `drainMs` before, and earlier when
 *     the next attempt would not fit into what is left. */
import { dropEverything, returnAttempt, waitsForLonger } from "./runs.ts";
import type { Stop, WorkerEffect, WorkerEvent, WorkerState } from "./state.ts";

type StopAsked = Extract<WorkerEvent, { kind: "stop-asked" }>;

/** A second request can only shorten the first: a drain is cut short by Ctrl-C. */
export function stopAsked(state: WorkerState, event: StopAsked, effects: WorkerEffect[]): void {
  const atMs = event.atMs + event.graceMs;
  const { stop } = state;
  const isSooner = stop !== null && !stop.graceOver && atMs < stop.atMs;
  if (stop !== null && !isSooner) return;
  const isDrain = event.isDrain === true;
  const why = isDrain ? "it was asked to drain" : "it was asked to stop";
  leave(state, { atMs, isDrain, why }, event.atMs, effects);
}

/** Begins to leave when the lifetime or the time without work says so. */
export function leaveByItself(state: WorkerState, atMs: number, effects: WorkerEffect[]): void {
  const { rules } = state;
  if (Number.isNaN(state.startedAtMs)) start(state, atMs);
  if (state.held.size > 0) state.idleSinceMs = Infinity;
  else if (state.idleSinceMs === Infinity) state.idleSinceMs = atMs;
  if (state.stop !== null) return;
  const { endsAtMs } = state;
  if (atMs >= endsAtMs - rules.drainMs || waitsForLonger(state, atMs)) {
    // The last reports need their time, too.
    const stop = { atMs: Math.max(atMs, endsAtMs - rules.leaveMs), isDrain: true };
    leave(state, { ...stop, why: "its lifetime ends" }, atMs, effects);
  } else if (rules.idleExitMs > 0 && atMs >= state.idleSinceMs + rules.idleExitMs) {
    const why = "it has been idle";
    // Nothing presses: what the manager does not take is served as long as it is needed.
    const stop = isNeeded(state)
      ? { atMs: Math.max(atMs, endsAtMs - rules.leaveMs), isDrain: true, why }
      : { atMs, isDrain: false, why };
    leave(state, stop, atMs, effects);
  }
}

/** When `leaveByItself` has something to decide, without another event. */
export function leavingWakeMs(state: WorkerState): number {
  const { relation, rules, stop } = state;
  if (relation.state === "leaving") return Infinity;
  if (stop !== null) return stop.atMs;
  const idleAtMs = rules.idleExitMs > 0 ? state.idleSinceMs + rules.idleExitMs : Infinity;
  return Math.min(state.endsAtMs - rules.drainMs, idleAtMs);
}

export function leaveWhenDone(state: WorkerState, atMs: number, effects: WorkerEffect[]): void {
  const { relation, stop } = state;
  if (stop === null || relation.state === "leaving" || relation.state === "ended") return;
  const isInUse = state.held.size > 0 || (stop.isDrain && !stop.graceOver && isNeeded(state));
  if (relation.state !== "joined") {
    if (stop.isDrain && isInUse && atMs < stop.atMs) return;
    // No manager is connected that could take back what is left.
    dropEverything(state, effects);
    end(state, "stopped", effects);
    return;
  }
  if (atMs >= stop.atMs && !stop.graceOver) {
    returnAttempt(state, true, atMs, effects);
    stop.graceOver = true;
    stop.atMs = atMs + state.rules.leaveMs;
  }
  if (isInUse && atMs < stop.atMs) {
    if (!stop.isTold) effects.push({ kind: "tell-leaving", reason: stop.why });
    stop.isTold = true;
    handOver(state, stop, effects);
    return;
  }
  relation.state = "leaving";
  relation.atMs = atMs + state.rules.leaveMs;
  relation.nextPingAtMs = Infinity;
  effects.push({ kind: "say-bye" });
}

function handOver(state: WorkerState, stop: Stop, effects: WorkerEffect[]): void {
  if (!stop.isDrain || stop.graceOver || stop.isHandingOver || !isNeeded(state)) return;
  // Of these it has been reported already that the manager does not take them.
  if (stop.handedTo === state.outputsMade) return;
  stop.isHandingOver = true;
  stop.handedTo = state.outputsMade;
  effects.push({ kind: "hand-over" });
}

/** What is with the manager is not needed here. */
export function handedOver(
  state: WorkerState,
  { isWhole }: Extract<WorkerEvent, { kind: "handed-over" }>,
): void {
  const { stop } = state;
  if (stop === null) return;
  stop.isHandingOver = false;
  if (!isWhole || stop.handedTo !== state.outputsMade) return;
  for (const job of state.jobs.values()) job.hasOutputs = false;
}

export function end(state: WorkerState, reason: string, effects: WorkerEffect[]): void {
  state.relation.state = "ended";
  effects.push({ kind: "hang-up", reason }, { kind: "end", failure: null });
}

type Leave = Pick<Stop, "atMs" | "isDrain" | "why">;

/** A drain that is cut short goes on with what it hands over. */
function leave(state: WorkerState, how: Leave, atMs: number, effects: WorkerEffect[]): void {
  const { handedTo = 0, isHandingOver = false } = state.stop ?? {};
  state.stop = { ...how, graceOver: false, isTold: false, isHandingOver, handedTo };
  returnAttempt(state, false, atMs, effects);
}

function start(state: WorkerState, atMs: number): void {
  const { lifetimeMs } = state.rules;
  state.startedAtMs = atMs;
  state.endsAtMs = lifetimeMs > 0 ? atMs + lifetimeMs : Infinity;
}

/** Others may fetch map outputs from here. A job that has ended is closed. */
function isNeeded(state: WorkerState): boolean {
  if (!state.rules.servesOutputs) return false;
  for (const job of state.jobs.values()) if (job.hasOutputs) return true;
  return false;
}
