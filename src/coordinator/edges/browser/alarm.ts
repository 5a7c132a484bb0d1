/** One timer for many deadlines: it goes off at the first of them, and whoever it wakes says which
 *  is next. While there is none, nothing ticks. */
import type { Timers } from "../../loop/timers.ts";

export type AlarmOptions = {
  readonly timers: Pick<Timers, "after">;
  readonly nowMs: () => number;
  /** Looks at every deadline; one that has moved on meanwhile is found out here. */
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

  /** It goes off then at the latest. */
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
