/** Keeps one string for each word, found by the word's number, and what key of the emit table it
 *  has become: a word that comes again costs no allocation and no hash of a string, neither here
 *  nor there. The numbers are the kernel's. */
import { Arena } from "../../../wire/block/arena.ts";
import { writeKey } from "../../../wire/block/key.ts";
import type { KeyIndex } from "../key-index.ts";
import type { PackedKeys } from "../sort.ts";
import { WordNumbers } from "../wasm/word-numbers.ts";

/** Most words that are kept; past them the table starts anew. */
export const wordsMax = 256 * 1024;
/** Most bytes that the kernel keeps for them. */
const keptMaxBytes = 64 * 1024 * 1024;
const sizeMin = 4096;

export class WordTable {
  /** The word that `map` has at hand: most likely what it emits. */
  text = "";
  readonly numbers: WordNumbers;
  readonly lowercase: boolean;
  /** Number of the word at hand; 0 = it has none. */
  #number = 0;
  /** By number, from 1. */
  #texts: string[] = [""];
  /** Of equal texts the first number: other bytes may have the same small letters. */
  #firsts = new Int32Array(sizeMin);
  /** Index of the key, or −1. */
  #indexes = new Int32Array(sizeMin).fill(-1);
  /** The words as encoded keys, one behind the other. */
  readonly #keys = new Arena(64 * 1024);
  #keyEnds = new Uint32Array(sizeMin);
  /** Words that are not ASCII, when letters are made small. */
  readonly #foreign = new Map<string, number>();
  /** Knows words by their numbers. */
  #reader: KeyIndex | null = null;

  constructor(lowercase: boolean) {
    this.lowercase = lowercase;
    this.numbers = new WordNumbers(lowercase);
  }

  /** Takes what the kernel has found that is new. */
  learn(): void {
    const { numbers } = this;
    if (numbers.fresh === 0) return;
    this.#reserve(this.#texts.length + numbers.fresh);
    for (let i = 0; i < numbers.fresh; i++) this.#add(numbers.freshText(i));
  }

  #add(text: string): void {
    const number = this.#texts.length;
    const small = this.lowercase ? text.toLowerCase() : text;
    this.#texts.push(small);
    writeKey(this.#keys, small, "map");
    this.#keyEnds[number] = this.#keys.length;
    this.#firsts[number] = number;
    const sizeBytes = this.#keys.length - (this.#keyEnds[number - 1] as number);
    const isAscii = sizeBytes === 1 + small.length;
    if (!this.lowercase || isAscii) return;
    const first = this.#foreign.get(small);
    if (first === undefined) this.#foreign.set(small, number);
    else this.#firsts[number] = first;
  }

  /** Forgets all words when there are too many. */
  bound(): void {
    if (this.#texts.length <= wordsMax && this.numbers.sizeBytes <= keptMaxBytes) return;
    this.#reader?.lookUpWords();
    this.numbers.clear();
    this.#texts = [""];
    this.#keys.length = 0;
    this.#foreign.clear();
    this.#indexes.fill(-1);
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

  textOf(number: number): string {
    return this.#texts[number] as string;
  }

  /** These words as keys; valid until the next are learnt. */
  keysOf(numbers: readonly number[]): PackedKeys {
    const starts = new Uint32Array(numbers.length);
    const ends = new Uint32Array(numbers.length);
    for (let i = 0; i < numbers.length; i++) {
      const number = numbers[i] as number;
      starts[i] = this.#keyEnds[number - 1] as number;
      ends[i] = this.#keyEnds[number] as number;
    }
    return { bytes: this.#keys.bytes, starts, ends };
  }

  /** Index of the key that the word at hand is. */
  keyIndexIn(keys: KeyIndex): number {
    const known = this.#indexes[this.#number] as number;
    return known >= 0 ? known : this.#newIndexIn(keys);
  }

  #newIndexIn(keys: KeyIndex): number {
    const number = this.#number;
    if (number === 0) return keys.indexOf(this.text);
    const first = this.#firsts[number] as number;
    let index = this.#indexes[first] as number;
    if (index < 0) {
      this.#reader = keys;
      index = keys.addWord(this, first);
      this.#indexes[first] = index;
    }
    this.#indexes[number] = index;
    return index;
  }

  /** The emit table gives its indexes anew. */
  forgetKeys(): void {
    this.#indexes.fill(-1);
  }

  #reserve(count: number): void {
    if (count <= this.#indexes.length) return;
    const indexes = new Int32Array(2 * count).fill(-1);
    indexes.set(this.#indexes);
    this.#indexes = indexes;
    const firsts = new Int32Array(2 * count);
    firsts.set(this.#firsts);
    this.#firsts = firsts;
    const keyEnds = new Uint32Array(2 * count);
    keyEnds.set(this.#keyEnds);
    this.#keyEnds = keyEnds;
  }
}
