/** The pieces of a split as a tab reads them: ranges over HTTP, cut where records end, exactly as a
 *  worker's supervisor cuts them (`worker/input.ts`). */
import { ClusterError } from "../../../core/error.ts";
import { tableFormat, type Wish } from "../../../tables/file.ts";
import { rowGroups, wishOf } from "../../../tables/rows.ts";
import type { InputFile, Plan } from "../../../wire/block/plan.ts";
import { joinedBytes } from "../../../wire/joined.ts";
import { firstLine } from "../../input/first-line.ts";
import type { TaskPiece } from "../contract.ts";
import { Unreadable } from "./unreadable.ts";

/** Bytes [start, end) of a file of the plan. */
export type ReadRange = (file: number, start: number, end: number) => Promise<Uint8Array>;

const lookAheadBytes = 16 * 1024;
const lookFurtherBytes = 1024 * 1024;
const newline = 10;

/** Of a map task's split. */
export async function piecesOf(plan: Plan, task: number, read: ReadRange): Promise<TaskPiece[]> {
  const split = plan.splits[task];
  if (split === undefined) throw new ClusterError("bad-request", `the plan has no task ${task}`);
  const pieces: TaskPiece[] = [];
  for (const [index, start, end] of split.pieces) {
    const file = plan.files[index];
    if (file === undefined) throw new ClusterError("bad-request", `the plan has no file ${index}`);
    if (tableFormat(file) !== null) {
      const wish = wishOf(plan, split.input);
      const range = { index, start, end };
      for (const piece of await tablePieces(file, range, wish, read)) pieces.push(piece);
      continue;
    }
    const piece = await pieceOf(file, { index, start, end }, read);
    if (piece !== null) pieces.push(piece);
  }
  return pieces;
}

type Range = { readonly index: number; readonly start: number; readonly end: number };

async function pieceOf(file: InputFile, range: Range, read: ReadRange): Promise<TaskPiece | null> {
  const { end, index, start } = range;
  const { sizeBytes } = file;
  if (file.compression !== "none") {
    const bytes = await unfolded(file, await read(index, 0, sizeBytes));
    return { file: index, offset: 0, head: null, bytes };
  }
  // Of an empty file there is no range that could be asked for.
  if (sizeBytes === 0) return { file: index, offset: 0, head: null, bytes: new Uint8Array() };
  if (start === 0 && end >= sizeBytes) {
    return { file: index, offset: 0, head: null, bytes: await read(index, 0, sizeBytes) };
  }
  if (file.recordBytes !== undefined) {
    return { file: index, offset: start, head: null, bytes: await read(index, start, end) };
  }
  return start < end ? wholeLines(range, sizeBytes, read) : null;
}

/** One for each group of rows. */
async function tablePieces(
  { name, sizeBytes, ...file }: InputFile,
  { end, index, start }: Range,
  wish: Wish,
  read: ReadRange,
): Promise<TaskPiece[]> {
  const format = tableFormat(file) ?? "parquet";
  const table = {
    name,
    format,
    sizeBytes,
    read: (from: number, to: number) => read(index, from, to),
  };
  const encoder = new TextEncoder();
  const pieces: TaskPiece[] = [];
  for await (const lines of rowGroups(table, { start, end }, wish)) {
    const bytes = encoder.encode([...lines].join(""));
    pieces.push({ file: index, offset: 0, head: null, bytes });
  }
  return pieces;
}

/** From the first line that begins at or after `start` to the end of the last that begins before
 *  `end`. */
async function wholeLines(
  { end, index, start }: Range,
  sizeBytes: number,
  read: ReadRange,
): Promise<TaskPiece | null> {
  const from = Math.max(0, start - 1);
  let to = Math.min(sizeBytes, end + lookAheadBytes);
  let bytes = await read(index, from, to);
  const more = async () => {
    const next = Math.min(sizeBytes, to + lookFurtherBytes);
    bytes = joinedBytes([bytes, await read(index, to, next)]);
    to = next;
  };
  let first = 0;
  if (start > 0) {
    for (first = bytes.indexOf(newline) + 1; first === 0; first = bytes.indexOf(newline) + 1) {
      // A line longer than the piece: it belongs to another.
      if (to >= end) return null;
      await more();
    }
  }
  if (from + first >= end) return null;
  let last = end - 1 - from;
  for (;;) {
    const found = bytes.indexOf(newline, Math.max(first, last));
    if (found !== -1) {
      bytes = bytes.subarray(first, found + 1);
      break;
    }
    if (to >= sizeBytes) {
      bytes = bytes.subarray(first);
      break;
    }
    last = bytes.length;
    await more();
  }
  const offset = from + first;
  const head = offset === 0 ? null : await headOf(index, offset, read);
  return { file: index, offset, head, bytes: whole(bytes) };
}

function headOf(index: number, end: number, read: ReadRange): Promise<Uint8Array | null> {
  const chunks = async function* (from: number, to: number) {
    yield await read(index, from, to);
  };
  return firstLine(chunks, end);
}

/** In a buffer of its own, which can be handed over. */
function whole(bytes: Uint8Array): Uint8Array {
  return bytes.length === bytes.buffer.byteLength ? bytes : bytes.slice();
}

async function unfolded(file: InputFile, bytes: Uint8Array): Promise<Uint8Array> {
  if (file.compression !== "gzip") {
    throw new Unreadable(`no tab can read ${file.name}, which is zstd`);
  }
  try {
    const stream = new Blob([bytes as Uint8Array<ArrayBuffer>])
      .stream()
      .pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  } catch (cause) {
    // Damaged, or of several gzip members: a worker that can read those finds out which.
    throw new Unreadable(`this tab cannot unfold ${file.name} (${cause})`, { cause });
  }
}
