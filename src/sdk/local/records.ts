/** Records of a piece of a file, the plain way: all of the piece in memory, one line after the
 *  other. */
import { closeSync, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { ClusterError } from "../../core/error.ts";
import { Decimal, parseExactJson } from "../../wire/block/decimal.ts";
import type { InputFile, Piece, TextEncoding } from "../../wire/block/plan.ts";
import { checkText, contentStartBytes } from "../../wire/content/content.ts";
import { endsLinesWithReturns, isJsonArray, shapeStartBytes } from "../../wire/content/shape.ts";
import { type FormatSpec, isText } from "../format.ts";
import type { Upload } from "../plan/upload.ts";
import { csvRecords } from "./csv.ts";
import { decoded } from "./decoded.ts";
import { elementsOf } from "./json-array.ts";
import { type Line, type SourceRecord, withoutReturn } from "./record.ts";
import { wordsOf } from "./words.ts";

type MatchFormat = Extract<FormatSpec, { format: "match" }>;

/** Largest compressed or whole file, uncompressed, in bytes. */
const wholeMaxBytes = 2 * 1024 ** 3 - 1;
const newline = 10;

export function* readRecords(
  file: InputFile,
  piece: Piece,
  format: FormatSpec,
  uploads: readonly Upload[],
): Generator<SourceRecord, void> {
  const source = isText(format) ? openText(file, uploads) : openSource(file, uploads);
  try {
    if (isText(format)) checkText(file.name, source.read(0, contentStartBytes), file.compression);
    const [, start, end] = piece;
    if (format.format === "file") {
      const bytes = source.read(0, source.sizeBytes);
      const value = format.as === "bytes" ? new Uint8Array(bytes) : withoutMark(bytes).toString();
      yield { kind: "record", offset: 0, value };
      return;
    }
    const until = file.compression === "none" ? end : source.sizeBytes;
    if (format.format === "records") {
      let offset = start;
      for (const bytes of rawRecords(file, piece, format, uploads)) {
        yield { kind: "record", offset, value: new Uint8Array(bytes) };
        offset += format.sizeBytes;
      }
    } else yield* textRecords({ file, start, until, source }, format);
  } finally {
    source.close();
  }
}

type TextFormat = Exclude<FormatSpec, { format: "records" | "file" }>;
type TextPiece = {
  readonly file: InputFile;
  readonly start: number;
  readonly until: number;
  readonly source: Source;
};

function* textRecords(
  { file, start, until, source }: TextPiece,
  format: TextFormat,
): Generator<SourceRecord, void> {
  const encoding = format.format === "ndjson" ? undefined : format.encoding;
  const lines = linesOf(source, start, until, encoding);
  switch (format.format) {
    case "csv": {
      const first = start === 0 ? null : linesOf(source, 0, 1, encoding).next().value;
      yield* csvRecords({ file: file.name, first: first ?? null, lines }, format);
      return;
    }
    case "lines":
      for (const line of lines) {
        const value = withoutReturn(line.text);
        yield line.problem === undefined
          ? { kind: "record", offset: line.offset, value }
          : bad(line);
      }
      return;
    case "words":
      for (const { offset, bytes, problem } of lines) {
        if (problem !== undefined) {
          const text = `bad record at ${file.name}:${offset}: ${problem}`;
          throw new ClusterError("user-error", text);
        }
        for (const word of wordsOf(bytes, offset, format.lowercase)) {
          yield { kind: "record", offset: word.offset, value: word.text };
        }
      }
      return;
    case "match":
      yield* matchRecords(lines, format);
      return;
    default:
      yield* jsonRecords(start === 0 ? source : null, lines, format);
  }
}

function* jsonRecords(
  whole: Source | null,
  lines: Iterable<Line>,
  format: Extract<FormatSpec, { format: "json" | "ndjson" }>,
): Generator<SourceRecord, void> {
  const isExact = format.format === "json" && format.exact === true;
  const parse = isExact ? parseExactJson : JSON.parse;
  const start = whole?.read(0, shapeStartBytes) ?? Buffer.alloc(0);
  const encoding = format.format === "json" ? format.encoding : undefined;
  const texts = isJsonArray(start, start.length < shapeStartBytes)
    ? elementsOf(whole!.read(0, whole!.sizeBytes), encoding)
    : lines;
  for (const record of parsed(texts, parse)) {
    const isRow = record.kind === "record" && format.format === "json";
    yield isRow ? { ...record, value: atPaths(record.value, format.paths) } : record;
  }
}

/** Lines of a piece, or what stands for them: see `InputLines` of the worker. */
export function linesIn(
  file: InputFile,
  piece: Piece,
  format: FormatSpec,
  uploads: readonly Upload[],
): number {
  const [, start, end] = piece;
  if (format.format === "file") return 1;
  if (format.format === "records") {
    return Math.floor((end - start) / format.sizeBytes);
  }
  const source = openText(file, uploads);
  try {
    const until = file.compression === "none" ? end : source.sizeBytes;
    const first = source.read(0, shapeStartBytes);
    const isJson = format.format === "json" || format.format === "ndjson";
    const isArray = isJson && start === 0 && isJsonArray(first, first.length < shapeStartBytes);
    if (isArray) return [...elementsOf(source.read(0, source.sizeBytes), undefined)].length;
    return [...linesOf(source, start, until, undefined)].length;
  } finally {
    source.close();
  }
}

function bad({ offset, text, problem = "" }: Line): SourceRecord {
  return { kind: "bad", offset, text: withoutReturn(text), problem };
}

/** All bytes of a file, decompressed. */
export function wholeFile(file: InputFile, uploads: readonly Upload[]): Buffer {
  const source = openSource(file, uploads);
  try {
    return source.read(0, source.sizeBytes);
  } finally {
    source.close();
  }
}

/** Lines with their newlines, or records of one size, as the bytes that they are. */
export function* rawRecords(
  file: InputFile,
  piece: Piece,
  format: FormatSpec,
  uploads: readonly Upload[],
): Generator<Buffer, void> {
  const isBytes = format.format === "records";
  const source = isBytes ? openSource(file, uploads) : openText(file, uploads);
  try {
    const [, start, end] = piece;
    const until = file.compression === "none" ? end : source.sizeBytes;
    if (format.format !== "records") {
      checkText(file.name, source.read(0, contentStartBytes), file.compression);
      for (const { bytes } of linesOf(source, start, until, undefined)) yield bytes;
      return;
    }
    const { sizeBytes } = format;
    const bytes = source.read(start, until);
    if (bytes.length % sizeBytes !== 0) {
      const text = `${file.name} has ${source.sizeBytes} bytes, no multiple of ${sizeBytes}`;
      throw new ClusterError("user-error", text);
    }
    for (let at = 0; at < bytes.length; at += sizeBytes) yield bytes.subarray(at, at + sizeBytes);
  } finally {
    source.close();
  }
}

function* matchRecords(lines: Iterable<Line>, format: MatchFormat): Generator<SourceRecord, void> {
  const expression = new RegExp(format.pattern, `${format.flags}g`);
  for (const line of lines) {
    const { offset, text } = line;
    if (line.problem !== undefined) {
      yield bad(line);
      continue;
    }
    for (const [whole, ...groups] of withoutReturn(text).matchAll(expression)) {
      const fields = format.columns?.map((name, i) => [name, groups[i] ?? null]);
      const value = fields === undefined ? whole : Object.fromEntries(fields);
      yield { kind: "record", offset, value };
    }
  }
}

function atPaths(value: unknown, paths: readonly string[]): unknown {
  const fields = paths.map((path) => {
    let at: unknown = value;
    for (const name of path.split(".")) {
      const isNested = typeof at === "object" && at !== null && !(at instanceof Decimal);
      const isThere = isNested && Object.hasOwn(at as object, name);
      at = isThere && !(Array.isArray(at) && name === "length") ? Object(at)[name] : null;
    }
    return [path, at];
  });
  return Object.fromEntries(fields);
}

function* parsed(
  lines: Iterable<Line>,
  parse: (text: string) => unknown,
): Generator<SourceRecord, void> {
  for (const line of lines) {
    const text = withoutReturn(line.text);
    if (line.problem !== undefined) {
      yield bad(line);
      continue;
    }
    if (text.trim() === "") continue;
    try {
      yield { kind: "record", offset: line.offset, value: parse(text) };
    } catch (error) {
      yield { kind: "bad", offset: line.offset, text, problem: (error as Error).message };
    }
  }
}

/** Lines, with their newlines, that begin at or after the first newline from `start` − 1 (0: from
 *  the beginning) and before `end`. A byte order mark that opens the file is left out. */
function* linesOf(
  source: Source,
  start: number,
  end: number,
  encoding: TextEncoding | undefined,
): Generator<Line, void> {
  const from = Math.max(0, start - 1);
  let bytes = source.read(from, end);
  for (let more = end; bytes.lastIndexOf(newline) < end - 1 - from && more < source.sizeBytes; ) {
    const next = source.read(more, more + 1024 * 1024);
    bytes = Buffer.concat([bytes, next]);
    more += next.length;
  }
  let at = start === 0 ? 0 : bytes.indexOf(newline) + 1;
  if (start > 0 && at === 0) return;
  while (from + at < end && at < bytes.length) {
    const found = bytes.indexOf(newline, at);
    const next = found === -1 ? bytes.length : found + 1;
    const line = bytes.subarray(at, next);
    const text = from + at === 0 ? withoutMark(line) : line;
    // An empty rest, as of a file that is only a mark, is no line.
    if (text.length > 0) {
      const offset = from + next - text.length;
      yield { offset, bytes: text, ...decoded(text, encoding) };
    }
    at = next;
  }
}

function withoutMark(bytes: Buffer): Buffer {
  return bytes.subarray(0, 3).toString("hex") === "efbbbf" ? bytes.subarray(3) : bytes;
}

type Source = {
  readonly sizeBytes: number;
  /** Bytes [start, end), less at the end of the file. */
  read(start: number, end: number): Buffer;
  close(): void;
};

/** Lines that end with returns alone get newlines. */
function openText(file: InputFile, uploads: readonly Upload[]): Source {
  const source = openSource(file, uploads);
  if (!endsLinesWithReturns((sizeBytes) => source.read(0, sizeBytes))) return source;
  const read = (start: number, end: number) => {
    const bytes = Buffer.from(source.read(start, end));
    if (bytes.includes(newline)) {
      const text = `${file.name} has lines that end with \\r alone, and later others`;
      throw new ClusterError("user-error", `${text}; convert them to \\n`);
    }
    return bytes.map((byte) => (byte === 13 ? newline : byte)) as Buffer;
  };
  return { ...source, read };
}

function openSource(file: InputFile, uploads: readonly Upload[]): Source {
  const upload = file.at.kind === "blob" ? uploads.find((u) => u.hash === blobOf(file)) : undefined;
  if (upload?.at.kind === "bytes") {
    const { buffer, byteLength, byteOffset } = upload.at.bytes;
    const bytes = Buffer.from(buffer, byteOffset, byteLength);
    return memorySource(file.compression === "none" ? bytes : unpack(file, bytes));
  }
  const at = file.at.kind === "path" ? file.at : upload?.at;
  const path = at?.kind === "path" ? at.path : undefined;
  if (path === undefined)
    throw new ClusterError("data-lost", `${file.name} is not on this machine`);
  const opened = openSync(path, "r");
  const { size, mtimeMs } = fstatSync(opened);
  const isChanged = file.at.kind === "path" && mtimeMs !== file.at.mtimeMs;
  if (size !== file.sizeBytes || isChanged) {
    closeSync(opened);
    throw new ClusterError("data-lost", `${file.name} has changed since the job was planned`);
  }
  if (file.compression !== "none") {
    const packed = readFileSync(opened);
    closeSync(opened);
    return memorySource(unpack(file, packed));
  }
  return {
    sizeBytes: size,
    read(start, end) {
      const bytes = Buffer.alloc(Math.max(0, Math.min(end, size) - start));
      return bytes.subarray(0, readSync(opened, bytes, 0, bytes.length, start));
    },
    close: () => closeSync(opened),
  };
}

function blobOf(file: InputFile): string {
  return file.at.kind === "blob" ? file.at.hash : "";
}

function unpack(file: InputFile, packed: Buffer): Buffer {
  try {
    return file.compression === "gzip" ? unpackMembers(packed) : unpackFrames(packed);
  } catch (cause) {
    const { message } = cause as Error;
    const text = `${file.name} cannot be decompressed (${file.compression}): ${message}`;
    throw new ClusterError("bad-request", text, { cause });
  }
}

/** Members follow each other, or zeros that fill up a block: there the decoder stops, and says
 *  nothing of the rest. */
function unpackMembers(packed: Buffer): Buffer {
  const members: Buffer[] = [];
  let room = wholeMaxBytes;
  for (let rest = packed; rest.length > 0; ) {
    if (rest[0] === 0) {
      const first = rest.findIndex((byte) => byte !== 0);
      rest = first === -1 ? Buffer.alloc(0) : rest.subarray(first);
      continue;
    }
    const options = { info: true, maxOutputLength: Math.max(1, room) };
    const { buffer, engine } = gunzipSync(rest, options) as unknown as Unfolded;
    members.push(buffer);
    room -= buffer.length;
    rest = rest.subarray(engine.bytesWritten);
  }
  return Buffer.concat(members);
}

/** One frame after the other: the decoder stops behind the first, and says nothing of the rest. */
function unpackFrames(packed: Buffer): Buffer {
  const frames: Buffer[] = [];
  let room = wholeMaxBytes;
  for (let rest = packed; rest.length > 0; ) {
    const options = { info: true, maxOutputLength: Math.max(1, room) };
    // With `info` it answers an object, which its type does not say.
    const { buffer, engine } = zstdDecompressSync(rest, options) as unknown as Unfolded;
    frames.push(buffer);
    room -= buffer.length;
    rest = rest.subarray(engine.bytesWritten);
  }
  return Buffer.concat(frames);
}

type Unfolded = { readonly buffer: Buffer; readonly engine: { readonly bytesWritten: number } };

function memorySource(bytes: Buffer): Source {
  return {
    sizeBytes: bytes.length,
    read: (start, end) => bytes.subarray(start, end),
    close() {},
  };
}
