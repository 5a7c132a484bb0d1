/** One timer for many deadlines: it fires at the first of them, and the function that it calls
 *  returns the next. Without deadlines there is no timer. */
import type { Timers } from "../../loop/timers.ts";

export type AlarmOptions = {
  readonly timers: Pick<Timers, "after">;
  readonly nowMs: () => number;
  /** Checks every deadline, also those that have moved, and returns the next. */
  readonly wake: (nowMs: number) => void;
};

export class Alarm {
  readonly #options: AlarmOptions;
  #atMs = Infinity;
  #stopped = false;
  #cancel = () => {};

  constructor(options: AlarmOptions) {
    this.#options = options;
  }

  /** Fires at this time at the latest. */
  by(atMs: number): void {
    if (this.#stopped || atMs >= this.#atMs) return;
    const { nowMs, timers, wake } = this.#options;
    this.#cancel();
    this.#atMs = atMs;
    this.#cancel = timers.after(Math.max(1, atMs - nowMs()), () => {
      if (this.#stopped) return;
      this.#atMs = Infinity;
      wake(nowMs());
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }
}
