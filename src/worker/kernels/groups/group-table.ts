/** Groups rows in the memory of a kernel. */
import type { GroupExports } from "./exports.ts";
import { GroupKernel, type GroupShape, inputBytes } from "./kernel.ts";

/** Part of the input, as offsets in it. */
export type Range = readonly [from: number, end: number];

/** `separator`: its byte. `width`: columns of a row. */
export type CsvShape = {
  readonly separator: number;
  readonly width: number;
  readonly isMultiline: boolean;
};

/** Lines that are read by the host are cheaper with a few others between than in parts. */
const gapBytes = 512;

export class GroupTable {
  readonly #isPassing: boolean;
  readonly #isFraming: boolean;
  readonly #kernel: GroupKernel;
  readonly #exports: GroupExports;
  readonly #inputAt: number;

  /** Empty. One at a time. */
  constructor(shape: GroupShape) {
    this.#isPassing = shape.program?.group === null;
    this.#isFraming = shape.program?.frame !== undefined;
    this.#kernel = GroupKernel.take(shape);
    this.#exports = this.#kernel.exports;
    this.#inputAt = this.#kernel.inputAt;
  }

  /** Where `scan` looks for bytes. Not valid after it. */
  get input(): Uint8Array {
    return this.#kernel.bytes.subarray(this.#inputAt, this.#inputAt + inputBytes);
  }

  /** For what is to be done with it when it is empty. */
  get kernel(): GroupKernel {
    return this.#kernel;
  }

  get groups(): number {
    return this.#exports.slotCount();
  }

  get sizeBytes(): number {
    return this.#exports.tableBytes();
  }

  clear(): void {
    this.#exports.clear();
  }

  /** Which fields of a row are its key and its number. */
  setFields(keys: readonly number[], number: number | null): void {
    for (const [key, field] of keys.entries()) this.#exports.setKeyField(key, field);
    this.#exports.setNumberField(number ?? 0);
  }

  /** Which field of a row each column of a program is. */
  setColumnFields(fields: readonly number[]): void {
    for (const [column, field] of fields.entries()) this.#exports.setColumnField(column, field);
  }

  /** `columns`: where each field lies in a row; ascending. */
  setCsv({ separator, width, isMultiline }: CsvShape, columns: readonly number[]): void {
    this.#exports.setCsv(separator, width, isMultiline);
    for (const [field, column] of columns.entries()) this.#exports.setColumn(field, column);
  }

  /** Groups the lines of the first `end` bytes of the input, the last of which is a newline. Calls
   *  `odd` with the lines that are not grouped, in order, and `frames` with those of a program that
   *  makes such, between them. Answers where it stopped: before `end` at a line that may be the
   *  start of a row of several. */
  scan(end: number, odd: (range: Range) => void, frames?: (bytes: Uint8Array) => void): number {
    const exports = this.#exports;
    for (let at = this.#inputAt; at < this.#inputAt + end; ) {
      at = exports.scan(at, this.#inputAt + end);
      const count = exports.odds();
      const ranges = count > 0 ? this.#ranges(count) : [];
      if (this.#isFraming && frames !== undefined) this.#giveFrames(ranges, odd, frames);
      else for (const range of ranges) odd(range);
      if (exports.isOpen() !== 0) return at - this.#inputAt;
    }
    return end;
  }

  /** Frames of rows before each of the ranges, and then the range; rows of frames are in order. */
  #giveFrames(
    ranges: readonly Range[],
    odd: (range: Range) => void,
    give: (bytes: Uint8Array) => void,
  ): void {
    const exports = this.#exports;
    const { buffer } = exports.memory;
    const all = new Uint8Array(buffer, exports.framesAt(), exports.framesSize());
    if (ranges.length === 0) {
      if (all.length > 0) give(all);
      return;
    }
    // Copies: reading may need the memory of the kernel.
    const frames = all.slice();
    const count = exports.marksCount();
    const marks = new Uint32Array(buffer, exports.marksAt(), 2 * count).slice();
    let from = 0;
    let mark = 0;
    for (const range of ranges) {
      const row = range[0] + this.#inputAt;
      while (mark < count && (marks[2 * mark] as number) < row) mark++;
      const to = mark < count ? (marks[2 * mark + 1] as number) : frames.length;
      if (to > from) give(frames.subarray(from, to));
      from = to;
      odd(range);
    }
    if (frames.length > from) give(frames.subarray(from));
  }

  #ranges(count: number): readonly Range[] {
    const exports = this.#exports;
    const words = new Uint32Array(exports.memory.buffer, exports.oddsAt(), 2 * count);
    const ranges = Array.from({ length: count }, (_, i): Range => {
      const [from, to] = [words[2 * i] as number, words[2 * i + 1] as number];
      return [from - this.#inputAt, to - this.#inputAt];
    });
    ranges.sort(([a], [b]) => a - b);
    return this.#isPassing ? joined(ranges) : ranges;
  }

  /** Puts the groups in order; those of partition p are [starts[p], starts[p + 1]). */
  sort(partitions: number): number[] {
    this.#exports.sort(partitions);
    return Array.from({ length: partitions + 1 }, (_, p) => this.#exports.partitionStart(p));
  }

  /** Calls `write` with payloads of a run that has the groups [from, to). */
  writeRun(from: number, to: number, write: (payload: Uint8Array, entries: number) => void): void {
    for (let at = from; at < to; ) {
      const next = this.#exports.block(at, to);
      const start = this.#exports.outAt();
      write(this.#kernel.bytes.subarray(start, start + this.#exports.outSize()), next - at);
      at = next;
    }
  }
}

/** Rows that were dropped may be read again: they are dropped then, too. */
function joined(ranges: readonly Range[]): Range[] {
  const all: Range[] = [];
  for (const range of ranges) {
    const last = all.at(-1);
    if (last === undefined || range[0] - last[1] > gapBytes) all.push(range);
    else all[all.length - 1] = [last[0], range[1]];
  }
  return all;
}
