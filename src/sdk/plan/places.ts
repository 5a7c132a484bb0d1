/** Places all over the inputs of a sort, for its sample: where they are, and the few whole records
 *  there. Apart from what is made of them, since only here files are read. */
import { tableFormat } from "../../tables/file.ts";
import type { InputFile, Piece } from "../../wire/block/plan.ts";
import type { FormatSpec } from "../format.ts";
import { bytesAt } from "./found.ts";
import type { Upload } from "./upload.ts";

/** Places that are looked at, in all files together, and how much of each. */
const placesMax = 512;
/** The same where each costs a round trip. */
const farPlacesMax = 64;
const placeBytes = 8 * 1024;
/** The most of a decompressed beginning, and where no line ends within less. */
const placeMaxBytes = 1024 * 1024;
const placeSizes = [placeBytes, 64 * 1024, placeMaxBytes];
/** Of a compressed file only the beginning can be looked at. */
const packedBytes = 64 * 1024;
/** As much of a header line as the readers of CSV accept. */
const headMaxBytes = 64 * 1024;
const newline = 10;

export type Sampled = {
  readonly files: readonly InputFile[];
  readonly uploads: readonly Upload[];
  readonly unpackStart: UnpackStart;
  /** Absent where tables cannot be read. */
  readonly sampleTable?: SampleTable;
  /** Absent where addresses cannot be read. */
  readonly readRemote?: ReadRemote;
};

/** Bytes [start, end) of the file at an address. */
export type ReadRemote = (file: InputFile, start: number, end: number) => Promise<Uint8Array>;

/** Some rows of a table as lines of JSON. */
export type SampleTable = (
  file: InputFile,
  format: FormatSpec,
  uploads: readonly Upload[],
) => Promise<Uint8Array>;

/** The bytes that the beginning of a compressed file decompresses to, as far as they are complete.
 *  Throws when it is damaged, or when nothing here can decompress it. */
export type UnpackStart = (
  packed: Uint8Array,
  compression: "gzip" | "zstd",
) => Uint8Array | Promise<Uint8Array>;

/** A file and its number in the plan. */
export type Place = { readonly file: InputFile; readonly index: number; readonly at: number };

/** What the judge's readers take. The file is made of the bytes of one place. */
export type Readable = readonly [InputFile, Piece, FormatSpec, readonly Upload[]];

/** At equal distances in all files, as if they were one. */
export function placesIn(files: readonly InputFile[], format: FormatSpec): Place[] {
  const total = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const isFar = files.some(({ at }) => at.kind === "remote");
  const every = Math.max(placeBytes, Math.ceil(total / (isFar ? farPlacesMax : placesMax)));
  // Where rows go over several lines, none can be found from the middle of a file.
  const onlyStarts = format.format === "csv" && format.multiline;
  const places: Place[] = [];
  let due = 0;
  let before = 0;
  for (const [index, file] of files.entries()) {
    for (; due < before + file.sizeBytes; due += every) {
      const at = due - before;
      // Not at hand where the job is planned: its part of the sort goes where others leave room.
      if (file.at.kind === "shared") continue;
      if (at > 0 && (onlyStarts || file.compression !== "none")) continue;
      places.push({ file, index, at });
    }
    before += file.sizeBytes;
  }
  return places;
}

/** Null when no record begins there, or when a worker will report why the file cannot be read.
 *  `mayBeCut`: the last record may lack its end. */
