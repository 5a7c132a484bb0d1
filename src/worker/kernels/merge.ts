/** Merges runs into one stream of entries in key order; memory is one block for each run.
 *
 *  Entries of one key come by run, then in the order they have there: since runs are given in the
 *  order of the map tasks, a reducer sees the same values in the same order, whichever workers ran
 *  the map tasks. */
import { Arena } from "../../wire/block/arena.ts";
import type { RunReader, RunWriter } from "../../wire/block/run.ts";
import { readValue, writeValue } from "../../wire/block/value.ts";

export type Combine = (a: unknown, b: unknown) => unknown;

/** A tournament of runs: a leaf for each, every inner node holds the run that won there. */
export class Merge {
  /** The run that has the current entry, once `next()` has answered true. */
  run: RunReader;
  /** Whether the current entry is the first of its key. */
  fresh = false;
  /** The current key is `key` [0, keyLength); stays when the run goes on. */
  key = new Uint8Array(64);
  keyLength = -1;
  readonly #runs: readonly RunReader[];
  readonly #alive: Uint8Array;
  readonly #winners: Int32Array;
  readonly #sign: number;
  #current = -1;

  /** At least one run. */
  constructor(runs: readonly RunReader[], descending: boolean) {
    this.#runs = runs;
    this.run = runs[0] as RunReader;
    this.#sign = descending ? -1 : 1;
    this.#alive = Uint8Array.from(runs, (run) => (run.next() ? 1 : 0));
    const count = runs.length;
    this.#winners = new Int32Array(2 * count);
    for (let i = 0; i < count; i++) this.#winners[count + i] = i;
    for (let node = count - 1; node > 0; node--) this.#play(node);
  }

  next(): boolean {
    const last = this.#current;
    if (last >= 0) {
      const run = this.run;
      const more = run.next();
      if (more && run.repeated) {
        // Equal keys of other runs have lost to this one already, and would again.
        this.fresh = false;
        return true;
      }
      if (!more) this.#alive[last] = 0;
      for (let node = (last + this.#runs.length) >> 1; node > 0; node >>= 1) this.#play(node);
    }
    const winner = this.#runs.length === 1 ? 0 : (this.#winners[1] as number);
    this.#current = winner;
    if (this.#alive[winner] === 0) {
      this.#current = -1;
      return false;
    }
    this.run = this.#runs[winner] as RunReader;
    this.fresh = !this.#sameKey(this.run);
    if (this.fresh) this.#takeKey(this.run);
    return true;
  }

  #play(node: number): void {
    const winners = this.#winners;
    const a = winners[2 * node] as number;
    const b = winners[2 * node + 1] as number;
    winners[node] = this.#beats(a, b) ? a : b;
  }

  #beats(a: number, b: number): boolean {
    if (this.#alive[a] === 0) return false;
    if (this.#alive[b] === 0) return true;
    const left = this.#runs[a] as RunReader;
    const right = this.#runs[b] as RunReader;
    const leftKey = left.key;
    const rightKey = right.key;
    const shared = left.keyLength < right.keyLength ? left.keyLength : right.keyLength;
    for (let i = 0; i < shared; i++) {
      const difference = (leftKey[i] as number) - (rightKey[i] as number);
      if (difference !== 0) return difference * this.#sign < 0;
    }
    const difference = left.keyLength - right.keyLength;
    return difference === 0 ? a < b : difference * this.#sign < 0;
  }

  #sameKey(run: RunReader): boolean {
    if (run.keyLength !== this.keyLength) return false;
    const { key } = this;
    for (let i = this.keyLength - 1; i >= 0; i--) if (key[i] !== run.key[i]) return false;
    return true;
  }

  #takeKey(run: RunReader): void {
    const length = run.keyLength;
    if (length > this.key.length) this.key = new Uint8Array(length * 2);
    const { key } = this;
    for (let i = 0; i < length; i++) key[i] = run.key[i] as number;
    this.keyLength = length;
  }
}

export function currentValue({ run }: Merge): unknown {
  return readValue(run.bytes, run.valueStart, run.valueEnd);
}

/** Folds all values of the current key, which `merge` has just come to; false when it was the last
 *  key. */
export type Fold = { value: unknown; more: boolean };

export function foldKey(merge: Merge, combine: Combine, fold: Fold): void {
  let value = currentValue(merge);
  let more = merge.next();
  for (; more && !merge.fresh; more = merge.next()) value = combine(value, currentValue(merge));
  fold.value = value;
  fold.more = more;
}

/** Writes the merged entries to one run; with `combine`, one entry for each key. */
export function mergeIntoRun(merge: Merge, combine: Combine | null, target: RunWriter): void {
  if (combine === null) {
    while (merge.next()) {
      const { run, key, keyLength } = merge;
      target.key(key, 0, keyLength);
      target.value(run.bytes, run.valueStart, run.valueEnd);
    }
    return;
  }
  const key = new Arena(256);
  const value = new Arena(256);
  const fold: Fold = { value: undefined, more: merge.next() };
  while (fold.more) {
    key.length = 0;
    key.append(merge.key.subarray(0, merge.keyLength));
    foldKey(merge, combine, fold);
    value.length = 0;
    writeValue(value, fold.value, "combine");
    target.key(key.bytes, 0, key.length);
    target.value(value.bytes, 0, value.length);
  }
}
