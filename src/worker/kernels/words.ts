/** Cuts the bytes of a piece into words and hands them out as strings that are kept from one to
 *  the next. Nothing is decoded but the words, and these once each. */
import { ClusterError } from "../../core/error.ts";
import type { ByteSource } from "./byte-source.ts";
import { type RecordPosition, recordMaxBytes } from "./lines.ts";
import { characterAt, isWordCodePoint } from "./words/letters.ts";
import { batchMax, slackBytes, type WordTable } from "./words/word-table.ts";

const bufferBytes = 256 * 1024;
const newline = 10;
const apostrophe = 0x27;

/** What a byte is to a word. */
const separates = 0;
const belongs = 1;
/** An apostrophe, or a byte that is not ASCII: what follows decides. */
const depends = 2;
const kinds = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte >= 0x80 || byte === apostrophe) return depends;
  return isWordCodePoint(byte) ? belongs : separates;
});

export type WordOptions = {
  readonly source: ByteSource;
  /** Keeps the words; may know some from earlier pieces. */
  readonly table: WordTable;
  /** Is that of the word until `visit` returns. */
  readonly position: RecordPosition;
  readonly visit: (word: string) => void;
};

/** Calls `visit` with each word of the piece that the source is at. */
export class WordCutter {
  #buffer = Buffer.allocUnsafeSlow(bufferBytes + slackBytes);
  readonly #options: WordOptions;

  constructor(options: WordOptions) {
    this.#options = options;
  }

  /** `startOffset` is where the piece's first byte lies in its file. */
  cut(startOffset: number): void {
    let offset = startOffset;
    let filled = 0;
    this.#options.table.lookIn(this.#buffer);
    for (;;) {
      if (filled + slackBytes === this.#buffer.length) this.#grow(offset);
      const room = this.#buffer.subarray(0, this.#buffer.length - slackBytes);
      const count = this.#options.source.read(room, filled);
      if (count === 0) break;
      const end = afterSeparator(room, filled, filled + count);
      filled += count;
      if (end === 0) continue;
      this.#words(offset, end);
      this.#buffer.copyWithin(0, end, filled);
      filled -= end;
      offset += end;
    }
    this.#buffer[filled] = newline;
    this.#words(offset, filled + 1);
  }

  #grow(offset: number): void {
    const length = this.#buffer.length - slackBytes;
    if (length >= recordMaxBytes) {
      throw new ClusterError(
        "limit-exceeded",
        `${this.#options.position.file}:${offset}: no blank in ${recordMaxBytes} bytes; ` +
          "read the file with bytes.file() or cut it beforehand",
      );
    }
    const grown = Buffer.allocUnsafeSlow(length * 2 + slackBytes);
    this.#buffer.copy(grown);
    this.#buffer = grown;
    this.#options.table.lookIn(grown);
  }

  /** Bytes [0, end) of the buffer, the last of which is an ASCII separator. */
  #words(offset: number, end: number): void {
    for (let at = 0; at < end; ) {
      at = this.#fill(at, end);
      this.#visit(offset);
    }
  }

  /** Cuts words from `from` on until the batch is full; answers where it stopped. */
  #fill(from: number, end: number): number {
    const { table } = this.#options;
    table.startBatch();
    const bytes: Uint8Array = this.#buffer;
    let at = from;
    while (table.count < batchMax) {
      let kind = kinds[bytes[at] as number];
      while (kind === separates && ++at < end) kind = kinds[bytes[at] as number];
      if (at >= end) break;
      const start = at;
      let isAscii = true;
      if (kind === belongs) {
        do kind = kinds[bytes[++at] as number];
        while (kind === belongs);
        if (kind === depends) {
          at = wordEnd(bytes, at);
          isAscii = isAsciiOnly(bytes, start, at);
        }
      } else {
        const size = characterAt(bytes, at);
        if (size < 0) {
          at -= size;
          continue;
        }
        at = wordEnd(bytes, at + size);
        isAscii = false;
      }
      table.add(start, at, isAscii);
    }
    table.resolve();
    return at;
  }

  #visit(offset: number): void {
    const { position, table, visit } = this.#options;
    const { count, starts } = table;
    position.startWords(offset);
    for (let i = 0; i < count; i++) {
      position.index = starts[i] as number;
      visit(table.take(i));
    }
  }
}

/** Behind the last ASCII separator in [from, to), or 0: no word goes past it. */
function afterSeparator(bytes: Uint8Array, from: number, to: number): number {
  for (let at = to - 1; at >= from; at--) {
    if (kinds[bytes[at] as number] === separates) return at + 1;
  }
  return 0;
}

/** Where the word ends that goes on to `from` at least. */
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
