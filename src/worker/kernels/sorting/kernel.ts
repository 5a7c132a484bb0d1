/** The WebAssembly of sorting with its memory: what `sort.as` offers, typed. */
import { assert, ClusterError } from "../../../core/error.ts";
import { kernelOf, type Memory } from "../wasm/engine.ts";
import { wasmBase64 } from "./sort-wasm.ts";

/** How records lie one after the other. */
export type Shape =
  /** All equally long, the key at [from, to). */
  | {
      readonly kind: "fixed";
      readonly recordBytes: number;
      readonly key: readonly [from: number, to: number];
    }
  /** Each ends with a newline; the key is all before it. */
  | { readonly kind: "lines" }
  /** u32 length of the key, u32 length of the record, key, record. */
  | { readonly kind: "framed" };

export type Ordering = {
  readonly shape: Shape;
  readonly descending: boolean;
  /** Of records with equal keys only the first is kept. */
  readonly unique: boolean;
  /** So many records are wanted at most; null = all. */
  readonly limit: number | null;
};

/** Bytes that may be touched behind whatever is given to the kernel. */
export const slackBytes = 64;
export const entryBytes = 16;
export const runBytes = 24;
/** Runs that can be merged at once. */
export const runsMax = 256;

const pageBytes = 64 * 1024;
/** Where the counters of the radix sort, the runs and their tree lie. */
export const countersAt = 1024;
export const runsAt = pageBytes;
export const treeAt = runsAt + runsMax * runBytes;
/** From here on memory is the caller's. */
export const freeAt = 2 * pageBytes;
const memoryMaxBytes = 2 ** 32 - pageBytes;
/** A kernel with more memory than this is not kept for the next task. */
const keptMaxBytes = 256 * 1024 * 1024;

/** See `sort.as`. Addresses and lengths are bytes. */
type Calls = {
  configure(
    ...shape: [
      kind: number,
      keyAt: number,
      keyBytes: number,
      recordBytes: number,
      descending: number,
      unique: number,
    ]
  ): void;
  bytesDone(): number;
  recordsDone(): number;
  longestDone(): number;
  index(from: number, to: number, entries: number, most: number): number;
  sort(a: number, b: number, count: number, counters: number): void;
  countBefore(entries: number, count: number, key: number, length: number): number;
  gather(first: number, ...range: [from: number, to: number, out: number, room: number]): number;
  setHead(run: number): number;
  endRun(run: number): void;
  buildTree(runs: number, tree: number, count: number): void;
  replay(runs: number, tree: number, count: number, run: number): void;
  startMerge(lastKey: number): void;
  merge(runs: number, tree: number, count: number, ...to: MergeTo): number;
};
type MergeTo = [out: number, room: number, most: number, strip: number];

type GrowingMemory = Memory & { grow(pages: number): number };

const kinds = { fixed: 0, lines: 1, framed: 2 } as const;
const kernel = kernelOf<Calls>(wasmBase64);
let kept: SortKernel | null = null;

export class SortKernel {
  readonly calls: Calls;
  /** All of the memory; others after `ensure`. */
  bytes: Uint8Array = new Uint8Array(0);
  words: Uint32Array = new Uint32Array(0);
  readonly #memory: GrowingMemory;

  private constructor() {
    const made = kernel({});
    this.calls = made;
    this.#memory = made.memory as GrowingMemory;
    this.#look();
    this.ensure(freeAt);
  }

  /** The kernel of this process, whose memory the last task has left: one task at a time. */
  static take({ shape, descending, unique }: Ordering): SortKernel {
    const taken = kept ?? new SortKernel();
    kept = taken.bytes.length <= keptMaxBytes ? taken : null;
    const [from, to] = shape.kind === "fixed" ? shape.key : [0, 0];
    const recordBytes = shape.kind === "fixed" ? shape.recordBytes : 0;
    assert(from <= to && (shape.kind !== "fixed" || to <= recordBytes), "the key is in the record");
    const flags = [Number(descending), Number(unique)] as const;
    taken.calls.configure(kinds[shape.kind], from, to - from, recordBytes, ...flags);
    return taken;
  }

  /** Makes addresses below `end` usable. What is there stays; views must be taken anew. */
  ensure(end: number): void {
    if (end + slackBytes <= this.bytes.length) return;
    const wanted = Math.ceil((end + slackBytes) / pageBytes);
    if (wanted * pageBytes > memoryMaxBytes) {
      throw new ClusterError("limit-exceeded", "records are too long to be sorted in 4 GiB");
    }
    this.#memory.grow(wanted - this.bytes.length / pageBytes);
    this.#look();
  }

  #look(): void {
    this.bytes = new Uint8Array(this.#memory.buffer);
    this.words = new Uint32Array(this.#memory.buffer);
  }
}
