/** The operator that sorts, as kernels of its map and its reduce task.
 *
 *  Lines and records of one size stay bytes all the way. Of other formats records are read as for
 *  any job, and framed: their encoded key, and the text that is written of them. */
import { createHash } from "node:crypto";
import { ClusterError } from "../../core/error.ts";
import { Arena } from "../../wire/block/arena.ts";
import { type Key, sortKeyMaxBytes, writeKey } from "../../wire/block/key.ts";
import type { FormatSpec, InputFile, OperatorSpec, SortSpec } from "../../wire/block/plan.ts";
import { halfCharacter } from "../../wire/block/refusal.ts";
import type { Part } from "../kernels/output.ts";
import { BlockFile } from "../kernels/run-file.ts";
import { type Ordering, type Shape, SortKernel } from "../kernels/sorting/kernel.ts";
import { mergeSegments } from "../kernels/sorting/merging.ts";
import { headOf, rowOf, sortKeyOf } from "../kernels/sorting/rows.ts";
import { Sorter } from "../kernels/sorting/sorter.ts";
import {
  type MapDone,
  type MapTask,
  runMap,
  storeManifest,
  type Target,
} from "../task/map-task.ts";
import { mergeBytesOf } from "../task/memory.ts";
import type { ReduceTask } from "../task/reduce-task.ts";
import { framingOf } from "./framing.ts";
import { mapFirstRows, mapKeptRows } from "./groups/first-rows.ts";
import type { WantedRows } from "./groups/group-by.ts";
import { jobOf, type OperatorKernel } from "./operator.ts";

/** For the buffers of a reduce task, at most. */
const mergeMaxBytes = 48 * 1024 * 1024;
const newline = 10;
const carriageReturn = 13;

export function sortKernel(operator: OperatorSpec, apply: SortSpec): OperatorKernel {
  const format = operator.inputs.default ?? { format: "lines" };
  const shape = shapeOf(format, apply);
  const { unique, limit } = apply;
  const ordering = { shape, descending: apply.order === "descending", unique, limit };
  const keyOf = sortKeyOf(apply);
  const row = rowOf(operator);
  const map = (record: never, emit: (key: Key, value: string) => void) => {
    emit(keyOf(record), row(record));
  };
  // Of equal keys the first are kept, and which they are can be known before anything is sorted.
  const firstOf = unique && !apply.numeric ? apply.by : [];
  const framing = framingOf(operator, apply);
  const splitters = apply.splitters.map((splitter) => Buffer.from(splitter, "base64"));
  return {
    job: jobOf(operator, () => map),
    map: (task) => mapTask(task, { ordering, splitters, firstOf, framing }),
    reduce: (task) => reduceTask(task, ordering, headOf(operator)),
  };
}

function shapeOf(format: FormatSpec, { by }: SortSpec): Shape {
  if (format.format === "records") {
    return { kind: "fixed", recordBytes: format.sizeBytes, key: format.key };
  }
  const isRaw = by.length === 0 && format.format === "lines";
  return isRaw ? { kind: "lines" } : { kind: "framed" };
}

type Sorting = {
  readonly ordering: Ordering;
  readonly splitters: readonly Uint8Array[];
  /** Columns of which only the first of equal rows are sorted; none = all rows are. */
  readonly firstOf: readonly string[];
  /** Makes frames of rows; null = functions do. */
  readonly framing: WantedRows | null;
};

function mapTask(task: MapTask, { ordering, splitters, firstOf, framing }: Sorting): MapDone {
  const path = `${task.out}.run`;
  const memoryBytes = task.plan.spillBytes;
  const sorter = new Sorter({ ordering, splitters, memoryBytes, path });
  let isFinished = false;
  const finish = () => {
    const part = storeManifest(task.out, sorter.finish());
    isFinished = true;
    return part;
  };
  try {
    if (ordering.shape.kind !== "framed") {
      readBytes(task, sorter, ordering);
      return { ...finish(), badRecordsPath: null, badRecords: 0 };
    }
    const emit = framer(sorter);
    if (framing !== null) {
      const framed = mapKeptRows(task, framing, () => ({ emit, finish, frames: adder(sorter) }));
      if (framed !== null) return framed;
    }
    const first = firstOf.length > 0 ? mapFirstRows(task, firstOf, { emit, finish }) : null;
    if (first !== null) return first;
    return runMap(task, (): Target => ({ emit, finish, close: () => {} }));
  } finally {
    sorter.close(isFinished);
  }
}

