/** Runs one reduce task: merges its partition of every map output and writes the final part, as a
 *  stream. */
import { crc32 } from "node:zlib";
import { ClusterError } from "../../core/error.ts";
import { checkKey, type Key, readKey } from "../../wire/block/key.ts";
import { pairFormat } from "../../wire/block/row.ts";
import { type RunReader, RunWriter } from "../../wire/block/run.ts";
import {
  type Combine,
  currentValue,
  type Fold,
  foldKey,
  Merge,
  mergeIntoRun,
} from "../kernels/merge.ts";
import { type Part, PartWriter } from "../kernels/output.ts";
import { FileSink, type Segment, SegmentFiles } from "../kernels/run-file.ts";
import { combineOf, type Emit, type MapReduceJob, type Params } from "./job.ts";
import { mergeBytesOf } from "./memory.ts";
import { refusePromise, thrownBy } from "./thrown.ts";

export type ReduceTask = {
  readonly job: MapReduceJob;
  readonly params: Params;
  /** Of the job, from 1; default 1. */
  readonly stage?: number;
  /** Index of the partition. */
  readonly task: number;
  /** In the order of the map tasks. */
  readonly segments: readonly Segment[];
  /** The output is `<out>.part`; intermediate merges lie beside it. */
  readonly out: string;
  /** For all that the task holds; undefined = as much as is useful. */
  readonly memoryBytes?: number | undefined;
};

/** Runs merged at once: each is a file and a block in memory. */
const mergeMaxRuns = 256;
/** Memory for the blocks of the runs that are merged at once. */
const mergeMaxBytes = 64 * 1024 * 1024;

/** Where the rows of the result go. */
export type RowWriter = Pick<PartWriter, "row" | "finish" | "discard">;

/** `part`: for kernels that bring their own. */
export function runReduce(task: ReduceTask, part: RowWriter = partOf(task)): Part {
  const files = new SegmentFiles();
  const made: FileSink[] = [];
  try {
    const runs = fewRuns(task, files, made);
    if (runs.length > 0) writeGroups(task, new Merge(runs, isDescending(task)), part);
    else
      for (const [key, value] of task.job.options.ofNothing ?? []) part.row(key, value, "reduce");
    return part.finish();
  } catch (error) {
    part.discard();
    throw error;
  } finally {
    files.close();
    for (const sink of made) sink.discard();
  }
}

function partOf({ job, out }: ReduceTask): PartWriter {
  return new PartWriter(`${out}.part`, pairFormat(job.options.output));
}

function isDescending({ job }: ReduceTask): boolean {
  return job.options.sort === "descending";
}

/** Opens the segments; while they are too many or too large for one merge, neighbours are merged
 *  into files. */
function fewRuns(task: ReduceTask, files: SegmentFiles, made: FileSink[]): readonly RunReader[] {
  const blocksMaxBytes = mergeBytesOf(task.memoryBytes, mergeMaxBytes);
  let segments = task.segments.filter(({ sizeBytes }) => sizeBytes > 0);
  for (;;) {
    const merged: Segment[] = [];
    let runs: RunReader[] = [];
    let blockBytes = 0;
    for (const segment of segments) {
      const run = files.reader(segment);
      const full = runs.length >= mergeMaxRuns || blockBytes + run.blockBytes > blocksMaxBytes;
      if (full && runs.length >= 2) {
        merged.push(mergedFile(task, runs, made));
        runs = [];
        blockBytes = 0;
      }
      runs.push(run);
      blockBytes += run.blockBytes;
    }
    if (merged.length === 0) return runs;
    if (runs.length > 0) merged.push(mergedFile(task, runs, made));
    files.close();
    segments = merged;
  }
}

