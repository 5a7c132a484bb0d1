/** Collects what one map task emits: combined in place or kept, sorted, cut into partitions,
 *  spilled when large.
 *
 *  How much it holds is counted from keys and values alone, never from the engine's memory, so the
 *  same input with the same bound gives the same bytes on every worker and every run. */
import { Arena } from "../../wire/block/arena.ts";
import { type Key, readKey } from "../../wire/block/key.ts";
import { checkedPartition, hashOf } from "../../wire/block/partition.ts";
import { valueDepthMax } from "../../wire/block/refusal.ts";
import type { RunWriter } from "../../wire/block/run.ts";
import { readValue, writeValue } from "../../wire/block/value.ts";
import { detached, KeyIndex } from "./key-index.ts";
import type { Combine } from "./merge.ts";
import { type PackedKeys, sortKeys } from "./sort.ts";
import { SpillFiles } from "./spill.ts";
import type { WordTable } from "./words/word-table.ts";

export type TableOptions = {
  readonly partitionCount: number;
  /** Above this estimate the table is sorted and written out. */
  readonly spillBytes: number;
  readonly combine: Combine | null;
  readonly partition: ((key: Key, count: number) => number) | null;
  readonly descending: boolean;
  /** The output file; spills lie beside it. */
  readonly path: string;
  /** When the records are words: they remember the indexes of their keys. */
  readonly words?: WordTable | null;
  /** Most keys in one Map of the engine; default all that it takes, 2^24. */
  readonly keysInMap?: number | undefined;
};

/** What an entry without `combine` is counted for besides its bytes. */
const entryCostBytes = 8;
/** Encoded values are addressed by 32 bits. */
const valuesMaxBytes = 2 ** 31;

export class EmitTable {
  readonly emit: (key: Key, value: unknown) => void;
  readonly #options: TableOptions;
  readonly #spills: SpillFiles;
  readonly #keys: KeyIndex;
  /** Estimate of what the values take. */
  #valueBytes = 0;
  /** With `combine`: the value so far of each key. */
  readonly #folded: unknown[] = [];
  /** Without: all values, encoded, and for each its key and its end. */
  readonly #values = new Arena(64 * 1024);
  readonly #entryKeys = new Column();
  readonly #entryEnds = new Column();
  readonly #scratch = new Arena(256);
  /** Set when a spill failed: user code may swallow the error that `emit` throws, `finish` does
   *  not. */
  #broken: unknown = null;

  constructor(options: TableOptions) {
    this.#options = options;
    this.#spills = new SpillFiles(options);
    this.#keys = new KeyIndex(options.keysInMap);
    this.emit = options.combine === null ? this.#keeping() : this.#combining(options.combine);
  }

  /** Writes the output file and answers the bytes of its manifest. */
  finish(): Uint8Array {
    if (this.#broken !== null) throw this.#broken;
    if (this.#spills.count === 0) return this.#write(this.#options.path);
    if (this.#keys.count > 0) this.#spill();
    return this.#spills.mergeAll();
  }

  /** Removes the spills; nothing else may be called after. */
  close(): void {
    this.#spills.close();
  }

  #combining(combine: Combine): (key: Key, value: unknown) => void {
    const indexOf = this.#indexer();
    const folded = this.#folded;
    return (key, value) => {
      if (typeof value !== "number") {
        this.#combineOther(key, value, combine);
        return;
      }
      const at = indexOf(key);
      if (at < folded.length) folded[at] = combine(folded[at], value);
      else {
        folded.push(value);
        this.#spillIfFull();
      }
    };
  }

  #combineOther(key: Key, value: unknown, combine: Combine): void {
    const owned = this.#owned(value);
    const at = this.#keys.indexOf(key);
    const folded = this.#folded;
    if (at < folded.length) folded[at] = combine(folded[at], owned);
    else folded.push(owned);
    this.#valueBytes += sizeOf(owned);
    this.#spillIfFull();
  }

  #keeping(): (key: Key, value: unknown) => void {
    const indexOf = this.#indexer();
    const values = this.#values;
    const entryKeys = this.#entryKeys;
    return (key, value) => {
      const start = values.length;
      const at = indexOf(key);
      writeValue(values, value, "map");
      entryKeys.push(at);
      this.#entryEnds.push(values.length);
      this.#valueBytes += entryCostBytes + values.length - start;
      this.#spillIfFull();
    };
  }

