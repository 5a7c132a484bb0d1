/** Keeps one string for each word, found by the word's bytes, and what key of the emit table it
 *  has become: a word that comes again costs no allocation and no hash of a string, neither here
 *  nor there.
 *
 *  What a rare word costs is the wait for memory, so a slot has all there is to know in half a
 *  cache line: words of up to 16 bytes lie in it whole; of longer ones it has the hash and the
 *  place in an arena. */
import { Arena } from "../../../wire/block/arena.ts";
import type { KeyIndex } from "../key-index.ts";
import { packedHash, packedMaxBytes } from "./packed.ts";

/** Most words that are kept; past them, or past these bytes of long ones, the table starts anew.
 *  As many as fill 8 MiB of slots to 7/8. */
export const wordsMax = 224 * 1024;
/** Words that are looked up together. */
export const batchMax = 1024;
const longMaxBytes = 16 * 1024 * 1024;
/** A slot: index of the text + 1 and length (0 = empty); four words of bytes, or hash, length
 *  and arena offset of a long word; index of the key and the generation it is of; one to spare. */
const slotWords = 8;
const keyWord = 5;
const generationWord = 6;
const slotsMin = 4096;
const lengthBits = 5;
const lengthMask = 2 ** lengthBits - 1;
const longLength = packedMaxBytes + 1;
/** For each length up to 16, which bits of the four words belong to the word. */
const masks = Int32Array.from({ length: 4 * (packedMaxBytes + 1) }, (_, i) => {
  const bytes = (i >> 2) - 4 * (i & 3);
  if (bytes >= 4) return -1;
  return bytes <= 0 ? 0 : (1 << (8 * bytes)) - 1;
});
/** Sets the bit that tells a small ASCII letter from a capital; digits and the apostrophe have
 *  it. */
const smallLetters = 0x20202020;

export class WordTable {
  /** The word that `map` has at hand: most likely what it emits. */
  text = "";
  /** Its slot. */
  #at = 0;
  /** The batch: how many words, and where in the bytes they start. */
  count = 0;
  readonly starts = new Int32Array(batchMax);
  /** Where they end; ~ of it when not all is ASCII. */
  readonly #ends = new Int32Array(batchMax);
  readonly #lengths = new Uint8Array(batchMax);
  /** Their bytes, or hash and length of a long word. */
  readonly #packed = new Int32Array(batchMax * 4);
  readonly #slotsOf = new Int32Array(batchMax);
  /** Keeps the loads that come before their time from being left out. */
  touched = 0;
  /** Makes small letters of capitals, or nothing. */
  readonly #fold: number;
  readonly #texts: string[] = [];
  #slots = new Int32Array(slotsMin * slotWords);
  #mask = slotsMin - 1;
  /** Key indexes of other generations are forgotten. */
  #generation = 1;
  readonly #long = new Arena(1024);
  #bytes: Buffer = Buffer.alloc(0);
  #view: DataView = new DataView(new ArrayBuffer(0));

  constructor(lowercase: boolean) {
    this.#fold = lowercase ? smallLetters : 0;
  }