function mergedFile(task: ReduceTask, runs: readonly RunReader[], made: FileSink[]): Segment {
  const sink = new FileSink(`${task.out}.merge-${made.length}`);
  made.push(sink);
  const writer = new RunWriter((bytes) => sink.write(bytes), crc32);
  mergeIntoRun(new Merge(runs, isDescending(task)), combineOf(task.job), writer);
  writer.finish();
  sink.close();
  return { path: sink.path, offset: 0, sizeBytes: writer.sizeBytes };
}

/** With `combine`, a key has exactly one value by now, however the input was split; `reduce` sees
 *  that one. */
function writeGroups(task: ReduceTask, merge: Merge, part: RowWriter): void {
  const { reduce } = task.job.options;
  const combine = combineOf(task.job);
  const key = () => readKey(merge.key, 0, merge.keyLength);
  if (reduce !== undefined) {
    reduceGroups(task, merge, part);
  } else if (combine === null) {
    while (merge.next()) part.row(key(), currentValue(merge), "map");
  } else {
    const fold: Fold = { value: undefined, more: merge.next() };
    while (fold.more) {
      const of = key();
      foldKey(merge, combine, fold);
      part.row(of, fold.value, "combine");
    }
  }
}

type Reduce = (key: Key, values: Iterable<unknown>, context: object) => unknown;

function reduceGroups(task: ReduceTask, merge: Merge, part: RowWriter): void {
  const reduce = task.job.options.reduce as unknown as Reduce;
  const combine = combineOf(task.job);
  const context = {
    params: task.params,
    partition: task.task,
    emit: ((key, value) => {
      if (typeof key !== "string") checkKey(key, "reduce");
      part.row(key, value, "reduce");
    }) satisfies Emit,
  };
  let more = merge.next();
  while (more) {
    const key = readKey(merge.key, 0, merge.keyLength);
    const values = combine === null ? new GroupValues(merge) : new FoldedValues(merge, combine);
    try {
      const returned = reduce(key, values, context);
      if (typeof returned === "object") refusePromise("reduce", returned);
      if (returned !== undefined) part.row(key, returned, "reduce");
    } catch (thrown) {
      throw thrownBy("reduce", thrown, `key ${shownKey(key)}`);
    }
    more = values.finish();
  }
}

export function shownKey(key: Key): string {
  const text = JSON.stringify(key) ?? String(key);
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

/** The values of one key, read from the runs as `reduce` asks for them; never all in memory. */
class GroupValues implements IterableIterator<unknown> {
  readonly #merge: Merge;
  /** first: none read yet · next: some read · over: the merge is past this key, or ended. */
  #state: "first" | "next" | "over" = "first";
  #more = false;
  #started = false;

  constructor(merge: Merge) {
    this.#merge = merge;
  }

  [Symbol.iterator](): this {
    if (this.#started) throw readOnce();
    this.#started = true;
    return this;
  }

  next(): IteratorResult<unknown> {
    if (this.#state === "first") this.#state = "next";
    else if (this.#state === "next") this.#advance();
    if (this.#state === "over") return { done: true, value: undefined };
    return { done: false, value: currentValue(this.#merge) };
  }

  /** Skips what was not read; whether there is a further key. */
  finish(): boolean {
    while (this.#state !== "over") this.#advance();
    return this.#more;
  }

  #advance(): void {
    this.#more = this.#merge.next();
    if (!this.#more || this.#merge.fresh) this.#state = "over";
  }
}

/** The one value that `combine` makes of all. */
class FoldedValues implements Iterable<unknown> {
  readonly #fold: Fold = { value: undefined, more: false };
  #started = false;

  constructor(merge: Merge, combine: Combine) {
    foldKey(merge, combine, this.#fold);
  }

  [Symbol.iterator](): Iterator<unknown> {
    if (this.#started) throw readOnce();
    this.#started = true;
    return [this.#fold.value].values();
  }

  finish(): boolean {
    return this.#fold.more;
  }
}

function readOnce(): ClusterError {
  return new ClusterError(
    "user-error",
    "values can be read only once; copy them with [...values] when they fit in memory",
  );
}
