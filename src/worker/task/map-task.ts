/** Runs one map task: records of its pieces through the job's `map` into a sorted run, or into the
 *  final part. */
import { createHash } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { badCounter, linesCounter } from "../../core/bad-share.ts";
import { assert, ClusterError } from "../../core/error.ts";
import { Arena } from "../../wire/block/arena.ts";
import { type Key, readKey, writeKey } from "../../wire/block/key.ts";
import { decodeManifest } from "../../wire/block/manifest.ts";
import { type InputFile, keepsBad, type Plan } from "../../wire/block/plan.ts";
import { type PairFormat, pairFormat, rowText } from "../../wire/block/row.ts";
import { readValue, writeValue } from "../../wire/block/value.ts";
import type { Counters } from "../../wire/content/counters.ts";
import { TextSource } from "../input/text-source.ts";
import type { ByteSource, SourcePiece } from "../kernels/byte-source.ts";
import { RecordPosition } from "../kernels/lines.ts";
import { type Part, PartWriter } from "../kernels/output.ts";
import { pieceReader, wordsOf } from "../kernels/records.ts";
import { diskFailure } from "../kernels/run-file.ts";
import { EmitTable } from "../kernels/table.ts";
import type { WordTable } from "../kernels/words/word-table.ts";
import { type BadDone, BadRecords } from "./bad-records.ts";
import { InputLines, unitOf } from "./input-lines.ts";
import { combineOf, type Emit, type MapReduceJob, type Params, partitionOf } from "./job.ts";
import { type ReduceTask, runReduce } from "./reduce-task.ts";
import { isUserError, refusePromise, thrownBy } from "./thrown.ts";

export type MapTask = {
  readonly job: MapReduceJob;
  readonly plan: Plan;
  readonly params: Params;
  readonly task: number;
  readonly source: ByteSource;
  /** The output is `<out>.run` and `<out>.manifest`, or `<out>.part`; bad records in
   *  `<out>.bad`. */
  readonly out: string;
  /** Set while lines are counted. */
  readonly lines?: InputLines;
};

export type MapDone = Part &
  BadDone & {
    /** Lines of the input; counted only where a share of them may be bad. */
    readonly lines?: number;
  };

/** What a map task adds to the counters of its job. */
export function countInput(counters: Counters, { badRecords, lines }: MapDone): void {
  if (badRecords > 0) counters.add(badCounter, badRecords);
  if (lines !== undefined) counters.add(linesCounter, lines);
}

/** Where the pairs go, and what is left of them in the end. */
export interface Target {
  readonly emit: Emit;
  finish(): Part;
  /** After success or failure alike. */
  close(): void;
}

type Kernel = {
  readonly map?: (task: MapTask) => MapDone | null;
  readonly reduce?: (task: ReduceTask) => Part | null;
} | null;

/** Runs it by the kernel that does so, or as any other job; null = no kernel. */
export function runMapTask(task: MapTask, kernel: Kernel): MapDone {
  const { input } = inputOf(task);
  const isText = input?.format !== "records" && (input?.format !== "file" || input.as === "text");
  const isCounted = typeof task.job.options.badRecords === "object";
  const lines = isCounted ? new InputLines(unitOf(input)) : null;
  const text = isText ? new TextSource(task.source, task.plan.files, isStrict(task)) : task.source;
  const source = lines === null ? text : lines.counting(text);
  const given = lines === null ? { ...task, source } : { ...task, source, lines };
  const mapped = kernel?.map?.(given) ?? runMap(given);
  const done = task.plan.inOneTask === true ? reduceOwn(task, mapped, kernel) : mapped;
  return lines === null ? done : { ...done, lines: lines.finish() };
}

