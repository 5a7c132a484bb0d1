/** The driver of `assembly/words.ts` for words that become strings: gives each its number. */
import { inputBytes, type WordExports, wordKernel } from "./word-kernel.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

export class WordNumbers {
  /** Addresses of the input's first byte; places are addresses, too. */
  readonly inputAt: number;
  /** Numbers and places of the words of a strip. */
  list = new Int32Array(0);
  places = new Int32Array(0);
  /** Words of the strip that are new: they have the numbers that come next. */
  fresh = 0;
  readonly #exports: WordExports;
  #visit: () => void = () => {};

  constructor(lowercase: boolean) {
    this.#exports = wordKernel(() => this.#strip());
    this.inputAt = this.#exports.start(inputBytes, lowercase, true);
  }

  get input(): Uint8Array {
    return new Uint8Array(this.#exports.memory.buffer, this.inputAt, inputBytes);
  }

  get sizeBytes(): number {
    return this.#exports.sizeBytes();
  }

  clear(): void {
    this.#exports.clear();
  }

  /** Finds the words of the first `end` bytes of the input, the last of which is a separator;
   *  `visit` is called for each strip of them. */
  scan(end: number, visit: () => void): void {
    this.#visit = visit;
    this.#exports.number(this.inputAt, this.inputAt + end);
  }

  #strip(): void {
    const exports = this.#exports;
    const count = exports.wordsListed();
    this.fresh = exports.freshWords();
    const { buffer } = exports.memory;
    this.list = new Int32Array(buffer, exports.listAt(0), count);
    this.places = new Int32Array(buffer, exports.listAt(1), count);
    this.#visit();
  }

  /** The text of a new word, as it is in the input. */
  freshText(i: number): string {
    const { buffer } = this.#exports.memory;
    const [at = 0, length = 0] = new Uint32Array(buffer, this.#exports.listAt(2) + 8 * i, 2);
    return decoder.decode(new Uint8Array(buffer, at, length));
  }
}
