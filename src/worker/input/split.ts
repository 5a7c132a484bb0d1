/** Streams the pieces of one split to a task process: cut at records, decompressed, never more than
 *  a chunk ahead.
 *
 *  A piece is nominally [start, end): it has the records that begin there. So it starts behind the
 *  first newline at or after start − 1, up to the first newline at or after end − 1; two neighbours
 *  share nothing and lose nothing, wherever the cut falls. */
import type { Writable } from "node:stream";
import { ClusterError } from "../../core/error.ts";
import { tableFormat } from "../../tables/file.ts";
import { wishOf } from "../../tables/rows.ts";
import type { InputFile, Piece, Plan } from "../../wire/block/plan.ts";
import { type OpenInput, readSmall } from "./file.ts";
import { firstLine } from "./first-line.ts";
import {
  bytesHeader,
  cutFrame,
  endFrame,
  fileFrame,
  frameMaxBytes,
  headFrame,
  pieceFrame,
} from "./frames.ts";
import { inflated } from "./inflate.ts";
import { tableRows } from "./table-rows.ts";

export type StreamOptions = {
  readonly plan: Plan;
  /** Index of the map task, and so of the split. */
  readonly task: number;
  readonly open: (file: InputFile, index: number) => Promise<OpenInput>;
  /** This machine (`hostId`): small files that lie here are read without `open`, many at a time.
   *  Absent: all are opened. */
  readonly host?: string;
  /** Descriptor 4 of the task process. */
  readonly sink: Writable;
  /** Stops between two frames. */
  readonly signal: AbortSignal;
  /** Makes a file of this machine readable for the task process, under the path that it answers.
   *  Absent, or null answered: its bytes go through the pipe. */
  readonly direct?: (path: string) => string | null;
  /** Bytes that one compressed file may become; default 64 GiB. Exceeded: `limit-exceeded`. */
  readonly inflatedMaxBytes?: number;
  /** Called each time that more has been read: bytes of the files as they are stored, compressed or
   *  not, since the start of the split. */
  readonly onRead?: (inputBytes: number) => void;
};

const inflatedMaxDefaultBytes = 64 * 1024 ** 3;
/** How far behind `end` the first read goes for the end of the last record; further reads take
 *  more. */
const lookAheadBytes = 16 * 1024;
const lookFurtherBytes = 1024 * 1024;
/** Frames of small files are written when they have so many bytes. */
const gatherBytes = 256 * 1024;
const newline = 10;

/** Whether some file of the task's split is compressed. */
export function hasCompressed({ files, splits }: Plan, task: number): boolean {
  return splits[task]?.pieces.some(([file]) => files[file]?.compression !== "none") ?? false;
}

/** Resolves with the bytes read, of the files as they are stored, after the END frame is sent. On
 *  any error or abort the task gets a CUT frame instead, if it still takes one, and the promise
 *  rejects with the reason. */
export async function streamSplit(options: StreamOptions): Promise<number> {
  const { plan, task, sink } = options;
  const split = plan.splits[task];
  if (split === undefined) throw new ClusterError("bad-request", `the plan has no task ${task}`);
  const out = new FrameSink(sink, options);
  try {
    for (const piece of split.pieces) {
      options.signal.throwIfAborted();
      await streamPiece(piece, options, out);
    }
    await out.send([endFrame()]);
    return out.inputBytes;
  } catch (error) {
    // A stop between frames leaves the pipe in order; the process may be used for another task.
    if (!sink.destroyed && sink.writable) sink.write(cutFrame());
    throw error;
  }
}