  /** Finds the index of a key. The word at hand has it already, unless it is new. */
  #indexer(): (key: Key) => number {
    const keys = this.#keys;
    const words = this.#options.words ?? null;
    if (words === null) return (key) => keys.indexOf(key);
    words.forgetKeys();
    return (key) => {
      // Not `===`, which would look into both strings, and wait for their memory.
      return Object.is(key, words.text) ? words.keyIndexIn(keys) : keys.indexOf(key);
    };
  }

  #spillIfFull(): void {
    const { spillBytes, combine } = this.#options;
    const full = this.#keys.sizeBytes + this.#valueBytes > spillBytes;
    if (!full && !this.#keys.isFull && this.#values.length < valuesMaxBytes) return;
    if (combine !== null) {
      // Values that were folded away are still counted: count again what is really there.
      this.#valueBytes = 0;
      for (const value of this.#folded) this.#valueBytes += sizeOf(value);
      const held = this.#keys.sizeBytes + this.#valueBytes;
      if (held * 2 <= spillBytes && !this.#keys.isFull) return;
    }
    this.#spill();
  }

  /** A value that no later change of the caller's can reach. */
  #owned(value: unknown): unknown {
    if (typeof value === "string") return detached(value);
    if (value === undefined || value === null) return value;
    if (typeof value === "number" || typeof value === "boolean") return value;
    this.#scratch.length = 0;
    writeValue(this.#scratch, value, "map");
    return readValue(this.#scratch.bytes, 0, this.#scratch.length);
  }

  #spill(): void {
    try {
      this.#write(this.#spills.nextPath());
    } catch (error) {
      this.#broken = error;
      throw error;
    }
    this.#keys.clear();
    this.#options.words?.forgetKeys();
    this.#folded.length = 0;
    this.#values.length = 0;
    this.#entryKeys.length = 0;
    this.#entryEnds.length = 0;
    this.#valueBytes = 0;
    try {
      this.#spills.compact();
    } catch (error) {
      this.#broken = error;
      throw error;
    }
  }

  /** Sorts what is held and writes it as one file of partitions. */
  #write(path: string): Uint8Array {
    const { partitionCount, combine } = this.#options;
    const keys = this.#keys.packed();
    const { order, starts } = this.#ordered(keys);
    const addKey = combine === null ? this.#entryAdder(keys) : this.#foldedAdder(keys);
    return this.#spills.write(path, (file) => {
      for (let p = 0; p < partitionCount; p++) {
        const start = starts[p] as number;
        const end = starts[p + 1] as number;
        if (start === end) continue;
        file.partition(p, (run) => {
          for (let i = start; i < end; i++) addKey(run, order[i] as number);
        });
      }
    });
  }

  /** Indexes of keys by partition, then by key; partition p is [starts[p], starts[p + 1]). */
  #ordered(keys: PackedKeys): { order: Uint32Array; starts: Uint32Array } {
    const { partitionCount, descending } = this.#options;
    const count = this.#keys.count;
    const partitions = new Uint32Array(count);
    const starts = new Uint32Array(partitionCount + 1);
    for (let i = 0; i < count; i++) {
      const partition = this.#partitionOf(keys, i);
      partitions[i] = partition;
      starts[partition + 1]!++;
    }
    for (let p = 0; p < partitionCount; p++) starts[p + 1]! += starts[p] as number;
    const order = new Uint32Array(count);
    const next = starts.slice();
    for (let i = 0; i < count; i++) order[next[partitions[i] as number]!++] = i;
    for (let p = 0; p < partitionCount; p++) {
      const part = order.subarray(starts[p], starts[p + 1]);
      sortKeys(keys, part);
      if (descending) part.reverse();
    }
    return { order, starts };
  }

  #partitionOf({ bytes, starts, ends }: PackedKeys, key: number): number {
    const { partition, partitionCount } = this.#options;
    const start = starts[key] as number;
    const end = ends[key] as number;
    if (partition === null) {
      return partitionCount === 1 ? 0 : hashOf(bytes, start, end) % partitionCount;
    }
    return checkedPartition(partition(readKey(bytes, start, end), partitionCount), partitionCount);
  }

  #foldedAdder({ bytes, starts, ends }: PackedKeys): (run: RunWriter, key: number) => void {
    const scratch = this.#scratch;
    const folded = this.#folded;
    return (run, key) => {
      scratch.length = 0;
      writeValue(scratch, folded[key], "combine");
      run.key(bytes, starts[key] as number, ends[key] as number);
      run.value(scratch.bytes, 0, scratch.length);
    };
  }

  /** Entries in the order of their keys; those of one key stay as they were emitted. */
  #entryAdder({ bytes, starts, ends }: PackedKeys): (run: RunWriter, key: number) => void {
    const entries = this.#entryKeys.length;
    const entryKeys = this.#entryKeys.values;
    const entryEnds = this.#entryEnds.values;
    const lasts = new Uint32Array(this.#keys.count);
    for (let i = 0; i < entries; i++) lasts[entryKeys[i] as number]!++;
    for (let key = 1; key < lasts.length; key++) lasts[key]! += lasts[key - 1] as number;
    const byKey = new Uint32Array(entries);
    const next = lasts.slice();
    for (let i = entries - 1; i >= 0; i--) byKey[--next[entryKeys[i] as number]!] = i;
    const values = this.#values.bytes;
    return (run, key) => {
      run.key(bytes, starts[key] as number, ends[key] as number);
      for (let at = next[key] as number; at < (lasts[key] as number); at++) {
        const entry = byKey[at] as number;
        const from = entry === 0 ? 0 : (entryEnds[entry - 1] as number);
        run.value(values, from, entryEnds[entry] as number);
      }
    };
  }
}

/** A growing column of whole numbers. */
class Column {
  values = new Uint32Array(1024);
  length = 0;

  push(value: number): void {
    if (this.length === this.values.length) {
      const grown = new Uint32Array(this.length * 2);
      grown.set(this.values);
      this.values = grown;
    }
    this.values[this.length++] = value;
  }
}

/** An estimate of what a value takes, from the value alone. What lies deeper than a value may be is
 *  not looked at: it is refused when it is written. */
function sizeOf(value: unknown, depth = 0): number {
  if (typeof value === "string") return 16 + value.length;
  if (typeof value !== "object" || value === null) return 8;
  if (value instanceof Uint8Array) return 64 + value.length;
  let bytes = 32;
  if (depth > valueDepthMax) return bytes;
  if (Array.isArray(value)) for (const element of value) bytes += 8 + sizeOf(element, depth + 1);
  else for (const inner of Object.values(value)) bytes += 24 + sizeOf(inner, depth + 1);
  return bytes;
}