  /** Starts a batch of up to `batchMax` words. */
  startBatch(): void {
    this.count = 0;
    const most = this.#texts.length + batchMax;
    if (most > wordsMax || this.#long.length > longMaxBytes) {
      this.#slots.fill(0);
      this.#texts.length = 0;
      this.#long.length = 0;
    }
    // Slots must not move while a batch refers to them.
    while (most * 8 > (this.#mask + 1) * 7) this.#grow();
  }

  /** Has word `i` of the batch at hand. */
  take(i: number): string {
    const at = this.#slotsOf[i] as number;
    const text = this.#texts[((this.#slots[at] as number) >>> lengthBits) - 1] as string;
    this.#at = at;
    this.text = text;
    return text;
  }

  /** Index of the key that the word at hand is. */
  keyIndexIn(keys: KeyIndex): number {
    const slots = this.#slots;
    const at = this.#at;
    if (slots[at + generationWord] === this.#generation) return slots[at + keyWord] as number;
    const index = this.#newKeyIndex(keys);
    slots[at + keyWord] = index;
    slots[at + generationWord] = this.#generation;
    return index;
  }

  /** Without a look at the string, when the bytes in the slot are its characters. */
  #newKeyIndex(keys: KeyIndex): number {
    const slots = this.#slots;
    const at = this.#at;
    const length = (slots[at] as number) & lengthMask;
    let all = 0;
    for (let word = 1; word <= 4; word++) all |= slots[at + word] as number;
    const isAscii = length <= packedMaxBytes && (all & 0x80808080) === 0;
    return isAscii ? keys.indexOfPacked(slots, at + 1, length) : keys.indexOf(this.text);
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

  /** Adds the word [start, end) of the bytes to the batch, which must have room. 16 bytes from
   *  `start` on are there, whatever they are. */
  add(start: number, end: number, isAscii: boolean): void {
    const i = this.count++;
    const length = end - start;
    this.starts[i] = start;
    this.#ends[i] = isAscii ? end : ~end;
    if (length > packedMaxBytes) {
      this.#addLong(i, start, end, isAscii);
      return;
    }
    const fold = isAscii ? this.#fold : 0;
    const view = this.#view;
    const packed = this.#packed;
    // Lengths come in no order: branches on them would be mispredicted.
    const a = (view.getInt32(start, true) | fold) & (masks[4 * length] as number);
    const b = (view.getInt32(start + 4, true) | fold) & (masks[4 * length + 1] as number);
    const c = (view.getInt32(start + 8, true) | fold) & (masks[4 * length + 2] as number);
    const d = (view.getInt32(start + 12, true) | fold) & (masks[4 * length + 3] as number);
    this.#slotsOf[i] = (packedHash(a, b, c, d) & this.#mask) * slotWords;
    this.#lengths[i] = length;
    packed[4 * i] = a;
    packed[4 * i + 1] = b;
    packed[4 * i + 2] = c;
    packed[4 * i + 3] = d;
  }

  #addLong(i: number, start: number, end: number, isAscii: boolean): void {
    const fold = isAscii ? this.#fold & 0xff : 0;
    let mixed = end - start;
    for (let at = start; at < end; at++) {
      mixed = Math.imul(mixed ^ ((this.#bytes[at] as number) | fold), 0x01000193);
    }
    mixed ^= mixed >>> 15;
    this.#slotsOf[i] = (mixed & this.#mask) * slotWords;
    this.#lengths[i] = longLength;
    this.#packed.set([mixed, end - start, 0, 0], 4 * i);
  }

  /** Finds the slots of the batch; new words get one. */
  resolve(): void {
    const slots = this.#slots;
    const slotsOf = this.#slotsOf;
    const lengths = this.#lengths;
    const packed = this.#packed;
    const count = this.count;
    const last = this.#mask * slotWords;
    // Nothing waits for these loads, so the machine has many of them under way at once: the loop
    // below then finds the slots in its cache. It takes a third off the whole.
    let touched = 0;
    for (let i = 0; i < count; i++) touched ^= slots[slotsOf[i] as number] as number;
    this.touched = touched;
    for (let i = 0; i < count; i++) {
      const a = packed[4 * i] as number;
      const b = packed[4 * i + 1] as number;
      const c = packed[4 * i + 2] as number;
      const d = packed[4 * i + 3] as number;
      const length = lengths[i] as number;
      let at = slotsOf[i] as number;
      for (;;) {
        const tag = slots[at] as number;
        if (
          slots[at + 1] === a &&
          slots[at + 2] === b &&
          slots[at + 3] === c &&
          (tag & lengthMask) === length &&
          (slots[at + 4] === d || length === longLength)
        ) {
          if (length !== longLength || this.#isLong(at, i)) break;
        }
        if (tag === 0) {
          this.#fillSlot(at, i);
          break;
        }
        at = (at + slotWords) & last;
      }
      slotsOf[i] = at;
    }
  }

  #fillSlot(at: number, i: number): void {
    const slots = this.#slots;
    for (let word = 0; word < 4; word++) {
      slots[at + 1 + word] = this.#packed[4 * i + word] as number;
    }
    const start = this.starts[i] as number;
    const end = this.#ends[i] as number;
    const isAscii = end >= 0;
    const stop = isAscii ? end : ~end;
    if (this.#lengths[i] === longLength) {
      const fold = isAscii ? this.#fold & 0xff : 0;
      slots[at + 4] = this.#long.length;
      for (let k = start; k < stop; k++) this.#long.byte((this.#bytes[k] as number) | fold);
    }
    this.#texts.push(this.#textOf(start, stop, isAscii));
    slots[at] = (this.#texts.length << lengthBits) | (this.#lengths[i] as number);
  }

  /** Whether the slot has the long word. */
  #isLong(at: number, i: number): boolean {
    const start = this.starts[i] as number;
    const end = this.#ends[i] as number;
    const stop = end >= 0 ? end : ~end;
    const fold = end >= 0 ? this.#fold & 0xff : 0;
    const bytes = this.#bytes;
    const kept = this.#long.bytes;
    const from = this.#slots[at + 4] as number;
    for (let k = start; k < stop; k++) {
      if (kept[from + k - start] !== ((bytes[k] as number) | fold)) return false;
    }
    return true;
  }

  #textOf(start: number, end: number, isAscii: boolean): string {
    const text = this.#bytes.toString(isAscii ? "latin1" : "utf8", start, end);
    return this.#fold !== 0 ? text.toLowerCase() : text;
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
      const mixed = (tag & lengthMask) === longLength ? a : packedHash(a, b, c, d);
      let at = (mixed & this.#mask) * slotWords;
      while (slots[at] !== 0) at = (at + slotWords) & last;
      for (let i = 0; i <= generationWord; i++) slots[at + i] = old[from + i] as number;
    }
  }
}
