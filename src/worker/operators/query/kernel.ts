/** Queries as tasks: rows go through the steps up to the next shuffle, in the task that reads the
 *  input and in each that has shuffled rows.
 *
 *  A shuffle with one partition that follows another with one needs no other task: it is done in
 *  the same one, by way of a file. */
import { rmSync } from "node:fs";
import { ClusterError } from "../../../core/error.ts";
import { Arena } from "../../../wire/block/arena.ts";
import { type Key, writeKey } from "../../../wire/block/key.ts";
import { partitionOf } from "../../../wire/block/partition.ts";
import type { FormatSpec, OperatorSpec } from "../../../wire/block/plan.ts";
import {
  columnsAfter,
  isInline,
  isShuffle,
  type QuerySpec,
  type ShuffleStep,
  stageShuffles,
} from "../../../wire/block/query.ts";
import type { Part } from "../../kernels/output.ts";
import type { Segment } from "../../kernels/run-file.ts";
import { EmitTable } from "../../kernels/table.ts";
import type { Emit, MapReduceJob } from "../../task/job.ts";
import {
  type MapDone,
  type MapTask,
  runMap,
  storeManifest,
  type Target,
} from "../../task/map-task.ts";
import { mergeBytesOf } from "../../task/memory.ts";
import { type ReduceTask, runReduce } from "../../task/reduce-task.ts";
import { mapKeptRows } from "../groups/first-rows.ts";
import { wantedByProgram } from "../groups/group-by.ts";
import { mapGroups } from "../groups/map-groups.ts";
import { jobOf, type OperatorKernel } from "../operator.ts";
import { programOf } from "./compile.ts";
import { evaluator } from "./expression.ts";
import { FirstPairs } from "./first-pairs.ts";
import { groupShuffle } from "./group.ts";
import { firstShuffle, sortShuffle } from "./order.ts";
import { PreGroups } from "./pre-groups.ts";
import type { Shuffle } from "./shuffle.ts";
import { TableWriter } from "./table-writer.ts";
import { type Row, truthOf } from "./values.ts";

type Put = (row: Row) => void;

/** The steps between two shuffles, and the shuffle that follows; null = the rows are the result. */
type Leg = {
  readonly steps: (put: Put) => Put;
  readonly shuffle: Shuffle | null;
  /** Of the rows behind the steps. */
  readonly columns: readonly string[];
};

/** A reduce task may hold so much of what it sends on. */
const spillBytes = 48 * 1024 * 1024;

export function queryKernel(operator: OperatorSpec, spec: QuerySpec): OperatorKernel {
  const plain = plainQueryKernel(operator, spec);
  const program = programOf(spec, operator.inputs.default as FormatSpec);
  if (program === null) return plain;
  const wanted = wantedByProgram(program);
  const targetOf = plain.targetOf;
  const map = (task: MapTask) => {
    if (program.group !== null) return mapGroups(task, wanted);
    let target: Target | null = null;
    try {
      return mapKeptRows(task, wanted, () => {
        target = targetOf(task);
        return target;
      });
    } finally {
      (target as Target | null)?.close();
    }
  };
  return { ...plain, map: (task) => map(task) ?? plain.map(task) };
}

type PlainKernel = OperatorKernel & {
  map(task: MapTask): MapDone;
  /** Where the pairs of the input go. */
  targetOf(task: MapTask): Target;
};

/** All by functions: what a kernel must equal. */
export function plainQueryKernel(operator: OperatorSpec, spec: QuerySpec): PlainKernel {
  const query = new Query(operator, spec);
  const targetOf = (task: MapTask) => query.mapTarget(task);
  return {
    job: query.job,
    targetOf,
    map: (task) => runMap(task, () => targetOf(task)),
    reduce: (task) => query.reduce(task),
  };
}

class Query {
  readonly job: MapReduceJob;
  readonly #operator: OperatorSpec;
  readonly #spec: QuerySpec;
  readonly #legs: readonly Leg[];