/** Makes the result of the task's own output, as a reduce task would that had fetched it. */
function reduceOwn({ job, params, out }: MapTask, mapped: MapDone, kernel: Kernel): MapDone {
  const [run, manifest] = [`${out}.run`, `${out}.manifest`];
  try {
    const own = decodeManifest(readFileSync(manifest)).at(0);
    assert(own !== undefined, "a task of one partition has left it");
    const segments = [{ path: run, offset: own.offset, sizeBytes: own.sizeBytes }];
    const reduce = { job, params, stage: 1, task: 0, segments, out };
    const { badRecordsPath, badRecords } = mapped;
    const part = kernel?.reduce?.(reduce) ?? runReduce(reduce);
    return { ...part, badRecordsPath, badRecords };
  } finally {
    rmSync(run, { force: true });
    rmSync(manifest, { force: true });
  }
}

/** Whether bytes that are not UTF-8 end the task. Lines that are sorted as they are may be any
 *  bytes; where bad records are kept, those who cut lines find them. */
function isStrict(task: MapTask): boolean {
  const { input } = inputOf(task);
  if (input === undefined || !("encoding" in input) || input.encoding !== "utf-8") return false;
  const apply = task.plan.operator?.apply;
  if (input.format === "lines" && apply?.operator === "sort") return false;
  return input.format === "words" || !keepsBad(task.job.options.badRecords);
}

/** `targetOf`: for kernels that bring their own. */
export function runMap(task: MapTask, targetOf = targetFor): MapDone {
  const bad = new BadRecords(task.job.options.badRecords ?? "fail", `${task.out}.bad`);
  const input = inputOf(task);
  const words = wordsOf(input.input);
  const target = targetOf(task, words);
  try {
    readAll({ task, input, emit: target.emit, bad, words });
    return { ...target.finish(), ...bad.finish() };
  } catch (error) {
    bad.discard();
    throw error;
  } finally {
    target.close();
  }
}

function targetFor(task: MapTask, words: WordTable | null): Target {
  return task.plan.reducers > 0 ? shuffleTarget(task, words) : partTarget(task);
}

export type Input = MapReduceJob["inputs"][string];

export function inputOf({ plan, job, task }: MapTask): Input {
  const split = plan.splits[task];
  const input = split && job.inputs[split.input];
  if (input !== undefined) return input;
  throw new ClusterError(
    "bad-request",
    `task ${task} reads input "${split?.input}", which the job does not have`,
  );
}

export type Reading = {
  readonly task: MapTask;
  readonly input: Input;
  readonly emit: Emit;
  readonly bad: BadRecords;
  readonly words: WordTable | null;
};

function readAll(reading: Reading): void {
  const { source } = reading.task;
  const read = readerOf(reading, source);
  for (let piece = source.nextPiece(); piece !== null; piece = source.nextPiece()) read(piece);
}

/** Reads a piece, which `source` is at, as any job does: its records go through `map`. */
export function readerOf(
  { task, input, emit, bad, words }: Reading,
  source: ByteSource,
): (piece: SourcePiece) => void {
  const { plan, job } = task;
  const position = new RecordPosition();
  const keep = keepsBad(job.options.badRecords);
  const record = recordRunner({
    task,
    map: input.map as unknown as MapRecord,
    emit,
    bad,
    position,
    keep,
  });
  const badText = (text: string, problem: string) => {
    const place = `${position.file}:${position.offset}`;
    const error = new ClusterError("user-error", `bad record at ${place}: ${problem}`);
    bad.add(position, text, error, true);
  };
  const sizeOf = (file: number) => {
    const { compression, sizeBytes } = plan.files[file] as InputFile;
    return compression === "none" ? sizeBytes : null;
  };
  const element = () => task.lines?.element();
  const options = { source, position, record, bad: badText, words, sizeOf, element };
  const read = pieceReader(input.input ?? { format: "lines" }, options);
  return (piece) => {
    position.file = (plan.files[piece.file] as InputFile).name;
    position.fixedOffset = piece.offset;
    read(piece);
  };
}

type MapRecord = (record: unknown, emit: Emit, context: object) => unknown;

type RunnerOptions = {
  readonly task: MapTask;
  readonly map: MapRecord;
  readonly emit: Emit;
  readonly bad: BadRecords;
  readonly position: RecordPosition;
  readonly keep: boolean;
};

