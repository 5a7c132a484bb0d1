/** The calls of one job of a mapping: what has come of them and was not taken yet. */
import type { Outcome } from "../../sdk/ship/calls.ts";

export type Call = { readonly index: number; readonly outcome: Outcome };

export class Window {
  /** Index of its first item among all. */
  readonly first: number;
  readonly count: number;
  /** Once it is submitted. */
  job: string | null = null;
  /** No more will come. */
  hasEnded = false;
  /** Why, when that is not the end of all calls. */
  failure: { readonly error: unknown } | null = null;
  /** By index in the window. */
  readonly #outcomes = new Map<number, Outcome>();
  #takenCount = 0;

  constructor(first: number, count: number) {
    this.first = first;
    this.count = count;
  }

  get isTaken(): boolean {
    return this.#takenCount === this.count;
  }

  /** `at`: index in the window of the first. */
  put(at: number, outcomes: readonly Outcome[]): void {
    for (const [n, outcome] of outcomes.entries()) this.#outcomes.set(at + n, outcome);
  }

  /** The next one; `ordered`: of the items, else of those that have come. */
  take(ordered: boolean): Call | null {
    const at = ordered ? this.#takenCount : this.#outcomes.keys().next().value;
    const outcome = at === undefined ? undefined : this.#outcomes.get(at);
    if (at === undefined || outcome === undefined) return null;
    this.#outcomes.delete(at);
    this.#takenCount++;
    return { index: this.first + at, outcome };
  }
}
