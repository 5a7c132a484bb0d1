/** Numbers the distinct keys of a table 0, 1, 2, … in the order in which they come: the hottest
 *  lookup there is.
 *
 *  Strings of up to 16 characters below U+0100 (most words) live in one flat array, 32 bytes each:
 *  a lookup touches one cache line and keeps no string alive. Twice as fast as the engine's Map,
 *  which has all the others. */
import { Arena } from "../../wire/block/arena.ts";
import { type Key, keyTags, writeKey } from "../../wire/block/key.ts";
import { packedHash, packedMaxBytes } from "./packed.ts";
import type { PackedKeys } from "./sort.ts";

/** A slot: index + 1 and length (0 = empty), four words of four characters, three to spare. */
const slotWords = 8;
const slotsMin = 2048;
const lengthBits = 5;
const lengthMask = 2 ** lengthBits - 1;
/** Index + 1 must fit beside the length. */
const keysMax = 2 ** 26 - 2;
/** The engine's Map takes no more entries than 2^24. */
const mapMaxEntries = 2 ** 24;
/** What a key is counted for besides its characters. */
const keyCostBytes = 96;

/** The words of a text by number, for keys that are words. */
type NumberedWords = {
  textOf(number: number): string;
  /** Their bytes as keys, one after the other. */
  keysOf(numbers: readonly number[]): PackedKeys;
};

export class KeyIndex {
  /** Keys so far; the next new key gets this index. */
  count = 0;
  /** Estimate of the memory that the keys take. */
  sizeBytes = 0;
  #slots = new Int32Array(slotsMin * slotWords);
  #mask = slotsMin - 1;
  #packedCount = 0;
  readonly #scalars = new Map<Key, number>();
  /** Arrays by their encoded bytes, as Latin-1 text. */
  readonly #arrays = new Map<string, number>();
  readonly #scratch = new Arena(256);
  readonly #packed = new Int32Array(4);
  /** As long as all keys are words, they are only their numbers, by index: nothing is looked up,
   *  and their bytes are there. */
  #words: NumberedWords | null = null;
  readonly #numbers: number[] = [];
  readonly #mapMax: number;

  /** `mapMax`: most keys that may be in one Map of the engine, at least 1. */
  constructor(mapMax = mapMaxEntries) {
    this.#mapMax = mapMax;
  }

  /** Whether a further key may have no place: `clear` before the next one. */
  get isFull(): boolean {
    const inMap = Math.max(this.#scalars.size, this.#arrays.size);
    return this.count >= keysMax || inMap >= this.#mapMax;
  }

  /** Index of a word that is no key yet. */
  addWord(words: NumberedWords, number: number): number {
    const text = words.textOf(number);
    if (this.count > 0 && this.#words === null) return this.indexOf(text);
    this.#words = words;
    this.#numbers.push(number);
    this.sizeBytes += keyCostBytes + text.length;
    return this.count++;
  }

  /** The key's index; a new key gets `count`. What is no key is a `user-error`. */
  indexOf(key: Key): number {
    if (this.#words !== null) this.lookUpWords();
    if (typeof key !== "string") return this.#indexOfOther(key);
    const length = key.length;
    if (length > packedMaxBytes) return this.#indexOfOther(key);
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    let all = 0;
    let i = 0;
    for (; i < length && i < 4; i++) {
      const code = key.charCodeAt(i);
      all |= code;
      a |= code << (i << 3);
    }
    if (length > 4) {
      for (; i < length && i < 8; i++) {
        const code = key.charCodeAt(i);
        all |= code;
        b |= code << (i << 3);
      }
      for (; i < length && i < 12; i++) {
        const code = key.charCodeAt(i);
        all |= code;
        c |= code << (i << 3);
      }
      for (; i < length; i++) {
        const code = key.charCodeAt(i);
        all |= code;
        d |= code << (i << 3);
      }
    }
    if (all > 0xff) return this.#indexOfOther(key);
    const packed = this.#packed;
    packed[0] = a;
    packed[1] = b;
    packed[2] = c;
    packed[3] = d;
    return this.#indexOfPacked(packed, length);
  }

  /** Of the string of `length` whose characters are these four. */
  #indexOfPacked(packed: Int32Array, length: number): number {
    const a = packed[0] as number;
    const b = packed[1] as number;
    const c = packed[2] as number;
    const d = packed[3] as number;
    const slots = this.#slots;
    const end = this.#mask * slotWords;
    let at = (packedHash(a, b, c, d) * slotWords) & end;
    for (;;) {
      const tag = slots[at] as number;
      if (
        slots[at + 1] === a &&
        slots[at + 2] === b &&
        slots[at + 3] === c &&
        slots[at + 4] === d &&
        (tag & lengthMask) === length &&
        tag !== 0
      ) {
        return (tag >>> lengthBits) - 1;
      }
      if (tag === 0) break;
      at = (at + slotWords) & end;
    }
    slots[at] = ((this.count + 1) << lengthBits) | length;
    slots[at + 1] = a;
    slots[at + 2] = b;
    slots[at + 3] = c;
    slots[at + 4] = d;
    this.sizeBytes += keyCostBytes + length;
    if (++this.#packedCount * 4 > this.#mask * 3) this.#grow();
    return this.count++;
  }

  /** All keys, encoded. */
  packed(): PackedKeys {
    if (this.#words !== null) return this.#words.keysOf(this.#numbers);
    const arena = new Arena(Math.max(1024, this.count * 12));
    const starts = new Uint32Array(this.count);
    const ends = new Uint32Array(this.count);
    const slots = this.#slots;
    for (let at = 0; at < slots.length; at += slotWords) {
      const tag = slots[at] as number;
      if (tag === 0) continue;
      const key = (tag >>> lengthBits) - 1;
      starts[key] = arena.length;
      writePacked(arena, slots, at);
      ends[key] = arena.length;
    }
    this.#scalars.forEach((at, key) => {
      starts[at] = arena.length;
      writeKey(arena, key, "map");
      ends[at] = arena.length;
    });
    this.#arrays.forEach((at, text) => {
      starts[at] = arena.length;
      arena.append(Buffer.from(text, "latin1"));
      ends[at] = arena.length;
    });
    return { bytes: arena.bytes, starts, ends };
  }

