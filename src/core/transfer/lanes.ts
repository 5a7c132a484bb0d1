/** The lanes of one line, shared by all transfers over it in this process: each alone would fill
 *  it, and all together would only wait for each other. Pure: the caller measures.
 *
 *  1. No more ranges are under way than the pace allows.
 *  2. A transfer that waits gets a lane before the one that has just had it. */
import { type Arrived, type Pace, paceAfter, shorterRanges, startPace } from "./pace.ts";

export class Lanes {
  #pace: Pace;
  #running = 0;
  /** In the order in which they came. */
  readonly #waiting = new Set<() => void>();

  constructor(nowMs: number) {
    this.#pace = startPace(nowMs);
  }

  get pace(): Pace {
    return this.#pace;
  }

  get running(): number {
    return this.#running;
  }

  /** Whether the caller may begin a range, whose end it reports. If not, `again` is called once,
   *  when a lane is free; it then takes one, or has none to begin. */
  take(again: () => void): boolean {
    if (this.#running >= this.#pace.lanes) {
      this.#waiting.add(again);
      return false;
    }
    this.#waiting.delete(again);
    this.#running++;
    return true;
  }

  /** It waits no more. */
  leave(again: () => void): void {
    this.#waiting.delete(again);
  }

  /** A range has ended; null: it was cut. */
  done(arrived: Arrived | null): void {
    this.#running--;
    this.#pace = arrived === null ? shorterRanges(this.#pace) : paceAfter(this.#pace, arrived);
    // Each at most once: one that needs no lane leaves it to the next.
    for (const next of [...this.#waiting]) {
      if (this.#running >= this.#pace.lanes) return;
      this.#waiting.delete(next);
      next();
    }
  }
}
