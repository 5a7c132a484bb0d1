/** Finds where words start and end in bytes.
 *
 *  A loop that ends with each word costs a mispredicted branch for each. So 32 bytes at a time
 *  become two masks without any branch: which bytes are part of a run (all but ASCII separators),
 *  and for which of them what follows decides. Most runs are ASCII words, done; the others are
 *  looked at byte by byte. */
import { characterAt, isWordCodePoint } from "./letters.ts";
import { batchMax, type WordTable } from "./word-table.ts";

const apostrophe = 0x27;
/** Bytes of a block, and most words that can end in it. */
const blockBytes = 32;
const blockWords = blockBytes / 2;
/** Bytes behind those that are scanned that must be there, whatever they are. */
export const slackBytes = blockBytes;

/** What a byte is to a word. */
const separates = 0;
const belongs = 1;
/** An apostrophe, or a byte that is not ASCII. */
const depends = 2;
const kinds = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte >= 0x80 || byte === apostrophe) return depends;
  return isWordCodePoint(byte) ? belongs : separates;
});
/** For two bytes, the lower first: bits 0 and 1, whether they are part of a run; bits 2 and 3,
 *  whether they depend. */
const pairs = Uint8Array.from({ length: 0x10000 }, (_, two) => {
  const low = kinds[two & 0xff];
  const high = kinds[two >> 8];
  const runs = (low === separates ? 0 : 1) | (high === separates ? 0 : 2);
  return runs | (low === depends ? 4 : 0) | (high === depends ? 8 : 0);
});

export class WordScanner {
  readonly #table: WordTable;
  /** Takes the words of a batch. */
  readonly #flush: () => void;
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(new ArrayBuffer(0));

  constructor(table: WordTable, flush: () => void) {
    this.#table = table;
    this.#flush = flush;
  }

  /** Words are looked for in these bytes from now on. */
  lookIn(bytes: Buffer): void {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#table.lookIn(bytes);
  }

  /** Hands out the words of bytes [0, end), the last of which is an ASCII separator. */
  scan(end: number): void {
    const table = this.#table;
    const view = this.#view;
    /** Where the run at hand starts; −1 = between runs. */
    let start = -1;
    let carry = 0;
    /** Not 0 when a byte of the run at hand depends, in an earlier block. */
    let open = 0;
    table.startBatch();
    for (let block = 0; block < end; block += blockBytes) {
      if (table.count > batchMax - blockWords) this.#next();
      let runs = 0;
      let mixed = 0;
      for (let i = 0; i < blockBytes; i += 4) {
        const four = view.getInt32(block + i, true);
        const low = pairs[four & 0xffff] as number;
        const high = pairs[four >>> 16] as number;
        runs |= ((low & 3) | ((high & 3) << 2)) << i;
        mixed |= ((low >> 2) | (high & 12)) << i;
      }
      if (end - block < blockBytes) runs &= ~(-1 << (end - block));
      let edges = runs ^ ((runs << 1) | carry);
      carry = runs >>> 31;
      let since = -1;
      while (edges !== 0) {
        const bit = 31 - Math.clz32(edges & -edges);
        edges &= edges - 1;
        if (start === -1) {
          start = block + bit;
          since = -1 << bit;
        } else {
          if ((open | (mixed & since & ~(-1 << bit))) === 0) table.add(start, block + bit, true);
          else this.#mixed(start, block + bit);
          start = -1;
          open = 0;
        }
      }
      if (start !== -1) open |= mixed & since;
    }
    this.#flush();
  }

  #next(): void {
    this.#flush();
    this.#table.startBatch();
  }

  /** Words of the run [start, end), which is not only of ASCII letters and digits. */
  #mixed(start: number, end: number): void {
    const bytes = this.#bytes;
    for (let at = start; at < end; ) {
      const size = characterAt(bytes, at);
      if (size < 0) {
        at -= size;
        continue;
      }
      const stop = wordEnd(bytes, at);
      if (this.#table.count >= batchMax - blockWords) this.#next();
      this.#table.add(at, stop, isAsciiOnly(bytes, at, stop));
      at = stop;
    }
  }
}

/** Behind the last ASCII separator in [from, to), or 0: no word goes past it. */
export function afterSeparator(bytes: Uint8Array, from: number, to: number): number {
  for (let at = to - 1; at >= from; at--) {
    if (kinds[bytes[at] as number] === separates) return at + 1;
  }
  return 0;
}

/** Where the word ends that starts at `from`. */
function wordEnd(bytes: Uint8Array, from: number): number {
  let at = from;
  for (;;) {
    const kind = kinds[bytes[at] as number];
    if (kind === separates) return at;
    if (kind === belongs) {
      at++;
      continue;
    }
    const next = at + apostropheSize(bytes, at);
    const size = characterAt(bytes, next);
    if (size < 0) return at;
    at = next + size;
  }
}

/** Bytes of the apostrophe at `at`; 0 when there is none. */
function apostropheSize(bytes: Uint8Array, at: number): number {
  if (bytes[at] === apostrophe) return 1;
  // U+2019, the typographic one.
  const isCurled = bytes[at] === 0xe2 && bytes[at + 1] === 0x80 && bytes[at + 2] === 0x99;
  return isCurled ? 3 : 0;
}

function isAsciiOnly(bytes: Uint8Array, start: number, end: number): boolean {
  let all = 0;
  for (let at = start; at < end; at++) all |= bytes[at] as number;
  return all < 0x80;
}
