/** The round trip over one link, from requests that are answered at once. Pure: times come in.
 *
 *  1. One request at a time is timed, so that it costs nothing.
 *  2. The least of the last few counts: longer ones have waited, for a processor or behind data. */

import type { CoordinatorState } from "../../../core/coordinator.ts";
import { idNumber, type WorkerId } from "../../../core/ids.ts";
import type { NewEvent } from "../../loop/journal.ts";

const samplesMax = 8;

export class RoundTrips {
  #timed: { readonly id: number; readonly atMs: number } | null = null;
  #samples: number[] = [];

  sent(id: number, atMs: number): void {
    this.#timed ??= { id, atMs };
  }

  /** The least of the last few, ms; null when this answer is none that was timed, or the first. */
  answered(id: number, atMs: number): number | null {
    if (this.#timed?.id !== id) return null;
    this.#samples.push(Math.max(0, atMs - this.#timed.atMs));
    this.#timed = null;
    if (this.#samples.length > samplesMax) this.#samples.shift();
    if (this.#samples.length < 2) return null;
    return this.#samples.reduce((least, one) => Math.min(least, one));
  }
}

/** Below this a round trip is not noticeable, ms. */
const noticeableMs = 10;
/** So much more or less is news. */
const newsFactor = 1.4;

/** What the core is to know of a new measurement; null = nothing new. */
export function measuredEvent(
  { workers }: CoordinatorState,
  worker: WorkerId | null,
  measuredMs: number,
): NewEvent | null {
  const known = worker === null ? undefined : workers.get(idNumber(worker));
  if (worker === null || known?.live !== true) return null;
  const rttMs = measuredMs < noticeableMs ? 0 : Math.round(measuredMs);
  return isNews(known.rttMs ?? 0, rttMs) ? { kind: "worker-measured", worker, rttMs } : null;
}

function isNews(knownMs: number, nowMs: number): boolean {
  if (knownMs === 0 || nowMs === 0) return knownMs !== nowMs;
  return nowMs > knownMs * newsFactor || nowMs * newsFactor < knownMs;
}