async function streamPiece(piece: Piece, options: StreamOptions, out: FrameSink): Promise<void> {
  const [index, start, end] = piece;
  const file = options.plan.files[index];
  if (file === undefined) throw new ClusterError("bad-request", `the plan has no file ${index}`);
  const small = wholeSmall(file, piece, options);
  if (small !== null) {
    const frames = [pieceFrame(index, 0), bytesHeader(small.length), small];
    out.count(small.length);
    await out.gather(frames);
    return;
  }
  const opened = await options.open(file, index);
  const isPlain = file.compression === "none";
  try {
    const linked = isPlain && opened.path !== null ? (options.direct?.(opened.path) ?? null) : null;
    if (tableFormat(file) !== null) {
      await streamTable(piece, options, { file, opened, out });
    } else if (!isPlain) {
      const maxBytes = options.inflatedMaxBytes ?? inflatedMaxDefaultBytes;
      await out.send([pieceFrame(index, 0)]);
      const stored = counted(opened, out);
      for await (const bytes of inflated(file, stored, maxBytes)) await out.unfolded(bytes);
    } else if (linked !== null && file.at.kind === "path") {
      const { name, sizeBytes, at } = file;
      const whole = { path: linked, name, sizeBytes, mtimeMs: at.mtimeMs };
      if (file.recordBytes !== undefined) {
        await out.send([pieceFrame(index, start), fileFrame({ ...whole, start, end })]);
        out.count(end - start);
      } else await sendRange({ index, start, end, ...whole }, opened, out);
    } else if (start === 0 && end >= file.sizeBytes) {
      await out.send([pieceFrame(index, 0)]);
      // Of an empty file there is no range that could be asked for.
      if (file.sizeBytes === 0) return;
      for await (const bytes of opened.read(0, file.sizeBytes)) await out.bytes(bytes);
    } else if (file.recordBytes !== undefined) {
      await out.send([pieceFrame(index, start)]);
      for await (const bytes of opened.read(start, end)) await out.bytes(bytes);
    } else if (start < end) {
      await streamRange({ index, start, end, sizeBytes: file.sizeBytes }, opened, out);
    }
  } finally {
    await opened.close();
  }
}

type Streaming = {
  readonly file: InputFile;
  readonly opened: OpenInput;
  readonly out: FrameSink;
};

/** Each group of rows is a piece of its own: which of them are read changes nothing of the rest. */
async function streamTable(
  [index, start, end]: Piece,
  { inflatedMaxBytes, plan, task }: StreamOptions,
  { file, opened, out }: Streaming,
): Promise<void> {
  const { name, sizeBytes } = file;
  const format = tableFormat(file) ?? "parquet";
  const maxBytes = inflatedMaxBytes ?? inflatedMaxDefaultBytes;
  const wish = wishOf(plan, plan.splits[task]?.input ?? "");
  const wanted = { range: { start, end }, wish, maxBytes };
  for await (const bytes of tableRows({ name, format, sizeBytes }, opened, wanted)) {
    if (bytes === null) await out.send([pieceFrame(index, 0)]);
    else await out.unfolded(bytes);
  }
  out.count(end - start);
}

/** The file, whose bytes count as they are read. */
function counted(opened: OpenInput, out: FrameSink): OpenInput {
  return {
    ...opened,
    async *read(start, end) {
      for await (const bytes of opened.read(start, end)) {
        out.count(bytes.length);
        yield bytes;
      }
    },
  };
}

function wholeSmall(file: InputFile, piece: Piece, { host }: StreamOptions): Uint8Array | null {
  const [, start, end] = piece;
  const isHere = file.at.kind === "path" && file.at.host === host;
  return isHere && start === 0 && end >= file.sizeBytes ? readSmall(file) : null;
}

/** As `streamRange`, for a task process that reads the file itself. */
async function sendRange(
  range: Range & { readonly path: string; readonly name: string; readonly mtimeMs: number },
  opened: OpenInput,
  out: FrameSink,
): Promise<void> {
  const { index, start, end, sizeBytes } = range;
  const from = start === 0 ? 0 : await behindNewline(opened, start - 1, sizeBytes);
  if (from >= end) return;
  const to = end >= sizeBytes ? sizeBytes : await behindNewline(opened, end - 1, sizeBytes);
  if (from === 0) await out.send([pieceFrame(index, 0)]);
  else await sendStart(index, from, opened, out);
  const { path, name, mtimeMs } = range;
  await out.send([fileFrame({ path, name, start: from, end: to, sizeBytes, mtimeMs })]);
  out.count(to - from);
}

/** Behind the first newline at or after `from`; the file's end when there is none. */
async function behindNewline(opened: OpenInput, from: number, sizeBytes: number): Promise<number> {
  let step = lookAheadBytes;
  for (let at = from; at < sizeBytes; step = lookFurtherBytes) {
    const to = Math.min(sizeBytes, at + step);
    for await (const chunk of opened.read(at, to)) {
      const found = chunk.indexOf(newline);
      if (found !== -1) return at + found + 1;
      at += chunk.length;
    }
  }
  return sizeBytes;
}

type Range = {
  readonly index: number;
  readonly start: number;
  readonly end: number;
  readonly sizeBytes: number;
};

