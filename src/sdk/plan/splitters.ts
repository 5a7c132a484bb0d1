/** Where the partitions of a sort begin: keys that cut a sample of the input into equal shares.
 *
 *  Any keys make a right result; good ones make equal work. So a few thousand records, from places
 *  all over the input, are enough. */
import { compareBytes } from "../../wire/block/arena.ts";
import type { InputFile, OperatorSpec, Piece, SortSpec } from "../../wire/block/plan.ts";
import type { FormatSpec } from "../format.ts";
import { rawRecords, readRecords } from "../local/records.ts";
import { isRaw, keyedRow, rawRow, rowsJob } from "../local/sorting.ts";
import { startOf } from "./found.ts";
import type { Upload } from "./upload.ts";

/** Places that are looked at, in all files together, and how much of each. */
const placesMax = 512;
const placeBytes = 8 * 1024;
/** Of a compressed file only the beginning can be looked at. */
const packedBytes = 64 * 1024;
/** Longest splitter: what is behind is left out, which moves a border by equal beginnings. */
const splitterMaxBytes = 256;

export type Sampled = {
  readonly files: readonly InputFile[];
  readonly uploads: readonly Upload[];
  readonly reducers: number;
  readonly unpackStart: UnpackStart;
};

/** The bytes that the beginning of a compressed file decompresses to, as far as they are complete.
 *  Throws when it is damaged, or when nothing here can decompress it. */
export type UnpackStart = (
  packed: Uint8Array,
  compression: "gzip" | "zstd",
) => Uint8Array | Promise<Uint8Array>;

/** One fewer than there are reducers, in order, as base64. */
export async function splittersOf(
  operator: OperatorSpec,
  apply: SortSpec,
  from: Sampled,
): Promise<string[]> {
  if (from.reducers <= 1) return [];
  const sign = apply.order === "descending" ? -1 : 1;
  const starts = await startsOf(from);
  const keys = [...sample(operator, apply, { ...from, starts })].sort(
    (a, b) => sign * compareBytes(a, b),
  );
  return Array.from({ length: from.reducers - 1 }, (_, i) => {
    const key = keys[Math.floor(((i + 1) * keys.length) / from.reducers)] ?? Buffer.alloc(0);
    return Buffer.from(key.subarray(0, splitterMaxBytes)).toString("base64");
  });
}

type Starts = ReadonlyMap<InputFile, Uint8Array>;

/** Of the compressed files, since only there one can begin to read. */
async function startsOf({ files, uploads, unpackStart }: Sampled): Promise<Starts> {
  const starts = new Map<InputFile, Uint8Array>();
  for (const file of files) {
    const path = file.at.kind === "path" ? file.at.path : uploadPath(file, uploads);
    if (file.compression === "none" || path === null) continue;
    try {
      const packed = startOf(path, packedBytes);
      starts.set(file, await unpackStart(packed, file.compression));
    } catch {
      // Damaged: a worker reports it when it reads the file.
      starts.set(file, new Uint8Array());
    }
  }
  return starts;
}

type Sampling = Pick<Sampled, "files" | "uploads"> & { readonly starts: Starts };

function* sample(
  operator: OperatorSpec,
  apply: SortSpec,
  { files, starts, uploads }: Sampling,
): Generator<Uint8Array, void> {
  const format = operator.inputs.default as FormatSpec;
  const total = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const every = Math.max(placeBytes, Math.ceil(total / placesMax));
  const { map } = rowsJob(operator, apply).inputs.default!;
  let due = 0;
  let before = 0;
  for (const [index, file] of files.entries()) {
    for (; due < before + file.sizeBytes; due += every) {
      for (const place of placesOf({ file, index, at: due - before, starts }, format, uploads)) {
        if (isRaw(operator, apply)) {
          for (const bytes of rawRecords(...place)) yield rawRow(bytes, operator).key;
          continue;
        }
        for (const record of readRecords(...place)) {
          const keys: Uint8Array[] = [];
          if (record.kind === "bad") continue;
          map(record.value, (key, value) => keys.push(keyedRow(key, value).key), {} as never);
          yield* keys;
        }
      }
    }
    before += file.sizeBytes;
  }
}

type At = {
  readonly file: InputFile;
  readonly index: number;
  readonly at: number;
  readonly starts: Starts;
};
type Place = readonly [InputFile, Piece, FormatSpec, readonly Upload[]];

function placesOf(
  { file, index, at, starts }: At,
  format: FormatSpec,
  uploads: readonly Upload[],
): Place[] {
  // Not at hand where the job is planned: its part of the sort goes where others leave room.
  if (file.at.kind === "shared") return [];
  const size = format.format === "records" ? format.sizeBytes : 1;
  const start = at - (at % size);
  const length = Math.max(size, placeBytes - (placeBytes % size));
  if (file.compression === "none") {
    const isWhole = format.format === "csv" && format.multiline;
    // Where rows go over several lines, one can begin anywhere: only the start of a file is sure.
    if (isWhole && at > 0) return [];
    const end = Math.min(file.sizeBytes, start + length);
    return [[file, [index, start, end], format, uploads]];
  }
  const bytes = starts.get(file);
  if (at > 0 || bytes === undefined) return [];
  const end = format.format === "records" ? bytes.length - (bytes.length % size) : bytes.length;
  const whole = bytes.subarray(0, end);
  const upload = { hash: "sample", sizeBytes: end, at: { kind: "bytes", bytes: whole } } as const;
  const { name } = file;
  const opened: InputFile = {
    ...{ name, compression: "none", sizeBytes: end },
    at: { kind: "blob", hash: "sample" },
  };
  return [[opened, [index, 0, end], format, [upload]]];
}

function uploadPath({ at }: InputFile, uploads: readonly Upload[]): string | null {
  const upload = at.kind === "blob" ? uploads.find(({ hash }) => hash === at.hash) : undefined;
  return upload?.at.kind === "path" ? upload.at.path : null;
}
