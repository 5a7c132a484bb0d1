/** Keeps one string for each word, found by the word's number, and what key of the emit table it
 *  has become: a word that comes again costs no allocation and no hash of a string, neither here
 *  nor there. The numbers are the kernel's. */
import type { KeyIndex } from "../key-index.ts";
import { WordNumbers } from "../wasm/word-numbers.ts";

/** Most words that are kept; past them the table starts anew. */
export const wordsMax = 256 * 1024;
/** Most bytes that the kernel keeps for them. */
const keptMaxBytes = 64 * 1024 * 1024;

export class WordTable {
  /** The word that `map` has at hand: most likely what it emits. */
  text = "";
  readonly numbers: WordNumbers;
  readonly lowercase: boolean;
  /** Number of the word at hand; 0 = it has none. */
  #number = 0;
  /** By number, from 1. */
  #texts: string[] = [""];
  /** Index of the key, or −1. */
  #keys = new Int32Array(4096).fill(-1);

  constructor(lowercase: boolean) {
    this.lowercase = lowercase;
    this.numbers = new WordNumbers(lowercase);
  }

  /** Takes what the kernel has found that is new. */
  learn(): void {
    const { numbers, lowercase } = this;
    for (let i = 0; i < numbers.fresh; i++) {
      const text = numbers.freshText(i);
      this.#texts.push(lowercase ? text.toLowerCase() : text);
    }
    if (this.#texts.length <= this.#keys.length) return;
    const grown = new Int32Array(2 * this.#texts.length).fill(-1);
    grown.set(this.#keys);
    this.#keys = grown;
  }

  /** Forgets all words when there are too many. */
  bound(): void {
    if (this.#texts.length <= wordsMax && this.numbers.sizeBytes <= keptMaxBytes) return;
    this.numbers.clear();
    this.#texts = [""];
    this.#keys.fill(-1);
  }

  /** Has the word of this number at hand. */
  take(number: number): string {
    const text = this.#texts[number] as string;
    this.#number = number;
    this.text = text;
    return text;
  }

  /** Has a word at hand that is not kept. */
  takeOther(text: string): string {
    this.#number = 0;
    this.text = text;
    return text;
  }

  /** Index of the key that the word at hand is. */
  keyIndexIn(keys: KeyIndex): number {
    const number = this.#number;
    const known = this.#keys[number] as number;
    if (known >= 0) return known;
    const index = keys.indexOf(this.text);
    if (number !== 0) this.#keys[number] = index;
    return index;
  }

  /** The emit table gives its indexes anew. */
  forgetKeys(): void {
    this.#keys.fill(-1);
  }
}
