/** Sorts the records of a map task: rounds of as many as memory holds, each a sorted segment for
 *  every partition; several rounds are merged in the end.
 *
 *  Bytes are put where `room` says, in memory of the kernel, and are not moved before they are
 *  written. Memory: output, two lists of entries, and in the rest records. */
import { assert, ClusterError } from "../../../core/error.ts";
import { encodeManifest } from "../../../wire/block/manifest.ts";
import { recordMaxBytes } from "../lines.ts";
import { countersAt, entryBytes, freeAt, type Ordering, SortKernel, slackBytes } from "./kernel.ts";
import { mergeSegments } from "./merging.ts";
import { SegmentWriter } from "./segment.ts";

export type SorterOptions = {
  readonly ordering: Ordering;
  /** Keys that begin a partition, in order: one fewer than there are partitions. */
  readonly splitters: readonly Uint8Array[];
  readonly memoryBytes: number;
  /** The file of all partitions; those of rounds lie beside it. */
  readonly path: string;
};

const memoryMinBytes = 256 * 1024;
const outMaxBytes = 4 * 1024 * 1024;

export class Sorter {
  readonly #kernel: SortKernel;
  readonly #options: SorterOptions;
  readonly #memoryBytes: number;
  readonly #outBytes: number;
  readonly #entries: number;
  readonly #entriesMax: number;
  readonly #inputAt: number;
  #inputEnd: number;
  /** Records not yet sorted are at [start, end). */
  #start: number;
  #end: number;
  readonly #rounds: SegmentWriter[] = [];

