/** The round trip to a worker, and what follows from it: how much work is sent ahead.
 *
 *  1. What waits at a worker must last until a report has arrived here and the next order there,
 *     and once more, since reports are gathered: two round trips, and the wire.
 *  2. Half a minute of work for a link that hardly answers would only wait there: there is a bound.
 *  3. What was sent ahead and turns out to be long is taken back, however far the worker. */
import type { CoordinatorEvent } from "../../event.ts";
import { idNumber } from "../../ids.ts";
import type { CoordinatorState, WorkerRecord } from "../state.ts";

/** Work that may wait at a near worker for each of its slots, ms. */
const nearMs = 50;
const roundTrips = 2;
/** Longer ones count as this, ms. */
const rttMaxMs = 2_000;

/** Work that covers the way to the worker and back, for each of its slots, ms. */
export function coverMs({ rttMs = 0 }: Pick<WorkerRecord, "rttMs">): number {
  return nearMs + roundTrips * rttMs;
}

export function measureWorker(
  state: CoordinatorState,
  { rttMs, worker: id }: Extract<CoordinatorEvent, { kind: "worker-measured" }>,
): void {
  const worker = state.workers.get(idNumber(id));
  if (worker === undefined) return;
  const before = worker.rttMs ?? 0;
  if (rttMs > 0) worker.rttMs = Math.min(rttMaxMs, rttMs);
  else delete worker.rttMs;
  if ((worker.rttMs ?? 0) <= before || !worker.live || worker.pause !== null) return;
  if (worker.caught) return;
  state.choosy.delete(worker.number);
  state.hungry.add(worker.number);
}
