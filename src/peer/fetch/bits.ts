/** A set of piece numbers. */
import type { PieceRun } from "../../wire/p4/data.ts";

export class Bits {
  readonly length: number;
  readonly #bytes: Uint8Array;
  #count = 0;

  constructor(length: number) {
    this.length = length;
    this.#bytes = new Uint8Array(Math.ceil(length / 8));
  }

  get count(): number {
    return this.#count;
  }

  has(index: number): boolean {
    return (this.#bytes[index >>> 3]! & (1 << (index & 7))) !== 0;
  }

  /** False when it was already in the set. */
  add(index: number): boolean {
    if (this.has(index)) return false;
    this.#bytes[index >>> 3]! |= 1 << (index & 7);
    this.#count += 1;
    return true;
  }

  addRun({ first, count }: PieceRun): void {
    for (let index = first; index < Math.min(first + count, this.length); index++) this.add(index);
  }

  runs(countMax: number): PieceRun[] {
    const runs: PieceRun[] = [];
    for (let first = 0; first < this.length && runs.length < countMax; first++) {
      if (!this.has(first)) continue;
      let end = first + 1;
      while (end < this.length && this.has(end)) end += 1;
      runs.push({ first, count: end - first });
      first = end;
    }
    return runs;
  }
}
