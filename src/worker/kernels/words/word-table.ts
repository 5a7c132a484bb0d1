/** Keeps one string for each word, found by the word's bytes, and what key of the emit table it
 *  has become: a word that comes again costs no allocation and no hash of a string, neither here
 *  nor there.
 *
 *  What a rare word costs is the wait for memory, so a slot has all there is to know in half a
 *  cache line: words of up to 16 bytes lie in it whole; of longer ones it has the hash and the
 *  place in an arena. */
import { Arena } from "../../../wire/block/arena.ts";

/** Most words that are kept; past them, or past these bytes of long ones, the table starts anew.
 *  As many as fill 8 MiB of slots to 7/8. */
export const wordsMax = 224 * 1024;
const longMaxBytes = 16 * 1024 * 1024;
/** The bytes behind a word that must be there, whatever they are. */
export const slackBytes = 4;

/** A slot: index of the text + 1 and length (0 = empty); four words of bytes, or hash, arena
 *  offset and length of a long word; index of the key and the generation it is of; one to spare. */
const slotWords = 8;
const keyWord = 5;
const generationWord = 6;
const slotsMin = 4096;
const lengthBits = 5;
const lengthMask = 2 ** lengthBits - 1;
const packedMaxBytes = 16;
const longLength = packedMaxBytes + 1;
/** Sets the bit that tells a small ASCII letter from a capital; digits and the apostrophe have
 *  it. */
const smallLetters = 0x20202020;

export class WordTable {
  /** The word that `map` has at hand: most likely what it emits. */
  text = "";
  /** Its slot. */
  at = 0;
  readonly #lowercase: boolean;
  readonly #texts: string[] = [];
  #slots = new Int32Array(slotsMin * slotWords);
  #mask = slotsMin - 1;
  /** Key indexes of other generations are forgotten. */
  #generation = 1;
  readonly #long = new Arena(1024);
  #bytes: Buffer = Buffer.alloc(0);
  #view: DataView = new DataView(new ArrayBuffer(0));

  constructor(lowercase: boolean) {
    this.#lowercase = lowercase;
  }

