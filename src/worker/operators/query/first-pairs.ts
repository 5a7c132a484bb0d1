/** Of the rows that a task sends to a sort that needs only the first ones: those that may be among
 *  them. */

type Pair = { readonly key: string; readonly value: unknown };

/** Twice as many as are needed are held before it forgets, so that each costs little. */
export class FirstPairs {
  readonly #count: number;
  readonly #emit: (key: string, value: unknown) => void;
  #pairs: Pair[] = [];
  /** A pair behind it has no chance; null = there are not enough yet. */
  #last: string | null = null;

  constructor(count: number, emit: (key: string, value: unknown) => void) {
    this.#count = count;
    this.#emit = emit;
  }

  add(key: string, value: unknown): void {
    // Of equal keys those that came first are kept.
    if (this.#last !== null && key >= this.#last) return;
    this.#pairs.push({ key, value });
    if (this.#pairs.length >= 2 * this.#count + 1024) this.#forget();
  }

  /** Emits what is left, in order. */
  finish(): void {
    this.#forget();
    for (const { key, value } of this.#pairs) this.#emit(key, value);
  }

  #forget(): void {
    this.#pairs.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
    this.#pairs.length = Math.min(this.#pairs.length, this.#count);
    if (this.#pairs.length === this.#count) this.#last = this.#pairs.at(-1)?.key ?? null;
  }
}