/** One context for all records: `map` must not keep it, and nothing is allocated for it. */
function recordRunner(options: RunnerOptions): (record: unknown) => void {
  const { task, map, bad, position, keep } = options;
  const isFinal = task.plan.reducers === 0;
  const pending = new PendingPairs(isFinal ? pairFormat(task.job.options.output) : null);
  const isOperator = task.plan.operator !== undefined;
  const emit = keep ? pending.emit : options.emit;
  const context = {
    params: task.params,
    get file() {
      return position.file;
    },
    get offset() {
      return position.offset;
    },
  };
  return (record) => {
    try {
      const returned = map(record, emit, context);
      if (returned !== undefined) refusePromise("map", returned);
    } catch (thrown) {
      pending.clear();
      const error = thrownBy("map", thrown, `the record at ${position.file}:${position.offset}`);
      if (!isUserError(error)) throw error;
      bad.add(position, record, error, isOperator);
      return;
    }
    if (keep) pending.flush(options.emit);
  };
}

/** Pairs of one record, held back until `map` has returned: a record set aside has emitted
 *  nothing. */
class PendingPairs {
  #keys: Key[] = [];
  #values: unknown[] = [];
  readonly #scratch = new Arena(256);
  readonly #output: PairFormat | null;

  /** `output`: of pairs that are not shuffled, and so must fit that format; else null. */
  constructor(output: PairFormat | null) {
    this.#output = output;
  }

  readonly emit: Emit = (key, value) => {
    const scratch = this.#scratch;
    scratch.length = 0;
    writeKey(scratch, key, "map");
    const keyEnd = scratch.length;
    // What cannot be written sets its record aside, too.
    if (this.#output !== null) rowText(this.#output, key, value, "map");
    writeValue(scratch, value, "map");
    const copied = typeof key === "object" ? readKey(scratch.bytes, 0, keyEnd) : key;
    this.#keys.push(copied);
    const plain = typeof value !== "object" || value === null;
    this.#values.push(plain ? value : readValue(scratch.bytes, keyEnd, scratch.length));
  };

  clear(): void {
    this.#keys.length = 0;
    this.#values.length = 0;
  }

  flush(emit: Emit): void {
    for (let i = 0; i < this.#keys.length; i++) emit(this.#keys[i] as Key, this.#values[i]);
    this.clear();
  }
}

function shuffleTarget({ job, plan, out }: MapTask, words: WordTable | null): Target {
  const table = new EmitTable({
    partitionCount: plan.reducers,
    spillBytes: plan.spillBytes,
    combine: combineOf(job),
    partition: partitionOf(job),
    descending: job.options.sort === "descending",
    path: `${out}.run`,
    words,
  });
  return {
    emit: table.emit,
    finish() {
      return storeManifest(out, table.finish());
    },
    close: () => table.close(),
  };
}

/** Writes the manifest of a run that is written, and says what there is. */
export function storeManifest(out: string, manifest: Uint8Array): Part {
  const path = `${out}.manifest`;
  try {
    writeFileSync(path, manifest, { mode: 0o600 });
  } catch (error) {
    throw diskFailure(error, path);
  }
  const { sizeBytes, records } = decodeManifest(manifest);
  return { sizeBytes, records, root: createHash("sha256").update(manifest).digest("hex") };
}

/** Without reducers the pairs are written as they are emitted; `combine` has nothing to do. */
function partTarget({ job, out }: MapTask): Target {
  const part = new PartWriter(`${out}.part`, pairFormat(job.options.output));
  const scratch = new Arena(64);
  let finished = false;
  return {
    emit(key, value) {
      if (typeof key !== "string") {
        scratch.length = 0;
        writeKey(scratch, key, "map");
      }
      part.row(key, value, "map");
    },
    finish() {
      const done = part.finish();
      finished = true;
      return done;
    },
    close() {
      if (!finished) part.discard();
    },
  };
}
