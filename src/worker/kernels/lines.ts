/** Cuts the bytes of a piece into lines: the innermost loop of most jobs.
 *
 *  Bytes are turned into strings some KiB at a time, never line by line: an ASCII block becomes a
 *  one-byte string, any other is decoded as UTF-8 (invalid bytes become U+FFFD). Blocks end at a
 *  newline, so no character is cut. */
import { isAscii, isUtf8 } from "node:buffer";
import { ClusterError } from "../../core/error.ts";
import type { TextEncoding } from "../../wire/block/plan.ts";
import type { ByteSource } from "./byte-source.ts";
import { decoded, notUtf8 } from "./encoding.ts";

/** Longest record, in bytes. */
export const recordMaxBytes = 256 * 1024 * 1024;

const bufferBytes = 256 * 1024;
/** About as much is decoded at once: one foreign character makes only this block a two-byte
 *  string. */
const blockBytes = 8 * 1024;
const newline = 10;
const carriageReturn = 13;

/** Where the current record lies. The byte offset is computed only when it is asked for. */
export class RecordPosition {
  file = "";
  /** When at least 0: the offset, whatever the lines say. */
  fixedOffset = 0;
  /** Offset in the file of the block's first byte, and the block itself. */
  blockOffset = 0;
  block: Buffer = Buffer.alloc(0);
  text = "";
  ascii = true;
  /** Where the line starts in `text`. */
  index = 0;
  /** A start of a line whose place in both `text` and `block` is known. */
  #knownIndex = 0;
  #knownByte = 0;

  /** `ascii`: a character is a byte. */
  startBlock(offset: number, block: Buffer, ascii: boolean, encoding?: TextEncoding): void {
    this.fixedOffset = -1;
    this.blockOffset = offset;
    this.block = block;
    this.ascii = ascii;
    this.text = ascii ? block.toString("latin1") : decoded(block, encoding);
    this.index = 0;
    this.#knownIndex = 0;
    this.#knownByte = 0;
  }

  /** From now on `index` counts bytes behind `offset`. */
  startWords(offset: number): void {
    this.fixedOffset = -1;
    this.blockOffset = offset;
    this.ascii = true;
  }

  get offset(): number {
    if (this.fixedOffset >= 0) return this.fixedOffset;
    if (this.ascii) return this.blockOffset + this.index;
    while (this.#knownIndex < this.index) {
      this.#knownIndex = this.text.indexOf("\n", this.#knownIndex) + 1;
      this.#knownByte = this.block.indexOf(newline, this.#knownByte) + 1;
    }
    return this.blockOffset + this.#knownByte;
  }
}

export type LineOptions = {
  readonly source: ByteSource;
  /** Is that of the line until `visit` returns. */
  readonly position: RecordPosition;
  readonly visit: (line: string) => void;
  /** Lines keep their newlines; bad ones, too. */
  readonly keepEnds?: boolean;
  /** Default "utf-8-lossy". */
  readonly encoding?: TextEncoding | undefined;
  /** Takes a line that is not what the encoding says; must be there for "utf-8". */
  readonly bad?: (text: string, problem: string) => void;
};

/** Calls `visit` with each line of the piece that the source is at, without its newline (`\n` or
 *  `\r\n`). A last line without a newline counts; an empty rest does not. */
export class LineCutter {
  #buffer = Buffer.allocUnsafeSlow(bufferBytes);
  readonly #source: ByteSource;
  readonly #position: RecordPosition;
  readonly #visit: (line: string) => void;

  readonly #keepEnds: boolean;
  readonly #encoding: TextEncoding | undefined;
  readonly #bad: LineOptions["bad"];

  constructor(options: LineOptions) {
    this.#source = options.source;
    this.#position = options.position;
    this.#visit = options.visit;
    this.#keepEnds = options.keepEnds ?? false;
    this.#encoding = options.encoding;
    this.#bad = options.bad;
  }

  /** `startOffset` is where the piece's first byte lies in its file. */
  cut(startOffset: number): void {
    let offset = startOffset;
    let filled = 0;
    for (;;) {
      if (filled === this.#buffer.length) this.#grow(offset);
      const count = this.#source.read(this.#buffer, filled);
      if (count === 0) break;
      const fresh = this.#buffer.subarray(filled, filled + count);
      const last = fresh.lastIndexOf(newline);
      const end = last === -1 ? 0 : filled + last + 1;
      filled += count;
      if (end === 0) continue;
      this.#lines(offset, end);
      this.#buffer.copyWithin(0, end, filled);
      filled -= end;
      offset += end;
    }
    if (filled > 0) this.#lines(offset, filled);
  }

  #grow(offset: number): void {
    if (this.#buffer.length >= recordMaxBytes) {
      throw new ClusterError(
        "limit-exceeded",
        `${this.#position.file}:${offset}: a line is longer than ${recordMaxBytes} bytes; ` +
          "read the file with bytes.file() or cut it beforehand",
      );
    }
    const grown = Buffer.allocUnsafeSlow(this.#buffer.length * 2);
    this.#buffer.copy(grown);
    this.#buffer = grown;
  }

  /** Cuts bytes [0, end) of the buffer; only the very last line of a piece may lack its newline. */
  #lines(offset: number, end: number): void {
    const buffer = this.#buffer;
    for (let start = startOfText(buffer, offset, end); start < end; ) {
      let stop = start + blockBytes;
      if (stop >= end) stop = end;
      else {
        const found = buffer.indexOf(newline, stop - 1);
        stop = found === -1 || found >= end ? end : found + 1;
      }
      const block = buffer.subarray(start, stop);
      const ascii = isAscii(block);
      const encoding = this.#encoding;
      // Of one byte are all characters of the other encodings, so places are those of bytes.
      const isSingle = encoding === "latin1" || encoding === "windows-1252";
      this.#position.startBlock(offset + start, block, ascii, encoding);
      if (isSingle) this.#position.ascii = true;
      const isValid = ascii || encoding !== "utf-8" || isUtf8(block);
      this.#block(this.#position.text, isValid ? null : block);
      start = stop;
    }
  }

  /** `checked`: the bytes of the text, some of which are not valid. */
  #block(text: string, checked: Buffer | null): void {
    const visit = checked === null ? this.#visit : this.#checking(checked);
    const position = this.#position;
    const keepEnds = this.#keepEnds;
    let start = 0;
    for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", start)) {
      let end = at > start && text.charCodeAt(at - 1) === carriageReturn ? at - 1 : at;
      if (keepEnds) end = at + 1;
      position.index = start;
      visit(text.slice(start, end));
      start = at + 1;
    }
    if (start < text.length) {
      position.index = start;
      visit(start === 0 ? text : text.slice(start));
    }
  }

  /** Visits the lines of the block that are valid. */
  #checking(block: Buffer): (line: string) => void {
    let from = 0;
    return (line) => {
      const found = block.indexOf(newline, from);
      const to = found === -1 ? block.length : found + 1;
      const isValid = isUtf8(block.subarray(from, to));
      from = to;
      if (isValid) this.#visit(line);
      else this.#bad?.(line, notUtf8);
    };
  }
}

/** Past the byte order mark that may open a file. */
export function startOfText(bytes: Uint8Array, offset: number, end: number): number {
  const marked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  return offset === 0 && end >= 3 && marked ? 3 : 0;
}
