/** Records from JSON: a value a line, or the elements of the one array that a file is. */
import { isUtf8 } from "node:buffer";
import { ClusterError } from "../../core/error.ts";
import type { TextEncoding } from "../../wire/block/plan.ts";
import { isBlank, isJsonArray, shapeStartBytes } from "../../wire/content/shape.ts";
import { type ByteSource, PeekSource, type SourcePiece } from "./byte-source.ts";
import { decoded, notUtf8 } from "./encoding.ts";
import { LineCutter, type RecordPosition, recordMaxBytes } from "./lines.ts";

export type JsonOptions = {
  readonly source: ByteSource;
  readonly position: RecordPosition;
  readonly record: (value: unknown) => void;
  readonly bad: (text: string, problem: string) => void;
  readonly sizeOf?: (file: number) => number | null;
  /** Called for each element of an array that a file is. */
  readonly element?: () => void;
};

export type JsonFormat = {
  /** Throws for what is no JSON. */
  readonly parse: (text: string) => unknown;
  readonly encoding: TextEncoding | undefined;
};

export function jsonReader(
  options: JsonOptions,
  { parse, encoding }: JsonFormat,
): (piece: SourcePiece) => void {
  const { record, bad, position } = options;
  const visit = (text: string) => {
    let value: unknown;
    try {
      value = parse(text);
    } catch (error) {
      if (text.trim() !== "") bad(text, (error as Error).message);
      return;
    }
    record(value);
  };
  const source = new PeekSource(options.source);
  const cutter = new LineCutter({ source, position, visit, encoding, bad });
  return (piece) => {
    source.nextIs(piece);
    const sizeBytes = options.sizeOf?.(piece.file) ?? null;
    if (piece.offset === 0 && startsArray(source, sizeBytes)) {
      readArray({ ...options, source, encoding, visit });
    } else cutter.cut(piece.offset);
  };
}

function startsArray(source: PeekSource, sizeBytes: number | null): boolean {
  const start = source.peek(shapeStartBytes);
  const isAll = start.length < shapeStartBytes && start.length >= (sizeBytes ?? 0);
  return isJsonArray(start, isAll);
}

type ArrayOptions = JsonOptions &
  Pick<JsonFormat, "encoding"> & {
    readonly source: PeekSource;
    readonly visit: (text: string) => void;
  };

/** Between elements of the outermost array, or in one. */
function readArray(options: ArrayOptions): void {
  const { source, position, encoding, visit, bad } = options;
  const scanner = new ElementScanner();
  let buffer = Buffer.allocUnsafeSlow(shapeStartBytes);
  /** Bytes [0, filled) of the buffer lie at `offset` of the file. */
  let filled = 0;
  let offset = 0;
  const element = (start: number, end: number) => {
    const bytes = buffer.subarray(start, end);
    options.element?.();
    position.fixedOffset = offset + start;
    const text = decoded(bytes, encoding);
    if (encoding === "utf-8" && !isUtf8(bytes)) bad(text, notUtf8);
    else if (text.trim() === "") bad(text, "an element of the array is missing");
    else visit(text);
  };
  for (;;) {
    if (filled === buffer.length) {
      if (filled >= recordMaxBytes) {
        const text = `an element is longer than ${recordMaxBytes} bytes`;
        throw new ClusterError("limit-exceeded", `${position.file}:${offset}: ${text}`);
      }
      buffer = Buffer.concat([buffer], filled * 2);
    }
    const count = source.read(buffer, filled);
    if (count === 0) break;
    filled += count;
    scanner.scan(buffer, filled, element);
    const used = scanner.release();
    buffer.copyWithin(0, used, filled);
    filled -= used;
    offset += used;
  }
  const problem = scanner.problem();
  if (problem === "") return;
  position.fixedOffset = offset;
  bad(decoded(buffer.subarray(0, Math.min(filled, 1024)), encoding), problem);
}

const open = "[{".split("").map((c) => c.charCodeAt(0));
const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;

/** Finds where elements begin and end; goes on where it stopped. */
class ElementScanner {
  /** 0 before the array, 1 between brackets of it, more inside its elements. */
  #depth = 0;
  #inText = false;
  #at = 0;
  /** Where the element at hand begins. */
  #start = 0;
  #isOver = false;
  #hasElements = false;
  #trailing = false;

  scan(bytes: Uint8Array, end: number, element: (start: number, end: number) => void): void {
    for (; this.#at < end; this.#at++) {
      const byte = bytes[this.#at] as number;
      if (this.#inText) {
        if (byte === backslash) this.#at++;
        else if (byte === quote) this.#inText = false;
      } else if (this.#isOver) {
        if (!isBlank(byte)) this.#trailing = true;
      } else if (byte === quote) this.#inText = true;
      else if (open.includes(byte)) {
        if (this.#depth++ === 0) this.#start = this.#at + 1;
      } else if (byte === comma && this.#depth === 1) {
        this.#hasElements = true;
        element(this.#start, this.#at);
        this.#start = this.#at + 1;
      } else if ((byte === 0x5d || byte === 0x7d) && --this.#depth === 0) {
        this.#isOver = true;
        const isEmpty = !this.#hasElements && allBlank(bytes, this.#start, this.#at);
        if (!isEmpty) element(this.#start, this.#at);
        this.#start = this.#at + 1;
      }
    }
  }

  /** Bytes before this are not needed any more. */
  release(): number {
    const used = this.#isOver ? this.#at : this.#depth === 0 ? 0 : this.#start;
    this.#at -= used;
    this.#start = 0;
    return used;
  }

  /** "" when all is in order at the end. */
  problem(): string {
    if (!this.#isOver) return "the JSON array that the file is has no end";
    return this.#trailing ? "something follows the JSON array that the file is" : "";
  }
}

function allBlank(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (!isBlank(bytes[i] as number)) return false;
  return true;
}