export async function readPlace(
  { at, file, index }: Place,
  format: FormatSpec,
  from: Sampled & { readonly mayBeCut: boolean },
): Promise<Readable | null> {
  const read = readerOf(file, from);
  if (read === null) return null;
  let found: Found | null;
  if (tableFormat(file) !== null) {
    const bytes = (await from.sampleTable?.(file, format, from.uploads)) ?? new Uint8Array();
    found = { bytes, start: 0 };
  } else if (file.compression !== "none") {
    const { compression } = file;
    const bytes = await unpacked(
      await read(0, packedBytes),
      compression as "gzip",
      from.unpackStart,
    );
    found = { bytes: bytes.subarray(0, wholeRecords(bytes.length, format)), start: 0 };
  } else if (format.format === "records") {
    const start = at - (at % format.sizeBytes);
    const length = wholeRecords(Math.max(placeBytes, format.sizeBytes), format);
    found = { bytes: await read(start, length), start: 0 };
  } else {
    found = await linesAt(at, { read, sizeBytes: file.sizeBytes, mayBeCut: from.mayBeCut });
    if (found !== null && at > 0 && format.format === "csv" && format.header) {
      found = withHead(found, await headOf(file, read));
    }
  }
  if (found === null) return null;
  const { bytes, start } = found;
  const sizeBytes = bytes.length;
  const upload = { hash: "sample", sizeBytes, at: { kind: "bytes", bytes } } as const;
  const { name } = file;
  const place = { kind: "blob", hash: "sample" } as const;
  const opened: InputFile = { name, compression: "none", sizeBytes, at: place };
  return [opened, [index, start, sizeBytes], format, [upload]];
}

/** `length` bytes from `start`, fewer at the end of the file. */
type Read = (start: number, length: number) => Uint8Array | Promise<Uint8Array>;
/** Bytes, and the offset in them where the records begin. */
type Found = { readonly bytes: Uint8Array; readonly start: number };
type Lines = { readonly read: Read; readonly sizeBytes: number; readonly mayBeCut: boolean };

function readerOf(file: InputFile, { readRemote, uploads }: Sampled): Read | null {
  const { at, sizeBytes } = file;
  if (at.kind === "remote") {
    if (readRemote === undefined) return null;
    return (start, length) => readRemote(file, start, Math.min(sizeBytes, start + length));
  }
  const from = at.kind === "blob" ? uploads.find(({ hash }) => hash === at.hash)?.at : at;
  if (from?.kind === "bytes") return (start, length) => from.bytes.subarray(start, start + length);
  if (from?.kind === "content") {
    return (start, length) => from.content.slice(start, start + length).bytes();
  }
  return from?.kind === "path" ? (start, length) => bytesAt(from.path, start, length) : null;
}

async function unpacked(
  packed: Uint8Array,
  compression: "gzip" | "zstd",
  unpackStart: UnpackStart,
): Promise<Uint8Array> {
  try {
    return (await unpackStart(packed, compression)).subarray(0, placeMaxBytes);
  } catch {
    // Damaged: a worker reports it when it reads the file.
    return new Uint8Array();
  }
}

function wholeRecords(length: number, format: FormatSpec): number {
  return format.format === "records" ? length - (length % format.sizeBytes) : length;
}

/** From the first line that begins at or behind `at`. In the middle of a file it is behind the end
 *  of the line before it, so that it is not taken for the first of the file. */
async function linesAt(at: number, { mayBeCut, read, sizeBytes }: Lines): Promise<Found | null> {
  const from = Math.max(0, at - 1);
  for (const length of placeSizes) {
    const bytes = await read(from, length);
    const start = at === 0 ? 0 : bytes.indexOf(newline) + 1;
    if (at > 0 && start === 0) continue;
    const isWhole = from + bytes.length >= sizeBytes;
    // Up to the end of the last whole line, unless the rest may be used as well.
    const whole = bytes.lastIndexOf(newline) + 1;
    const end = isWhole || (mayBeCut && length === placeMaxBytes) ? bytes.length : whole;
    const before = at === 0 ? 0 : 1;
    if (end > start) return { bytes: bytes.subarray(start - before, end), start: before };
  }
  return null;
}

/** Header lines with their ends, each read once: its file has hundreds of places, which may each
 *  cost a round trip. */
const heads = new WeakMap<InputFile, Uint8Array>();

/** Empty when no line ends where a header must. */
async function headOf(file: InputFile, read: Read): Promise<Uint8Array> {
  const known = heads.get(file);
  if (known !== undefined) return known;
  const start = await read(0, headMaxBytes);
  const head = start.slice(0, start.indexOf(newline) + 1);
  heads.set(file, head);
  return head;
}

/** The lines of a place behind the header of their file. */
function withHead({ bytes, start }: Found, head: Uint8Array): Found | null {
  if (head.length === 0) return null;
  return { bytes: Buffer.concat([head, bytes.subarray(start)]), start: head.length };
}
