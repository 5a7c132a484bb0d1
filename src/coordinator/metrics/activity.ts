/** Tasks and bytes a second of the last minutes, for the page's first look. Counts since this start
 *  of the coordinator; no decision depends on it. */
import type { CoordinatorEvent } from "../../core/event.ts";
import type { Activity as Shown } from "../../wire/api/cluster.ts";

/** One interval, ms, and how many of them are kept: five minutes. */
export const activityEveryMs = 2_000;
const kept = 150;

export class Activity {
  readonly #tasks = new Float64Array(kept + 1);
  readonly #bytes = new Float64Array(kept + 1);
  /** Number of the interval that is being counted, by the coordinator's clock. */
  #now = 0;
  #first = 0;

  /** An event that was not replayed. */
  see(event: CoordinatorEvent): void {
    if (event.kind !== "attempts-reported") return;
    const at = this.#advance(event.atMs) % (kept + 1);
    for (const report of event.reports) {
      if (report.kind !== "done") continue;
      this.#tasks[at] = (this.#tasks[at] as number) + 1;
      this.#bytes[at] = (this.#bytes[at] as number) + (report.inputBytes ?? 0);
    }
  }

  /** Whole intervals, oldest first: the one that is being counted would look like a fall. */
  shown(atMs: number): Shown {
    const now = this.#advance(atMs);
    const from = Math.max(this.#first, now - kept);
    const tasks: number[] = [];
    const bytes: number[] = [];
    for (let interval = from; interval < now; interval++) {
      tasks.push(this.#tasks[interval % (kept + 1)] as number);
      bytes.push(this.#bytes[interval % (kept + 1)] as number);
    }
    return { everyMs: activityEveryMs, tasks, bytes };
  }

  /** The clock is set back at most by a correction: then the newest interval goes on. */
  #advance(atMs: number): number {
    const wanted = Math.floor(atMs / activityEveryMs);
    if (this.#now === 0) {
      this.#now = wanted;
      this.#first = wanted;
    }
    const steps = Math.min(kept + 1, wanted - this.#now);
    for (let step = 1; step <= steps; step++) {
      const at = (wanted - steps + step) % (kept + 1);
      this.#tasks[at] = 0;
      this.#bytes[at] = 0;
    }
    this.#now = Math.max(this.#now, wanted);
    return this.#now;
  }
}
