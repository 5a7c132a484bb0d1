/** Merges sorted runs of groups in the memory of a kernel. */
import { damaged } from "../../../wire/block/arena.ts";
import type { RunReader } from "../../../wire/block/run.ts";
import { readValue } from "../../../wire/block/value.ts";
import { type GroupHost, GroupKernel, type GroupShape } from "./kernel.ts";

/** Where groups go. */
export type GroupTarget = {
  /** Rows of NDJSON, or the payload of a block of a run, that are ready. */
  rows(bytes: Uint8Array, count: number): void;
  /** A group that is not among them, its key as it is encoded, valid until it returns; groups come
   *  in the order of their keys. */
  pair(key: Uint8Array, value: unknown): void;
};

export type GroupMergeOptions = {
  readonly shape: GroupShape;
  readonly runs: readonly RunReader[];
  readonly combine: (a: unknown, b: unknown) => unknown;
  /** `rows`, `run`: all that can be are written as rows, or as entries. `pairs`: none. Else pairs
   *  that are behind the bound that was set may be left out. */
  readonly mode: "rows" | "pairs" | "ascending" | "descending" | "run";
  /** One that has groups no more; absent = the one that this process keeps. */
  readonly kernel?: GroupKernel;
  readonly target: GroupTarget;
};

const modes = { rows: 0, pairs: 1, ascending: 2, descending: 2, run: 3 } as const;
/** Entries that are merged in one call: engines improve what is called often. */
const callEntries = 16 * 1024;

export class GroupMerge implements GroupHost {
  readonly #options: GroupMergeOptions;
  readonly #kernel: GroupKernel;
  readonly #rooms: number[] = [];
  /** Of the group at hand, what the kernel cannot add. */
  #total: { readonly value: unknown } | null = null;

  /** One at a time. */
  constructor(options: GroupMergeOptions) {
    this.#options = options;
    this.#kernel = options.kernel ?? GroupKernel.take(options.shape);
  }

  /** Pairs behind this value are not wanted. */
  setBound(value: number): void {
    this.#kernel.exports.setBound(value);
  }

  run(): void {
    const { runs, mode } = this.#options;
    if (runs.length === 0) return;
    const kernel = this.#kernel;
    const { exports } = kernel;
    kernel.host = this;
    try {
      exports.startMerge(runs.length, modes[mode], mode === "ascending");
      for (const run of runs) this.#rooms.push(exports.room(run.blockBytes));
      exports.firstKeys();
      while (exports.merge(callEntries) !== 0);
    } finally {
      kernel.host = null;
    }
    const entries = runs.reduce((sum, run) => sum + run.entries, 0);
    if (exports.entriesMerged() !== entries) throw damaged("a run of groups");
  }

  payload(run: number): boolean {
    const payload = this.#options.runs[run]?.payload() ?? null;
    if (payload === null) return false;
    const at = this.#rooms[run] as number;
    this.#kernel.bytes.set(payload, at);
    this.#kernel.exports.setPayload(run, at, at + payload.length);
    return true;
  }

  value(at: number, length: number): void {
    const value = readValue(this.#kernel.bytes, at, at + length);
    const { combine } = this.#options;
    this.#total = { value: this.#total === null ? value : combine(this.#total.value, value) };
  }

  rows(at: number, length: number, count: number): void {
    this.#options.target.rows(this.#kernel.bytes.subarray(at, at + length), count);
  }

  pair(keyAt: number, keyLength: number, at: number, length: number): void {
    const key = this.#kernel.bytes.subarray(keyAt, keyAt + keyLength);
    if (length > 0) this.value(at, length);
    const total = this.#total;
    this.#total = null;
    this.#options.target.pair(key, total?.value);
  }
}
