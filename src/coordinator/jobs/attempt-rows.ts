/** A ring of attempts, seven numbers each: grows to its limit, then the oldest make room. Rows are
 *  numbered from 0; numbers are never reused. */
import { attemptNumbers } from "../../wire/api/attempts.ts";

const firstRoom = 64;

export class AttemptRows {
  readonly #max: number;
  #numbers = new Uint32Array(0);
  /** The row that will be added next. */
  next = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** The oldest row that is kept. */
  get first(): number {
    return Math.max(0, this.next - this.#max);
  }

  get size(): number {
    return this.next - this.first;
  }

  add(row: readonly number[]): void {
    const room = this.#numbers.length / attemptNumbers;
    if (this.next === room && room < this.#max) {
      const grown = Math.min(this.#max, Math.max(firstRoom, room * 2));
      const numbers = new Uint32Array(grown * attemptNumbers);
      numbers.set(this.#numbers);
      this.#numbers = numbers;
    }
    this.#numbers.set(row, (this.next % this.#max) * attemptNumbers);
    this.next++;
  }

  /** Rows `from` up to `to`, concatenated; both must be kept. */
  slice(from: number, to: number): number[] {
    const numbers: number[] = [];
    for (let row = from; row < to; row++) {
      const at = (row % this.#max) * attemptNumbers;
      for (let n = 0; n < attemptNumbers; n++) numbers.push(this.#numbers[at + n] as number);
    }
    return numbers;
  }
}