  constructor(options: SorterOptions) {
    this.#options = options;
    this.#kernel = SortKernel.take(options.ordering);
    const memoryBytes = Math.max(memoryMinBytes, options.memoryBytes);
    this.#memoryBytes = memoryBytes;
    this.#outBytes = Math.min(outMaxBytes, memoryBytes >> 4);
    const splitterBytes = options.splitters.reduce((most, key) => Math.max(most, key.length), 0);
    const outEnd = freeAt + Math.max(this.#outBytes, splitterBytes) + slackBytes;
    this.#entries = Math.ceil(outEnd / entryBytes) * entryBytes;
    this.#entriesMax = Math.floor((memoryBytes * 3) / 8 / (2 * entryBytes));
    this.#inputAt = this.#entries + 2 * this.#entriesMax * entryBytes;
    this.#inputEnd = Math.max(freeAt + memoryBytes, this.#inputAt + Math.floor(memoryBytes / 4));
    this.#kernel.ensure(this.#inputEnd);
    this.#start = this.#end = this.#inputAt;
  }

  /** Where the next bytes go: `least` of them or more. */
  room(least = 1): Uint8Array {
    while (this.#inputEnd - this.#end < least) this.#makeRoom(least);
    return this.#kernel.bytes.subarray(this.#end, this.#inputEnd);
  }

  /** So many bytes were put into the array that `room` returned. */
  added(count: number): void {
    this.#end += count;
  }

  /** The last byte that was added, and is still there; −1 = none. */
  get last(): number {
    return this.#end === this.#start ? -1 : (this.#kernel.bytes[this.#end - 1] as number);
  }

  /** Takes back the last bytes. */
  removed(count: number): void {
    assert(this.#end - count >= this.#start, "only what was added can be removed");
    this.#end -= count;
  }

  /** Sorts the rest, closes the file, answers its manifest. */
  finish(): Uint8Array {
    while (this.#end > this.#start) {
      const used = this.#round();
      assert(used > 0, "what is left are whole records");
    }
    const { path, splitters } = this.#options;
    const [only] = this.#rounds;
    if (only !== undefined && this.#rounds.length === 1) return encodeManifest(only.segments);
    const whole = new SegmentWriter(path, true);
    this.#rounds.unshift(whole);
    const rounds = this.#rounds.slice(1);
    const offsets = rounds.map(() => 0);
    for (let partition = 0; partition <= splitters.length; partition++) {
      const segments = rounds.map(({ file, segments }, round) => {
        const { sizeBytes } = segments[partition] as { readonly sizeBytes: number };
        const offset = offsets[round] as number;
        offsets[round] = offset + sizeBytes;
        return { path: file.path, offset, sizeBytes };
      });
      const { ordering } = this.#options;
      const memory = { memoryBytes: this.#memoryBytes, path, strip: false };
      mergeSegments(segments, { kernel: this.#kernel, ordering, ...memory }, whole);
      whole.end();
    }
    whole.file.close();
    for (const { file } of rounds) file.discard();
    return encodeManifest(whole.segments);
  }

  /** After success or failure alike; the finished file stays. */
  close(isFinished: boolean): void {
    for (const [i, { file }] of this.#rounds.entries()) {
      if (isFinished && i === 0) file.close();
      else file.discard();
    }
  }

  /** Sorts what is there, or moves it to the front, or takes more memory for one long record. */
  #makeRoom(least: number): void {
    while (this.#end > this.#start && this.#round() > 0) {
      // Lists of entries can be full before the memory for records is.
    }
    const rest = this.#end - this.#start;
    this.#kernel.bytes.copyWithin(this.#inputAt, this.#start, this.#end);
    this.#start = this.#inputAt;
    this.#end = this.#inputAt + rest;
    if (this.#inputEnd - this.#end >= least) return;
    if (rest >= recordMaxBytes) {
      const text = `a record has more than ${recordMaxBytes} bytes; is this the right format?`;
      throw new ClusterError("user-error", text);
    }
    this.#inputEnd += Math.max(least, this.#inputEnd - this.#inputAt);
    this.#kernel.ensure(this.#inputEnd);
  }

  /** Sorts and writes as many of the records as there are entries for; answers their bytes. */
  #round(): number {
    const { calls } = this.#kernel;
    const used = calls.index(this.#start, this.#end, this.#entries, this.#entriesMax);
    const count = calls.recordsDone();
    if (count === 0) return 0;
    this.#start += used;
    calls.sort(this.#entries, this.#entries + this.#entriesMax * entryBytes, count, countersAt);
    const { path, splitters } = this.#options;
    const isFirst = this.#rounds.length === 0 && this.#start === this.#end;
    this.#write(isFirst ? path : `${path}.round-${this.#rounds.length}`, splitters, count);
    return used;
  }

  #write(path: string, splitters: readonly Uint8Array[], count: number): void {
    const { bytes, calls } = this.#kernel;
    const writer = new SegmentWriter(path, path === this.#options.path);
    this.#rounds.push(writer);
    let from = 0;
    for (let partition = 0; partition <= splitters.length; partition++) {
      const splitter = splitters[partition];
      let to = count;
      if (splitter !== undefined) {
        bytes.set(splitter, freeAt);
        to = Math.max(from, calls.countBefore(this.#entries, count, freeAt, splitter.length));
      }
      this.#gather(from, to, writer);
      writer.end();
      from = to;
    }
    writer.file.close();
  }

  #gather(first: number, end: number, writer: SegmentWriter): void {
    const { bytes, words, calls } = this.#kernel;
    const { limit } = this.#options.ordering;
    const start = this.#entries + first * entryBytes;
    const to = this.#entries + end * entryBytes;
    let left = limit ?? Number.POSITIVE_INFINITY;
    for (let from = start; from < to && left > 0; ) {
      const upTo = left < (to - from) / entryBytes ? from + left * entryBytes : to;
      from = calls.gather(start, from, upTo, freeAt, this.#outBytes);
      const records = calls.recordsDone();
      left -= records;
      if (records > 0) {
        const filled = bytes.subarray(freeAt, freeAt + calls.bytesDone());
        writer.write(filled, records, calls.longestDone());
      } else if (from < upTo) {
        // Longer than the output buffer: written from where it lies.
        const at = words[(from >> 2) + 2] as number;
        const length = words[(from >> 2) + 3] as number;
        writer.write(bytes.subarray(at, at + length), 1, length);
        left -= 1;
        from += entryBytes;
      }
    }
  }
}