function readBytes(task: MapTask, sorter: Sorter, { shape, unique }: Ordering): void {
  const { source, plan } = task;
  // Lines are equal whatever their ends are.
  const ends = shape.kind === "lines" && unique ? new LineEnds() : null;
  for (let piece = source.nextPiece(); piece !== null; piece = source.nextPiece()) {
    let sizeBytes = 0;
    if (shape.kind === "lines" && piece.offset === 0) readStart(task, sorter, ends);
    for (;;) {
      const room = sorter.room();
      const count = source.read(ends === null ? room : room.subarray(0, -1), 0);
      if (count === 0) break;
      sorter.added(ends === null ? count : ends.take(room, count));
      sizeBytes += count;
    }
    if (ends?.isPending === true) sorter.added(ends.put(sorter.room()));
    if (shape.kind === "lines") endLine(sorter);
    else if (shape.kind === "fixed" && sizeBytes % shape.recordBytes !== 0) {
      const { name } = plan.files[piece.file] as InputFile;
      const text = `${name}: its bytes are no whole records of ${shape.recordBytes} bytes`;
      throw new ClusterError("user-error", text, { isFinal: true });
    }
  }
}

/** A byte order mark that opens a file is no part of its first line. */
function readStart({ source }: MapTask, sorter: Sorter, ends: LineEnds | null): void {
  const start = Buffer.alloc(3);
  let filled = 0;
  while (filled < start.length) {
    const count = source.read(start, filled);
    if (count === 0) break;
    filled += count;
  }
  if (start.equals(Buffer.of(0xef, 0xbb, 0xbf))) return;
  const room = sorter.room(start.length + 1);
  room.set(start.subarray(0, filled));
  sorter.added(ends === null ? filled : ends.take(room, filled));
}

/** Leaves out the returns before newlines. */
class LineEnds {
  /** A return came last, and its newline may follow. */
  isPending = false;

  /** Of the bytes [0, count) of `room`, which has one byte more, what is left. */
  take(room: Uint8Array, count: number): number {
    const bytes = room.subarray(0, count);
    const searched = Buffer.from(bytes.buffer, bytes.byteOffset, count);
    if (!this.isPending && !searched.includes(carriageReturn)) return count;
    const given = bytes.slice();
    let to = 0;
    if (this.isPending && given[0] !== newline) room[to++] = carriageReturn;
    this.isPending = given.at(-1) === carriageReturn;
    for (let i = 0; i < count; i++) {
      const byte = given[i] as number;
      if (byte === carriageReturn && (i === count - 1 || given[i + 1] === newline)) continue;
      room[to++] = byte;
    }
    return to;
  }

  put(room: Uint8Array): number {
    this.isPending = false;
    room[0] = carriageReturn;
    return 1;
  }
}

/** The last line of a file may have no newline. */
function endLine(sorter: Sorter): void {
  if (sorter.last === -1 || sorter.last === newline) return;
  sorter.room()[0] = newline;
  sorter.added(1);
}

/** Adds bytes, as many at a time as there is room for. */
function adder(sorter: Sorter): (bytes: Uint8Array) => void {
  return (bytes) => {
    for (let at = 0; at < bytes.length; ) {
      const room = sorter.room();
      const part = bytes.subarray(at, at + room.length);
      room.set(part);
      sorter.added(part.length);
      at += part.length;
    }
  };
}

function framer(sorter: Sorter): (key: Key, value: unknown) => void {
  const encoded = new Arena(256);
  const utf8 = new TextEncoder();
  return (key, value) => {
    const text = value as string;
    if (!text.isWellFormed()) throw halfCharacter();
    encoded.length = 0;
    writeKey(encoded, key, "sort", sortKeyMaxBytes);
    const keyBytes = encoded.length;
    const frame = sorter.room(8 + keyBytes + 3 * text.length);
    frame.set(encoded.view(), 8);
    const { written } = utf8.encodeInto(text, frame.subarray(8 + keyBytes));
    const lengths = new DataView(frame.buffer, frame.byteOffset, 8);
    lengths.setUint32(0, keyBytes, true);
    lengths.setUint32(4, written, true);
    sorter.added(8 + keyBytes + written);
  };
}

function reduceTask(task: ReduceTask, ordering: Ordering, head: Uint8Array): Part {
  const file = new BlockFile(`${task.out}.part`);
  const hash = createHash("sha256");
  let records = 0;
  const put = (bytes: Uint8Array) => {
    hash.update(bytes);
    file.write(bytes);
  };
  const kernel = SortKernel.take(ordering);
  const strip = ordering.shape.kind === "framed";
  const memoryBytes = mergeBytesOf(task.memoryBytes, mergeMaxBytes);
  const merging = { kernel, ordering, memoryBytes, path: task.out, strip };
  try {
    mergeSegments(task.segments, merging, {
      write(bytes, count) {
        if (records === 0) put(head);
        records += count;
        put(bytes);
      },
    });
    file.close();
    return { sizeBytes: file.sizeBytes, records, root: hash.digest("hex") };
  } catch (error) {
    file.discard();
    throw error;
  }
}
