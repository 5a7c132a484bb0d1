/** Time as the coordinator's loop sees it: a port, so that a simulator can drive the same loop, and
 *  the real one. */

export interface Timers {
  /** Wall clock, ms since the epoch; read once, at start. */
  wallMs(): number;
  /** Never goes back; its origin means nothing. */
  monotonicMs(): number;
  /** Runs `fire` once after `delayMs`; the returned function cancels it and may be called at any
   *  time. */
  after(delayMs: number, fire: () => void): () => void;
  /** Runs `fire` once, after everything that has already arrived has been handed over: what is
   *  posted in between shares one batch, and so one write to the disk. */
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
 *  later, and then only follows monotonic time. A wall clock that is set back or forth changes
 *  nothing while it runs. */
export class LogClock {
  readonly #timers: Timers;
  readonly #startMs: number;
  readonly #originMs: number;

  constructor(timers: Timers, lastAtMs: number) {
    this.#timers = timers;
    this.#startMs = Math.max(Math.ceil(lastAtMs), Math.floor(timers.wallMs()));
    this.#originMs = timers.monotonicMs();
  }

  /** Whole ms. */
  nowMs(): number {
    return this.#startMs + Math.floor(this.#timers.monotonicMs() - this.#originMs);
  }
}