  /** Makes room for so many new words: until they are there, slots stay where they are. */
  reserve(words: number): void {
    const isFull = this.#texts.length + words > wordsMax || this.#long.length > longMaxBytes;
    if (isFull) {
      this.#slots.fill(0);
      this.#texts.length = 0;
      this.#long.length = 0;
    }
    while ((this.#texts.length + words) * 8 > (this.#mask + 1) * 7) this.#grow();
  }

  /** Takes the word of a slot at hand. */
  take(at: number): string {
    this.at = at;
    const text = this.#texts[((this.#slots[at] as number) >>> lengthBits) - 1] as string;
    this.text = text;
    return text;
  }

  /** Index of the key that the word at hand has become; -1 = none yet. */
  get keyIndex(): number {
    const slots = this.#slots;
    const at = this.at;
    if (slots[at + generationWord] !== this.#generation) return -1;
    return slots[at + keyWord] as number;
  }

  set keyIndex(index: number) {
    this.#slots[this.at + keyWord] = index;
    this.#slots[this.at + generationWord] = this.#generation;
  }

  /** The emit table gives its indexes anew. */
  forgetKeys(): void {
    this.#generation++;
  }

  /** Words are looked up in these bytes from now on. */
  lookIn(bytes: Buffer): void {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** The slot of the word [start, end); a new word gets one. `isAscii` says that all of it is. */
  slotOf(start: number, end: number, isAscii: boolean): number {
    const length = end - start;
    const fold = isAscii && this.#lowercase ? smallLetters : 0;
    if (length > packedMaxBytes) return this.#slotOfLong(start, end, isAscii);
    const view = this.#view;
    let a = view.getInt32(start, true) | fold;
    let b = 0;
    let c = 0;
    let d = 0;
    // The last words overlap those before them: with the length they still say every byte.
    if (length < 4) a &= (1 << (8 * length)) - 1;
    else if (length > 4) {
      b = view.getInt32(end - 4, true) | fold;
      if (length > 8) {
        c = view.getInt32(start + 4, true) | fold;
        d = view.getInt32(end - 8, true) | fold;
      }
    }
    const slots = this.#slots;
    const last = this.#mask * slotWords;
    let at = (hash(a, b, c, d) * slotWords) & last;
    for (;;) {
      const tag = slots[at] as number;
      if (
        slots[at + 1] === a &&
        slots[at + 2] === b &&
        slots[at + 3] === c &&
        slots[at + 4] === d &&
        (tag & lengthMask) === length
      ) {
        return at;
      }
      if (tag === 0) break;
      at = (at + slotWords) & last;
    }
    slots[at + 1] = a;
    slots[at + 2] = b;
    slots[at + 3] = c;
    slots[at + 4] = d;
    return this.#add(at, length, this.#textOf(start, end, isAscii));
  }

  #slotOfLong(start: number, end: number, isAscii: boolean): number {
    const sizeBytes = end - start;
    const fold = isAscii && this.#lowercase ? smallLetters & 0xff : 0;
    const bytes = this.#bytes;
    let mixed = sizeBytes;
    for (let i = start; i < end; i++) {
      mixed = Math.imul(mixed ^ ((bytes[i] as number) | fold), 0x01000193);
    }
    mixed ^= mixed >>> 15;
    const slots = this.#slots;
    const last = this.#mask * slotWords;
    let at = (mixed * slotWords) & last;
    for (; slots[at] !== 0; at = (at + slotWords) & last) {
      if (
        slots[at + 1] === mixed &&
        slots[at + 3] === sizeBytes &&
        ((slots[at] as number) & lengthMask) === longLength &&
        this.#isAt(slots[at + 2] as number, start, end, fold)
      ) {
        return at;
      }
    }
    slots[at + 1] = mixed;
    slots[at + 2] = this.#long.length;
    slots[at + 3] = sizeBytes;
    slots[at + 4] = 0;
    for (let i = start; i < end; i++) this.#long.byte((bytes[i] as number) | fold);
    return this.#add(at, longLength, this.#textOf(start, end, isAscii));
  }

  /** Whether the arena has the word at `from`. */
  #isAt(from: number, start: number, end: number, fold: number): boolean {
    const bytes = this.#bytes;
    const kept = this.#long.bytes;
    for (let i = start; i < end; i++) {
      if (kept[from + i - start] !== ((bytes[i] as number) | fold)) return false;
    }
    return true;
  }

  #textOf(start: number, end: number, isAscii: boolean): string {
    const text = this.#bytes.toString(isAscii ? "latin1" : "utf8", start, end);
    return this.#lowercase ? text.toLowerCase() : text;
  }

  #add(at: number, length: number, text: string): number {
    this.#texts.push(text);
    this.#slots[at] = (this.#texts.length << lengthBits) | length;
    return at;
  }

  #grow(): void {
    const old = this.#slots;
    const slots = new Int32Array(old.length * 2);
    this.#slots = slots;
    this.#mask = slots.length / slotWords - 1;
    const last = this.#mask * slotWords;
    for (let from = 0; from < old.length; from += slotWords) {
      const tag = old[from] as number;
      if (tag === 0) continue;
      const a = old[from + 1] as number;
      const b = old[from + 2] as number;
      const c = old[from + 3] as number;
      const d = old[from + 4] as number;
      const mixed = (tag & lengthMask) === longLength ? a : hash(a, b, c, d);
      let at = (mixed * slotWords) & last;
      while (slots[at] !== 0) at = (at + slotWords) & last;
      for (let i = 0; i <= generationWord; i++) slots[at + i] = old[from + i] as number;
    }
  }
}

function hash(a: number, b: number, c: number, d: number): number {
  const inner = Math.imul(b ^ Math.imul(c ^ Math.imul(d, 0xcc9e2d51), 0xc2b2ae35), 0x85ebca6b);
  const mixed = Math.imul(a ^ inner, 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}
