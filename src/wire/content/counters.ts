/** The counters of one attempt; `count()` of job code ends here, on workers, in tabs and under the
 *  judge. */
import { ClusterError } from "../../core/error.ts";

const countersMax = 1000;
const nameMaxCharacters = 200;

export class Counters {
  readonly #counts = new Map<string, number>();

  add(counter: string, by: number): void {
    const before = this.#counts.get(counter);
    if (before === undefined) this.#admit(counter);
    if (!Number.isFinite(by)) {
      throw new ClusterError(
        "user-error",
        `count(${JSON.stringify(counter)}, ${by}): not a number`,
      );
    }
    this.#counts.set(counter, (before ?? 0) + by);
  }

  get isEmpty(): boolean {
    return this.#counts.size === 0;
  }

  /** What has been counted since the last call. */
  take(): Record<string, number> {
    const counted = Object.fromEntries(this.#counts);
    this.#counts.clear();
    return counted;
  }

  #admit(counter: string): void {
    if (typeof counter !== "string" || counter.length > nameMaxCharacters) {
      throw new ClusterError(
        "user-error",
        `count: a counter's name is a string of up to ${nameMaxCharacters} characters`,
      );
    }
    if (this.#counts.size < countersMax) return;
    throw new ClusterError(
      "user-error",
      `count: more than ${countersMax} counters in one attempt; emit pairs for what has many names`,
    );
  }
}
