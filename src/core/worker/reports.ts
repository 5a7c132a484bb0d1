/** Reports leave in groups and are kept until the manager says that they are durable. */
import type { AttemptReport } from "../event.ts";
import type { AttemptRef } from "../ids.ts";
import { AttemptMap } from "../structures/attempt-map.ts";
import type { Held, WorkerEffect, WorkerState } from "./state.ts";
import { settledMin } from "./state.ts";

/** The attempt has ended: from now on only its report matters. */
export function putReport(
  state: WorkerState,
  held: Held,
  report: AttemptReport,
  atMs: number,
): void {
  held.state = "reported";
  held.report = report;
  if (state.outbox.length === 0) state.outboxSinceMs = atMs;
  state.outbox.push(held);
}

/** Gives an attempt back without a result. */
export function putReturned(state: WorkerState, held: Held, atMs: number): void {
  const { task, attempt } = held.ref;
  putReport(state, held, { kind: "returned", task, attempt, durationMs: 0 }, atMs);
}

/** At once when no report is under way; otherwise when a group is full or its oldest has waited. */
export function flushReports(state: WorkerState, atMs: number, effects: WorkerEffect[]): void {
  if (state.relation.state !== "joined") return;
  const { reportGroupMax, reportDelayMs, reportsInFlightMax } = state.rules;
  while (state.outbox.length > 0 && state.inFlight.size < reportsInFlightMax) {
    const due =
      state.inFlight.size === 0 ||
      state.outbox.length >= reportGroupMax ||
      atMs >= state.outboxSinceMs + reportDelayMs;
    if (!due) return;
    const group = state.outbox.slice(0, reportGroupMax);
    state.outbox = state.outbox.slice(reportGroupMax);
    state.outboxSinceMs = atMs;
    const batch = state.nextBatch++;
    state.inFlight.set(batch, group);
    const reports = group.map((held) => ({ ref: held.ref, report: held.report as AttemptReport }));
    effects.push({ kind: "report", batch, reports });
  }
}

export function reportsAcked(state: WorkerState, batch: number): void {
  for (const held of state.inFlight.get(batch) ?? []) {
    if (state.held.get(held.ref) !== held) continue;
    state.held.delete(held.ref);
    settle(state, held.ref);
    countOutput(state, held);
  }
  state.inFlight.delete(batch);
}

/** Only now does the manager know of it, and may take it over. */
function countOutput(state: WorkerState, { ref, report }: Held): void {
  const job = state.jobs.get(ref.job);
  if (job?.kinds[ref.stage] !== "map" || report?.kind !== "done") return;
  if (report.output.isStored === true) return;
  job.hasOutputs = true;
  state.outputsMade += 1;
}

/** What was under way when the link broke goes again, before everything newer. */
export function recallReports(state: WorkerState): void {
  if (state.inFlight.size === 0) return;
  state.outbox = [...[...state.inFlight.values()].flat(), ...state.outbox];
  state.inFlight.clear();
}

/** Whole generations are dropped: a set that loses its oldest element at each step is slow. */
export function settle(state: WorkerState, ref: AttemptRef): void {
  state.settled.set(ref, true);
  if (state.settled.size < settledMin) return;
  state.settledBefore = state.settled;
  state.settled = new AttemptMap();
}

export function isSettled(state: WorkerState, ref: AttemptRef): boolean {
  return state.settled.has(ref) || state.settledBefore.has(ref);
}

/** When the outbox wants to be looked at again. */
export function reportsWakeMs(state: WorkerState): number {
  const waits =
    state.relation.state === "joined" &&
    state.outbox.length > 0 &&
    state.inFlight.size < state.rules.reportsInFlightMax;
  return waits ? state.outboxSinceMs + state.rules.reportDelayMs : Infinity;
}
