/** Time as the coordinator's loop sees it: a port, so that a simulator can drive the same loop, and
 *  the real implementation. */

export interface Timers {
  /** Wall clock, ms since the epoch. It may be wrong, and set forward and back at any time. */
  wallMs(): number;
  /** Never goes back; its origin has no meaning. */
  monotonicMs(): number;
  /** Runs `fire` once after `delayMs`; the returned function cancels it and may be called at any
   *  time. */
  after(delayMs: number, fire: () => void): () => void;
  /** Runs `fire` once, after everything that has already arrived has been processed: events that
   *  are posted meanwhile share one batch, and so one write to the disk. */
  soon(fire: () => void): void;
}

export const realTimers: Timers = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, fire) {
    const timer = setTimeout(fire, delayMs);
    return () => clearTimeout(timer);
  },
  soon: (fire) => {
    setImmediate(fire);
  },
};

/** The coordinator's clock: starts at the wall clock or at the last logged time, whichever is
 *  later, and then only follows monotonic time. A wall clock that is set back or forward changes
 *  nothing while it runs, unless the loop finds that the start was wrong (`goBack`). */
export class LogClock {
  readonly #timers: Timers;
  #startMs: number;
  readonly #originMs: number;
  #backMs = 0;

  constructor(timers: Timers, lastAtMs: number) {
    this.#timers = timers;
    this.#startMs = Math.max(Math.ceil(lastAtMs), Math.floor(timers.wallMs()));
    this.#originMs = timers.monotonicMs();
  }

  /** Whole ms. */
  nowMs(): number {
    return this.steadyMs() - this.#backMs;
  }

  /** The same, without the effect of `goBack`: for durations within this process, whole ms. */
  steadyMs(): number {
    return this.#startMs + Math.floor(this.#timers.monotonicMs() - this.#originMs);
  }

  /** Forward when negative. */
  goBack(byMs: number): void {
    this.#backMs += byMs;
  }

  /** For the start, before the first use of `steadyMs`: sets it to `nowMs`. Returns by how much it
   *  went back. */
  rebase(): number {
    const byMs = this.#backMs;
    this.#startMs -= byMs;
    this.#backMs = 0;
    return byMs;
  }
}
