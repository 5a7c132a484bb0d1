/** The operator that sorts, as kernels of its map and its reduce task.
 *
 *  Lines and records of one size stay bytes all the way. Of other formats records are read as for
 *  any job, and framed: their encoded key, and the text that is written of them. */
import { createHash } from "node:crypto";
import { ClusterError } from "../../core/error.ts";
import { Arena } from "../../wire/block/arena.ts";
import { type Key, writeKey } from "../../wire/block/key.ts";
import type { FormatSpec, InputFile, OperatorSpec, SortSpec } from "../../wire/block/plan.ts";
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
import { mapFirstRows } from "./groups/first-rows.ts";
import { jobOf, type OperatorKernel } from "./operator.ts";

/** For the buffers of a reduce task, at most. */
const mergeMaxBytes = 48 * 1024 * 1024;
const newline = 10;

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
  const splitters = apply.splitters.map((splitter) => Buffer.from(splitter, "base64"));
  return {
    job: jobOf(operator, () => map),
    map: (task) => mapTask(task, { ordering, splitters, firstOf }),
    reduce: (task) => reduceTask(task, ordering, headOf(operator)),
  };
}

function shapeOf(format: FormatSpec, { by }: SortSpec): Shape {
  if (format.format === "records") {
    return { kind: "fixed", recordBytes: format.sizeBytes, key: format.key };
  }
  return by.length === 0 && format.format === "lines" ? { kind: "lines" } : { kind: "framed" };
}

type Sorting = {
  readonly ordering: Ordering;
  readonly splitters: readonly Uint8Array[];
  /** Columns of which only the first of equal rows are sorted; none = all rows are. */
  readonly firstOf: readonly string[];
};

function mapTask(task: MapTask, { ordering, splitters, firstOf }: Sorting): MapDone {
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
      readBytes(task, sorter, ordering.shape);
      return { ...finish(), badRecordsPath: null };
    }
    const emit = framer(sorter);
    const first = firstOf.length > 0 ? mapFirstRows(task, firstOf, { emit, finish }) : null;
    if (first !== null) return first;
    return runMap(task, (): Target => ({ emit, finish, close: () => {} }));
  } finally {
    sorter.close(isFinished);
  }
}

function readBytes(task: MapTask, sorter: Sorter, shape: Shape): void {
  const { source, plan } = task;
  for (let piece = source.nextPiece(); piece !== null; piece = source.nextPiece()) {
    let sizeBytes = 0;
    if (shape.kind === "lines" && piece.offset === 0) readStart(task, sorter);
    for (;;) {
      const count = source.read(sorter.room(), 0);
      if (count === 0) break;
      sorter.added(count);
      sizeBytes += count;
    }
    if (shape.kind === "lines") endLine(sorter);
    else if (shape.kind === "fixed" && sizeBytes % shape.recordBytes !== 0) {
      const { name } = plan.files[piece.file] as InputFile;
      const text = `${name}: its bytes are no whole records of ${shape.recordBytes} bytes`;
      throw new ClusterError("user-error", text, { isFinal: true });
    }
  }
}

/** A byte order mark that opens a file is no part of its first line. */
function readStart({ source }: MapTask, sorter: Sorter): void {
  const start = Buffer.alloc(3);
  let filled = 0;
  while (filled < start.length) {
    const count = source.read(start, filled);
    if (count === 0) break;
    filled += count;
  }
  if (start.equals(Buffer.of(0xef, 0xbb, 0xbf))) return;
  sorter.room(start.length).set(start.subarray(0, filled));
  sorter.added(filled);
}

/** The last line of a file may have no newline. */
function endLine(sorter: Sorter): void {
  if (sorter.last === -1 || sorter.last === newline) return;
  sorter.room()[0] = newline;
  sorter.added(1);
}

function framer(sorter: Sorter): (key: Key, value: unknown) => void {
  const encoded = new Arena(256);
  const utf8 = new TextEncoder();
  return (key, value) => {
    const text = value as string;
    encoded.length = 0;
    writeKey(encoded, key, "sort");
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
