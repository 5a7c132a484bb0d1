/** The driver of `assembly/words.ts`: counts words in the memory of a WebAssembly module. */
import { inputBytes, type WordExports, wordKernel } from "./word-kernel.ts";

const formats = { ndjson: 0, csv: 1, text: 2 } as const;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

export class WordCounts {
  readonly #exports: WordExports;
  readonly #inputAt: number;
  readonly #lowercase: boolean;
  #memory = new Uint8Array(0);

  constructor(lowercase: boolean) {
    this.#exports = wordKernel();
    this.#lowercase = lowercase;
    this.#inputAt = this.#exports.start(inputBytes, lowercase, false);
  }

  /** Where `scan` and `absorb` look for bytes. Not valid after anything was counted. */
  get input(): Uint8Array {
    return this.#bytes().subarray(this.#inputAt, this.#inputAt + inputBytes);
  }

  get sizeBytes(): number {
    return this.#exports.sizeBytes();
  }

  clear(): void {
    this.#exports.clear();
  }

  /** Counts the words of the first `end` bytes of the input, the last of which is a separator. */
  scan(end: number): void {
    this.#exports.scan(this.#inputAt, this.#inputAt + end);
  }

  /** Adds to the count of a word, given as UTF-8. The input has what is not scanned yet: the word
   *  passes through where rows are written. */
  add(word: Uint8Array, by: number): void {
    const at = this.#exports.outAt();
    this.#bytes().set(word, at);
    this.#exports.add(at, word.length, by);
  }

  /** Adds a payload of `length` bytes in the input; its entries, or −1 when it is damaged. */
  absorb(length: number): number {
    return this.#exports.absorb(this.#inputAt, length);
  }

  /** Puts the words in order; entries of partition p are [starts[p], starts[p + 1]). */
  sort(partitions: number): number[] {
    if (this.#lowercase) this.#foldRest();
    this.#exports.sort(partitions);
    return Array.from({ length: partitions + 1 }, (_, p) => this.#exports.partitionStart(p));
  }

  /** Calls `write` with payloads of a run that has the entries [from, to). */
  writeRun(from: number, to: number, write: (payload: Uint8Array, entries: number) => void): void {
    for (let at = from; at < to; ) {
      const next = this.#exports.block(at, to);
      write(this.#out(), next - at);
      at = next;
    }
  }

  /** As `writeRun`, with rows of a result. */
  writeRows(
    [from, to]: readonly [number, number],
    format: keyof typeof formats,
    write: (rows: Uint8Array, count: number) => void,
  ): void {
    for (let at = from; at < to; ) {
      const next = this.#exports.rows(at, to, formats[format]);
      write(this.#out(), next - at);
      at = next;
    }
  }

  /** Small letters that are not ASCII are the engine's to know. Asked once for each word and task,
   *  not each time that it occurs. */
  #foldRest(): void {
    const exports = this.#exports;
    const count = exports.unfolded();
    const folded: Array<readonly [word: string, count: number]> = [];
    for (let i = 0; i < count; i++) {
      const entry = exports.entryAt(i);
      const at = exports.bytesAt(entry);
      const bytes = this.#bytes().subarray(at, at + exports.bytesOf(entry));
      const word = decoder.decode(bytes);
      const small = word.toLowerCase();
      if (small !== word) folded.push([small, exports.take(entry)]);
    }
    for (const [word, times] of folded) this.add(encoder.encode(word), times);
  }

  #out(): Uint8Array {
    const at = this.#exports.outAt();
    return this.#bytes().subarray(at, at + this.#exports.outSize());
  }

  /** A view of the memory as it is now: growing replaces it. */
  #bytes(): Uint8Array {
    const { buffer } = this.#exports.memory;
    if (this.#memory.buffer !== buffer) this.#memory = new Uint8Array(buffer);
    return this.#memory;
  }
}
