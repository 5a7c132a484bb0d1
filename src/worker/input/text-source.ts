/** Looks at the bytes that a task reads as text, before anything of them becomes a record. A plan
 *  has looked where it could: files of members, and what zstd has inside, are seen here first.
 *
 *  Lines that end with returns alone get newlines here, so that everything that cuts lines knows
 *  one end of them. */
import { isUtf8 } from "node:buffer";
import { ClusterError } from "../../core/error.ts";
import type { InputFile } from "../../wire/block/plan.ts";
import { checkText, contentStartBytes } from "../../wire/content/content.ts";
import { endsLinesWithReturns } from "../../wire/content/shape.ts";
import { type ByteSource, PeekSource, type SourcePiece } from "../kernels/byte-source.ts";
import { notUtf8 } from "../kernels/encoding.ts";

const newline = 10;
const carriageReturn = 13;

export class TextSource implements ByteSource {
  readonly #source: PeekSource;
  readonly #files: readonly InputFile[];
  readonly #check: Utf8Check | null;
  #hasReturns = false;
  #name = "";

  /** `isStrict`: throws `user-error` where bytes are not UTF-8. */
  constructor(source: ByteSource, files: readonly InputFile[], isStrict = false) {
    this.#source = new PeekSource(source);
    this.#files = files;
    this.#check = isStrict ? new Utf8Check() : null;
  }

  /** Throws `bad-request` for what is no text. */
  nextPiece(): SourcePiece | null {
    this.#hasReturns = false;
    const piece = this.#source.nextPiece();
    if (piece === null) return null;
    const { compression, name } = this.#files[piece.file] as InputFile;
    this.#check?.start(name, piece.offset);
    if (piece.offset > 0) return piece;
    const start = this.#source.peek(contentStartBytes);
    checkText(name, start, compression);
    this.#name = name;
    this.#hasReturns = endsLinesWithReturns((sizeBytes) => this.#source.peek(sizeBytes));
    return piece;
  }

  read(into: Uint8Array, at: number): number {
    const count = this.#source.read(into, at);
    if (this.#hasReturns) this.#endLines(into.subarray(at, at + count));
    this.#check?.add(into.subarray(at, at + count));
    return count;
  }

  #endLines(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++) {
      if (bytes[i] === carriageReturn) bytes[i] = newline;
      else if (bytes[i] === newline) throw mixedEnds(this.#name);
    }
  }
}

/** Whether bytes are UTF-8, in parts as they come; none at all is the end of a piece. */
class Utf8Check {
  #file = "";
  /** Where the first byte of `#rest` lies. */
  #offset = 0;
  /** The beginning of a character that the last part has cut. */
  #rest = Buffer.alloc(0);

  start(file: string, offset: number): void {
    this.#file = file;
    this.#offset = offset;
    this.#rest = Buffer.alloc(0);
  }

  add(part: Uint8Array): void {
    if (part.length === 0 && this.#rest.length === 0) return;
    const bytes = this.#rest.length === 0 ? part : Buffer.concat([this.#rest, part]);
    const end = part.length === 0 ? bytes.length : wholeCharacters(bytes);
    if (!isUtf8(bytes.subarray(0, end))) throw this.#error(bytes.subarray(0, end));
    this.#rest = Buffer.from(bytes.subarray(end));
    this.#offset += end;
  }

  #error(bytes: Uint8Array): ClusterError {
    let start = 0;
    for (let next = 0; next < bytes.length; start = next) {
      next = bytes.indexOf(newline, start) + 1 || bytes.length;
      if (!isUtf8(bytes.subarray(start, next))) break;
    }
    const place = `${this.#file}:${this.#offset + start}`;
    return new ClusterError("user-error", `bad record at ${place}: ${notUtf8}`, { isFinal: true });
  }
}

/** Without the character that is not complete at the end. */
function wholeCharacters(bytes: Uint8Array): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] as number;
    if (byte < 0x80) break;
    if (byte < 0xc0) continue;
    const length = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    return length > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

function mixedEnds(file: string): ClusterError {
  const text = `${file} has lines that end with \\r alone, and later others; convert them to \\n`;
  return new ClusterError("user-error", text, { isFinal: true });
}