  constructor(operator: OperatorSpec, spec: QuerySpec) {
    this.#operator = operator;
    this.#spec = spec;
    this.#legs = legsOf(spec);
    const [first] = this.#legs as [Leg, ...Leg[]];
    const rowOf = rowReader(operator.inputs.default as FormatSpec, spec);
    let emit: Emit = () => {};
    const { shuffle } = first;
    const put = first.steps((row) =>
      shuffle === null ? emit(null, row) : shuffle.emit(row, emit),
    );
    const map = (record: never, to: Emit) => {
      emit = to;
      put(rowOf(record));
    };
    this.job = jobOf(operator, () => map as never, optionsOf(shuffle));
  }

  /** Where the pairs of the input go. */
  mapTarget(task: MapTask): Target {
    const { plan, out } = task;
    const [first] = this.#legs as [Leg, ...Leg[]];
    if (first.shuffle === null) return this.#rowTarget(out);
    const partitionCount = plan.reducers;
    return shuffleTarget(first.shuffle, { out, partitionCount, spillBytes: plan.spillBytes });
  }

  #rowTarget(out: string): Target {
    const writer = this.#writer(out);
    let isFinished = false;
    return {
      emit: (_, row) => writer.add(row as Row),
      finish() {
        const part = writer.finish();
        isFinished = true;
        return part;
      },
      close() {
        if (!isFinished) writer.discard();
      },
    };
  }

  #writer(out: string): TableWriter {
    const { columns } = this.#legs.at(-1) as Leg;
    return new TableWriter(`${out}.part`, this.#operator.output, columns);
  }

  /** A task of a stage: gathers its shuffle, and those behind it that need no other task. */
  reduce(task: ReduceTask): Part {
    return this.#gather(task, stageShuffles(this.#spec)[(task.stage ?? 1) - 1] ?? -1);
  }

  #gather(task: ReduceTask, at: number): Part {
    const shuffle = this.#legs[at]?.shuffle ?? null;
    const next = this.#legs[at + 1] as Leg;
    if (shuffle === null) throw new ClusterError("bad-request", "the query has no such stage");
    const sink = this.#sink(task, at + 1);
    const gathering = shuffle.gather(next.steps(sink.put));
    const writer = {
      row: (key: Key, value: unknown) => gathering.pair(key, value),
      finish() {
        gathering.end();
        return sink.finish();
      },
      discard: () => sink.discard(),
    };
    const { combine } = shuffle;
    const { combine: _, ...others } = this.job.options;
    const options = combine === null ? others : { ...others, combine: combine as never };
    return runReduce({ ...task, job: { ...this.job, options } }, writer);
  }

  /** Where the rows go that come out of shuffle `at` − 1. */
  #sink(task: ReduceTask, at: number): Sink {
    const { shuffle } = this.#legs[at] as Leg;
    if (shuffle === null) {
      const writer = this.#writer(task.out);
      return {
        put: (row) => writer.add(row),
        finish: () => writer.finish(),
        discard: () => writer.discard(),
      };
    }
    const isOwn = isInline(this.#spec, at);
    const out = isOwn ? `${task.out}.inline-${at}` : task.out;
    const target = shuffleTarget(shuffle, {
      out,
      partitionCount: this.#spec.reducers[at] ?? 1,
      spillBytes: mergeBytesOf(task.memoryBytes, spillBytes),
    });
    return {
      put: (row) => shuffle.emit(row, target.emit),
      finish: () => {
        const part = target.finish();
        target.close();
        return isOwn
          ? this.#again(task, at, { path: `${out}.run`, sizeBytes: part.sizeBytes })
          : part;
      },
      discard: () => target.close(),
    };
  }

  /** Gathers what this task itself has shuffled. */
  #again(task: ReduceTask, at: number, run: Pick<Segment, "path" | "sizeBytes">): Part {
    try {
      return this.#gather({ ...task, segments: [{ ...run, offset: 0 }] }, at);
    } finally {
      rmSync(run.path, { force: true });
      rmSync(run.path.replace(/run$/, "manifest"), { force: true });
    }
  }
}

