/** What the ended jobs of each owner take, against equal shares of the bounds: the results of one
 *  owner do not go because another one has many. */
import type { CoordinatorState } from "../state.ts";
import type { EndedJob } from "./retained.ts";

export class OwnerShares {
  readonly #sizes = new Map<string, EndedJob>();

  constructor({ jobs, retained }: CoordinatorState) {
    for (const [number, size] of retained.ended) {
      const owner = jobs.get(number)?.owner ?? "";
      const before = this.#sizes.get(owner) ?? { resultBytes: 0, recordBytes: 0 };
      this.#sizes.set(owner, sumOf(before, size, 1));
    }
  }

  /** Whether the owner has more than its share of the bound. */
  isAbove(owner: string, kind: keyof EndedJob, bound: number): boolean {
    return (this.#sizes.get(owner)?.[kind] ?? 0) > bound / this.#sizes.size;
  }

  /** A job of the owner goes. */
  without(owner: string, size: EndedJob): void {
    const before = this.#sizes.get(owner);
    if (before !== undefined) this.#sizes.set(owner, sumOf(before, size, -1));
  }
}

function sumOf(one: EndedJob, other: EndedJob, sign: 1 | -1): EndedJob {
  return {
    resultBytes: one.resultBytes + sign * other.resultBytes,
    recordBytes: one.recordBytes + sign * other.recordBytes,
  };
}