async function streamRange(range: Range, opened: OpenInput, out: FrameSink): Promise<void> {
  const { index, start, end } = range;
  let at = Math.max(0, start - 1);
  let started = start === 0;
  if (started) await out.send([pieceFrame(index, 0)]);
  for await (const chunk of bytesFrom(range, at, opened)) {
    let bytes = chunk;
    if (!started) {
      const found = bytes.indexOf(newline);
      if (found !== -1) bytes = bytes.subarray(found + 1);
      at += chunk.length - (found === -1 ? 0 : bytes.length);
      if (at >= end) return;
      if (found === -1) continue;
      started = true;
      await sendStart(index, at, opened, out);
    }
    const last =
      end - 1 < at + bytes.length ? bytes.indexOf(newline, Math.max(0, end - 1 - at)) : -1;
    await out.bytes(last === -1 ? bytes : bytes.subarray(0, last + 1));
    if (last !== -1) return;
    at += bytes.length;
  }
}

/** Bytes from `from` on: at first to a little behind `end`, then as far as the caller reads. */
async function* bytesFrom(
  range: Range,
  from: number,
  opened: OpenInput,
): AsyncIterable<Uint8Array> {
  let at = from;
  let to = Math.min(range.sizeBytes, range.end + lookAheadBytes);
  while (at < range.sizeBytes) {
    yield* opened.read(at, to);
    at = to;
    to = Math.min(range.sizeBytes, to + lookFurtherBytes);
  }
}

/** The piece's true offset, and the first line of the file, which names the columns of CSV. */
async function sendStart(
  index: number,
  offset: number,
  opened: OpenInput,
  out: FrameSink,
): Promise<void> {
  const frames = [pieceFrame(index, offset)];
  const head = await firstLine(opened.read, offset);
  if (head !== null) frames.push(headFrame(head));
  await out.send(frames);
}

/** Writes frames and waits until the pipe has taken them: the task process sets the pace. */
class FrameSink {
  /** Read of the files as they are stored. */
  inputBytes = 0;
  #gathered: Uint8Array[] = [];
  #gatheredBytes = 0;
  readonly #sink: Writable;
  readonly #signal: AbortSignal;
  readonly #onRead: (inputBytes: number) => void;

  constructor(sink: Writable, { onRead, signal }: Pick<StreamOptions, "onRead" | "signal">) {
    this.#sink = sink;
    this.#signal = signal;
    this.#onRead = onRead ?? (() => {});
  }

  count(storedBytes: number): void {
    this.inputBytes += storedBytes;
    this.#onRead(this.inputBytes);
  }

  async bytes(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += frameMaxBytes) {
      this.#signal.throwIfAborted();
      const part = bytes.subarray(at, at + frameMaxBytes);
      this.count(part.length);
      await this.unfolded(part);
    }
  }

  /** Of a compressed file, whose bytes were counted when they were read. */
  async unfolded(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += frameMaxBytes) {
      this.#signal.throwIfAborted();
      const part = bytes.subarray(at, at + frameMaxBytes);
      await this.send([bytesHeader(part.length), part]);
    }
  }

  /** Frames that go with the next ones, once they are many; they must stay as they are. */
  async gather(frames: readonly Uint8Array[]): Promise<void> {
    for (const frame of frames) {
      this.#gathered.push(frame);
      this.#gatheredBytes += frame.length;
    }
    if (this.#gatheredBytes < gatherBytes) return;
    this.#signal.throwIfAborted();
    await this.send([]);
  }

  /** The frames may be overwritten when this resolves. */
  send(following: readonly Uint8Array[]): Promise<void> {
    let frames = following;
    if (this.#gathered.length > 0) {
      frames = [Buffer.concat(this.#gathered, this.#gatheredBytes), ...following];
      this.#gathered = [];
      this.#gatheredBytes = 0;
    }
    return new Promise((resolve, reject) => {
      const sink = this.#sink;
      const closed = () => {
        reject(new ClusterError("unavailable", "the task process closed its input"));
      };
      if (sink.destroyed || !sink.writable) return closed();
      sink.once("close", closed);
      sink.cork();
      frames.forEach((frame, i) => {
        const last = i === frames.length - 1;
        sink.write(frame, (error) => {
          if (error) closed();
          if (!last) return;
          sink.off("close", closed);
          resolve();
        });
      });
      sink.uncork();
    });
  }
}