type Sink = {
  readonly put: Put;
  finish(): Part;
  discard(): void;
};

function optionsOf(
  shuffle: Shuffle | null,
): Pick<MapReduceJob["options"], "combine" | "partition"> {
  if (shuffle === null) return {};
  const { combine, partitionKey } = shuffle;
  return {
    ...(combine === null ? {} : { combine: combine as never }),
    ...(partitionKey === undefined ? {} : { partition: partitionBy(partitionKey) as never }),
  };
}

function partitionBy(keyOf: (key: Key) => Key): (key: Key, count: number) => number {
  const scratch = new Arena(64);
  return (key, count) => {
    scratch.length = 0;
    writeKey(scratch, keyOf(key), "a query");
    return partitionOf(scratch.view(), count);
  };
}

type TargetOptions = {
  readonly out: string;
  readonly partitionCount: number;
  readonly spillBytes: number;
};

function shuffleTarget(
  shuffle: Shuffle,
  { out, partitionCount, spillBytes }: TargetOptions,
): Target {
  const { combine, partitionKey, rowsMax } = shuffle;
  const table = new EmitTable({
    partitionCount,
    spillBytes,
    combine,
    partition: partitionKey === undefined ? null : partitionBy(partitionKey),
    descending: false,
    path: `${out}.run`,
  });
  const first = rowsMax === null ? null : new FirstPairs(rowsMax, table.emit);
  const early = shuffle.mergesEarly;
  const groups =
    early === undefined || combine === null
      ? null
      : new PreGroups(combine, table.emit, early.hasSketches);
  return {
    emit(key, value) {
      if (groups !== null) groups.add(key, value);
      else if (first !== null) first.add(key as string, value);
      else table.emit(key, value);
    },
    finish() {
      groups?.flush();
      first?.finish();
      return storeManifest(out, table.finish());
    },
    close: () => table.close(),
  };
}

function legsOf({ columns: ofSource, steps }: QuerySpec): readonly Leg[] {
  const legs: Leg[] = [];
  let columns = ofSource;
  let chain: Array<(put: Put) => Put> = [];
  const end = (shuffle: Shuffle | null) => {
    const own = chain;
    const steps = (put: Put) => own.reduceRight((next, step) => step(next), put);
    legs.push({ steps, shuffle, columns });
    chain = [];
  };
  for (const step of steps) {
    if (isShuffle(step)) end(shuffleOf(step, columns, legs.length > 0));
    else chain.push(rowStep(step, columns));
    columns = columnsAfter(step, columns);
  }
  end(null);
  return legs;
}

function shuffleOf(step: ShuffleStep, columns: readonly string[], isLater: boolean): Shuffle {
  switch (step.step) {
    case "group":
      return groupShuffle(step, columns);
    case "sort":
      return sortShuffle(step, columns, isLater);
    case "first":
      return firstShuffle(step, columns, isLater);
  }
}

function rowStep(
  step: Exclude<QuerySpec["steps"][number], ShuffleStep>,
  columns: readonly string[],
): (put: Put) => Put {
  if (step.step === "where") {
    const test = evaluator(step.test, columns);
    return (put) => (row) => {
      if (truthOf(test(row)) === true) put(row);
    };
  }
  const values = step.columns.map(({ value }) => evaluator(value, columns));
  return (put) => (row) => put(values.map((value) => value(row)));
}

/** A record as the row of its columns. */
function rowReader(format: FormatSpec, spec: QuerySpec): (record: unknown) => Row {
  const { columns } = spec;
  const isNull = format.format === "csv" && spec.emptyIsNull;
  return (record) => {
    if (typeof record === "string") return [record];
    const fields = record as Readonly<Record<string, unknown>>;
    return columns.map((column) => {
      const cell = fields[column];
      return cell === undefined || (isNull && cell === "") ? null : cell;
    });
  };
}
