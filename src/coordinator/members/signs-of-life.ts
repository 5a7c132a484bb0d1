/** Which members have gone silent. Pure: times come in, names go out; nothing is logged.
 *
 *  1. A member is silent from the millisecond on in which its TTL ends; a sign of life after that
 *     comes too late.
 *  2. Pauses of the coordinator do not count as the members' silence: their clock stops meanwhile
 *     (faults C9, C11).
 *  3. Each silence is reported once (`tell`), until the member is watched again or the report
 *     failed. */

/** A longer time than this between two checks of the clock is a pause, ms. */
const pauseMs = 5_000;

type Watched = {
  readonly ttlMs: number;
  deadlineMs: number;
  heardAtMs: number;
  told: boolean;
  /** It has promised heartbeats. */
  promised: boolean;
};

export class SignsOfLife {
  readonly #watched = new Map<string, Watched>();
  #pausedMs = 0;
  #seenMs: number | null = null;

  /** It is connected now; `ttlMs` 0 = never silent. */
  watch(name: string, ttlMs: number, atMs: number): void {
    const deadlineMs = ttlMs === 0 ? Number.POSITIVE_INFINITY : this.#clock(atMs) + ttlMs;
    this.#watched.set(name, { ttlMs, deadlineMs, heardAtMs: atMs, told: false, promised: false });
  }

  /** False when it was silent for too long, or is not watched. */
  heard(name: string, atMs: number): boolean {
    const watched = this.#watched.get(name);
    if (watched === undefined || this.isSilent(name, atMs)) return false;
    watched.heardAtMs = atMs;
    if (watched.ttlMs !== 0) watched.deadlineMs = this.#clock(atMs) + watched.ttlMs;
    return true;
  }

  /** It will give a sign of life within its TTL by itself. */
  promised(name: string): void {
    const watched = this.#watched.get(name);
    if (watched !== undefined) watched.promised = true;
  }

  /** Members that promised no heartbeats, and have half of their TTL left or less. */
  quiet(atMs: number): string[] {
    const nowMs = this.#clock(atMs);
    const names: string[] = [];
    for (const [name, { deadlineMs, promised, ttlMs }] of this.#watched) {
      if (promised || nowMs >= deadlineMs || deadlineMs - nowMs > ttlMs / 2) continue;
      names.push(name);
    }
    return names;
  }

  isSilent(name: string, atMs: number): boolean {
    const watched = this.#watched.get(name);
    return watched !== undefined && this.#clock(atMs) >= watched.deadlineMs;
  }

  /** Time of its last sign of life, by the coordinator's clock; null when it is not watched. */
  heardAtMs(name: string): number | null {
    return this.#watched.get(name)?.heardAtMs ?? null;
  }

  forget(name: string): void {
    this.#watched.delete(name);
  }

  /** Marks its absence as reported; false when it was already. */
  tell(name: string): boolean {
    const watched = this.#watched.get(name);
    if (watched === undefined || watched.told) return false;
    watched.told = true;
    return true;
  }

  /** The silence could not be logged: it will be due again. */
  tellAgain(name: string): void {
    const watched = this.#watched.get(name);
    if (watched !== undefined) watched.told = false;
  }

  /** Members whose silence is not reported yet. */
  due(atMs: number): string[] {
    const names: string[] = [];
    const nowMs = this.#clock(atMs);
    for (const [name, watched] of this.#watched) {
      if (!watched.told && nowMs >= watched.deadlineMs) names.push(name);
    }
    return names;
  }

  /** Time until the next one falls silent without a sign of life, ms. */
  nextInMs(atMs: number): number {
    const nowMs = this.#clock(atMs);
    let next = Number.POSITIVE_INFINITY;
    for (const { deadlineMs } of this.#watched.values()) {
      if (deadlineMs > nowMs && deadlineMs < next) next = deadlineMs;
    }
    return next - nowMs;
  }

  /** The members' clock: stands still while this process does not run. */
  #clock(atMs: number): number {
    const gapMs = this.#seenMs === null ? 0 : atMs - this.#seenMs;
    if (gapMs > pauseMs) this.#pausedMs += gapMs;
    this.#seenMs = atMs;
    return atMs - this.#pausedMs;
  }
}