  clear(): void {
    this.#words = null;
    this.#numbers.length = 0;
    this.#slots.fill(0);
    this.#packedCount = 0;
    this.#scalars.clear();
    this.#arrays.clear();
    this.count = 0;
    this.sizeBytes = 0;
  }

  /** Words are keys as others from now on: another key has come, or they lose their numbers. */
  lookUpWords(): void {
    const words = this.#words;
    if (words === null) return;
    const numbers = this.#numbers.splice(0);
    this.clear();
    for (const number of numbers) this.indexOf(words.textOf(number));
  }

  #indexOfOther(key: Key): number {
    const known = this.#scalars.get(key);
    if (known !== undefined) return known;
    const scratch = this.#scratch;
    scratch.length = 0;
    writeKey(scratch, key, "map");
    this.sizeBytes += keyCostBytes;
    if (typeof key !== "object" || key === null) {
      if (typeof key === "string") this.sizeBytes += key.length;
      this.#scalars.set(typeof key === "string" ? detached(key) : key, this.count);
      return this.count++;
    }
    const text = Buffer.from(scratch.bytes.buffer, 0, scratch.length).toString("latin1");
    const at = this.#arrays.get(text);
    if (at !== undefined) {
      this.sizeBytes -= keyCostBytes;
      return at;
    }
    this.#arrays.set(text, this.count);
    this.sizeBytes += text.length;
    return this.count++;
  }

  #grow(): void {
    const old = this.#slots;
    const slots = new Int32Array(old.length * 2);
    this.#slots = slots;
    this.#mask = slots.length / slotWords - 1;
    const end = this.#mask * slotWords;
    for (let from = 0; from < old.length; from += slotWords) {
      if (old[from] === 0) continue;
      const a = old[from + 1] as number;
      const b = old[from + 2] as number;
      const c = old[from + 3] as number;
      const d = old[from + 4] as number;
      let at = (packedHash(a, b, c, d) * slotWords) & end;
      while (slots[at] !== 0) at = (at + slotWords) & end;
      slots[at] = old[from] as number;
      slots[at + 1] = a;
      slots[at + 2] = b;
      slots[at + 3] = c;
      slots[at + 4] = d;
    }
  }
}

/** What `writeKey` makes of the string in the slot: its characters are all below U+0100. */
function writePacked(arena: Arena, slots: Int32Array, at: number): void {
  const length = (slots[at] as number) & lengthMask;
  arena.reserve(1 + 2 * length);
  const { bytes } = arena;
  let to = arena.length;
  bytes[to++] = keyTags.string;
  for (let i = 0; i < length; i++) {
    const code = ((slots[at + 1 + (i >> 2)] as number) >>> (i << 3)) & 0xff;
    if (code >= 0x80) bytes[to++] = 0xc0 | (code >> 6);
    bytes[to++] = code < 0x80 ? code : 0x80 | (code & 0x3f);
  }
  arena.length = to;
}

/** Strings cut out of another string keep all of it alive, from this length on (V8). */
const slicedLength = 13;

/** The same string on characters of its own: what is kept must not hold the block that it was cut
 *  from. */
export function detached(text: string): string {
  if (text.length < slicedLength) return text;
  const encoding = /[^\0-\xff]/.test(text) ? "utf16le" : "latin1";
  return Buffer.from(text, encoding).toString(encoding);
}
