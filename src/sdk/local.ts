/** The judge: runs a planned job in this process, one task after the other, with the simplest code
 *  that can be right. Every test of the cluster compares its output with this one's. */
import { readFileSync } from "node:fs";
import { ClusterError } from "../core/error.ts";
import type { JobEnvironment } from "../core/job.ts";
import { harmless, withoutPlaces } from "../core/thrown.ts";
import { restoreEngine, surround, useEnvironment } from "../environment/install.ts";
import { Strayed } from "../environment/strays.ts";
import { jobTexts } from "../environment/thrown.ts";
import { compareBytes } from "../wire/block/arena.ts";
import { keyMaxBytes, sortKeyMaxBytes } from "../wire/block/key.ts";
import { checkedPartition, partitionOf } from "../wire/block/partition.ts";
import { keepsBad, type OperatorSpec, type SortSpec, type Split } from "../wire/block/plan.ts";
import type { QuerySpec } from "../wire/block/query.ts";
import { keepHint } from "../wire/content/content.ts";
import type { JobResult, ResultPart } from "./collect.ts";
import type { AnyMapReduce, AnyOperator, Job, Key, Params } from "./job.ts";
import { Attempts } from "./local/attempt.ts";
import { badLine } from "./local/bad-line.ts";
import { counted } from "./local/bad-share.ts";
import { bytesOfKey, copyKey, copyValue, nameOf } from "./local/copies.ts";
import { failure, refusePromise, shownKey, strayFailure } from "./local/failure.ts";
import { type Judged, judgeOf } from "./local/operators.ts";
import { bytesPart, partOf } from "./local/parts.ts";
import type { JudgedRow } from "./local/query/evaluate.ts";
import { queryParts, queryRows } from "./local/query/run.ts";
import { rawRecords, readRecords } from "./local/records.ts";
import { rowLine } from "./local/rows.ts";
import { isRaw, type KeyedRow, keyedRow, rawRow, rowsJob, sortedParts } from "./local/sorting.ts";
import { runTasks } from "./local/tasks.ts";
import type { PlannedFound } from "./plan/of-found.ts";
import { installRuntime } from "./runtime.ts";
import { outputOf, shapeOf } from "./table/shape.ts";
import { tabled } from "./table/table.ts";

export type LocalRun = {
  readonly result: JobResult;
  /** What the job counted. */
  readonly counters: Readonly<Record<string, number>>;
};

/** Not of an operator. */
export type OnlyTask = {
  /** Before a reduce task all map tasks run. */
  readonly stage: "tasks" | "map" | "reduce";
  /** From 0. */
  readonly task: number;
  /** Called, and awaited, when all that comes before the task is over. */
  readonly onStart?: () => Promise<void>;
};

export type LocalOptions = {
  /** Lines that the job logs; dropped when absent. */
  readonly onLog?: (line: string) => void;
  /** Of the job only this one. */
  readonly only?: OnlyTask;
  /** The time that the job's code sees, ms since the epoch; default now. */
  readonly submittedAtMs?: number;
};

/** All values that were emitted for one key, in order; with `combine`, folded. */
type Group = { readonly keyBytes: Uint8Array; readonly key: Key; values: unknown[] };
/** Groups by `nameOf` their key. */
type Groups = Map<string, Group>;

/** Runs the whole job. Throws `user-error` where the cluster's job would fail. */
export async function runLocal(
  job: Job,
  given: PlannedFound,
  options: LocalOptions = {},
): Promise<LocalRun> {
  const planned = (await given.unfolded?.()) ?? given;
  const { chance, clock, share } = job.options;
  const around: JobEnvironment = {
    ...(clock === "real" ? {} : { frozenAtMs: options.submittedAtMs ?? Date.now() }),
    ...(share !== undefined && chance !== "real" ? { refusesChance: true } : {}),
  };
  if (job.foreign !== undefined) {
    const wanted = { ...options, around };
    const run = await job.foreign.judge(planned as never, wanted as never);
    return inFormat(job, planned, await counted(job, planned, run as LocalRun));
  }
  const attempts = new Attempts(job);
  installRuntime({
    count: (counter, by) => attempts.count(counter, by),
    log: (line) => options.onLog?.(line),
  });
  surround(around);
  useEnvironment(job.kind === "operator" ? {} : job.options);
  try {
    const plan = { ...planned.plan, params: paramsOf(job, planned) };
    const only = options.only ?? null;
    const result = await runJob(job, { planned: { ...planned, plan }, only }, attempts);
    const run = await counted(job, planned, { result, counters: attempts.total });
    return inFormat(job, planned, run);
  } finally {
    restoreEngine();
  }
}

/** Tables are made as of a cluster's result. */
function inFormat(job: Job, planned: PlannedFound, { result, counters }: LocalRun): LocalRun {
  const shape = shapeOf(job, null);
  if (shape === null) return { result, counters };
  const { items } = planned.plan;
  const all = items === null ? {} : { items: () => itemBytes(planned) };
  return { result: tabled({ ...result, ...all, shape, format: outputOf(job) }), counters };
}

async function* itemBytes(planned: PlannedFound): AsyncGenerator<Uint8Array, void> {
  for (const line of itemLines(planned)) yield Buffer.from(`${line}\n`);
}

/** As they come to a worker: through the JSON of the plan, over the job's own. */
function paramsOf(job: Job, { plan }: PlannedFound): PlannedFound["plan"]["params"] {
  return { ...job.options.params, ...JSON.parse(JSON.stringify(plan.params)) };
}

/** `only`: null = all tasks. */
type Given = { readonly planned: PlannedFound; readonly only: OnlyTask | null };

async function runJob(job: Job, { only, planned }: Given, attempts: Attempts): Promise<JobResult> {
  if (only !== null && only.stage !== "reduce") await only.onStart?.();
  if (job.kind === "tasks") {
    const params = planned.plan.params as Params;
    const given = { lines: itemLines(planned), only: only?.task ?? null, params };
    return runTasks(job, given, attempts);
  }
  if (job.kind === "map-reduce") return runMapReduce(job, { planned, only }, attempts);
  return runOperator(job, planned, attempts);
}

async function runOperator(
  { options }: AnyOperator,
  planned: PlannedFound,
  attempts: Attempts,
): Promise<JobResult> {
  const operator = planned.plan.operator!;
  const { apply } = operator;
  if (apply.operator === "sort") return runSort(operator, apply, planned);
  if (apply.operator === "query") return runQuery(operator, apply, planned);
  const judged = judgeOf(operator, apply);
  const { job } = judged;
  const all = { ...job.options, ...options } as AnyMapReduce["options"];
  return runMapReduce({ ...job, options: all }, { planned, only: null }, attempts, judged);
}

function runSort(operator: OperatorSpec, apply: SortSpec, planned: PlannedFound): JobResult {
  const { plan, uploads } = planned;
  const badLines: string[] = [];
  const rows: KeyedRow[] = [];
  for (const split of plan.splits) {
    if (!isRaw(operator, apply)) {
      for (const pair of mapSplit(rowsJob(operator, apply), planned, split, badLines)) {
        rows.push(keyedRow(...pair));
      }
      continue;
    }
    for (const piece of split.pieces) {
      const file = plan.files[piece[0]]!;
      for (const bytes of rawRecords(file, piece, operator.inputs.default!, uploads)) {
        rows.push(rawRow(bytes, operator));
      }
    }
  }
  const parts = sortedParts(rows, operator, apply).map(bytesPart);
  const badRecords = badLines.length === 0 ? [] : [bytesPart(badLines.join(""))];
  return { kind: "parts", format: operator.output, parts, badRecords };
}

function runQuery(operator: OperatorSpec, query: QuerySpec, planned: PlannedFound): JobResult {
  const badLines: string[] = [];
  const job = queryRows(operator, query);
  const splits = planned.plan.splits.map((split) =>
    [...mapSplit(job, planned, split, badLines)].map(([, row]) => row as JudgedRow),
  );
  const parts = queryParts(operator, query, splits).map(bytesPart);
  const badRecords = badLines.length === 0 ? [] : [bytesPart(badLines.join(""))];
  return { kind: "parts", format: operator.output, parts, badRecords };
}

async function runMapReduce(
  job: AnyMapReduce,
  { only, planned }: Given,
  attempts: Attempts,
  judged?: Judged,
): Promise<JobResult> {
  const { plan } = planned;
  const format = job.options.output ?? "ndjson";
  const badLines: string[] = [];
  const parts: ResultPart[] = [];
  const partitions: Groups[] = Array.from({ length: plan.reducers }, () => new Map());
  for (const [task, split] of plan.splits.entries()) {
    if (only?.stage === "map" && task !== only.task) continue;
    const rows: string[] = [];
    const ofSplit: Groups = new Map();
    await runTask(attempts, "map", task, () => {
      for (const [key, value] of mapSplit(job, planned, split, badLines)) {
        if (plan.reducers === 0) rows.push(rowLine(format, key, value, "map"));
        else add(job, ofSplit, key, value);
      }
    });
    if (plan.reducers === 0) parts.push(partOf(rows));
    for (const group of ofSplit.values()) merge(job, partitions, group);
  }
  for (const [partition, groups] of partitions.entries()) {
    if (only?.stage === "reduce") {
      if (partition !== only.task) continue;
      await only.onStart?.();
    }
    const rows: string[] = [];
    const { combine, reduce } = job.options;
    const where = reduce !== undefined ? "reduce" : combine === undefined ? "map" : "combine";
    const write: Emit = (key, value) =>
      rows.push(rowLine(format, copyKey(key, where), value, where));
    const pairs: Pair[] = [];
    const keep: Emit = (key, value) => pairs.push([key, value]);
    await runTask(attempts, "reduce", partition, () => {
      reduceAll({ job, planned, partition }, groups, judged?.last === undefined ? write : keep);
    });
    for (const [key, value] of judged?.last?.(pairs) ?? []) write(key, value);
    parts.push(partOf(rows));
  }
  const badRecords = badLines.length === 0 ? [] : [bytesPart(badLines.join(""))];
  return { kind: "parts", format, parts, badRecords };
}

/** A task that must not be asynchronous: what it leaves rejected is its failure all the same. */
async function runTask(
  attempts: Attempts,
  stage: "map" | "reduce",
  task: number,
  use: () => void,
): Promise<void> {
  try {
    await attempts.run({ stage, task }, use);
  } catch (caught) {
    const error = harmless(caught);
    throw error instanceof Strayed ? strayFailure(error.stray, "") : error;
  }
}

type Pair = readonly [key: Key, value: unknown];

function* mapSplit(
  job: AnyMapReduce,
  planned: PlannedFound,
  split: Split,
  badLines: string[],
): Generator<Pair, void> {
  const { map, input = { format: "lines" } as const } = job.inputs[split.input]!;
  const { plan, uploads } = planned;
  const isFinal = plan.operator === undefined && plan.reducers === 0;
  const isSort = plan.operator?.apply.operator === "sort";
  const keyBytes = isSort ? sortKeyMaxBytes : keyMaxBytes;
  for (const piece of split.pieces) {
    const file = plan.files[piece[0]]!;
    for (const record of readRecords(file, piece, input, uploads)) {
      const { offset } = record;
      const place = `${file.name}:${offset}`;
      // Held back until `map` has returned: a record that is set aside has emitted nothing.
      const pairs: Pair[] = [];
      const emit = (key: Key, value: unknown): void => {
        const copied = copyKey(key, "map", keyBytes);
        // What cannot be written is refused with its record.
        if (isFinal) rowLine(job.options.output ?? "ndjson", copied, value, "map");
        pairs.push([copied, copyValue(value)]);
      };
      try {
        if (record.kind === "bad") {
          throw new ClusterError("user-error", `bad record at ${place}: ${record.problem}`);
        }
        const context = { params: plan.params, file: file.name, offset };
        refusePromise("map", map(record.value, emit, context));
      } catch (thrown) {
        const isParsed = record.kind === "record";
        const error = isParsed ? failure("map", thrown, `the record at ${place}`) : thrown;
        const isUsers = error instanceof ClusterError && error.code === "user-error";
        if (!keepsBad(job.options.badRecords) || !isUsers) {
          if (!isUsers || (isParsed && plan.operator === undefined)) throw error;
          throw new ClusterError(error.code, `${error.text}; ${keepHint}`, { cause: error });
        }
        const kept = isParsed ? record.value : record.text;
        const text = withoutPlaces(error, jobTexts);
        badLines.push(badLine({ file: file.name, offset, error: text, record: kept }));
        continue;
      }
      yield* pairs;
    }
  }
}

function add(job: AnyMapReduce, groups: Groups, key: Key, value: unknown): void {
  const name = nameOf(key);
  const group = groups.get(name);
  if (group !== undefined) join(job, group, [value]);
  else put(groups, name, { keyBytes: bytesOfKey(key), key, values: [value] });
}

/** The engine's Map takes no more entries. */
const groupsMax = 2 ** 24;

function put(groups: Groups, name: string, group: Group): void {
  if (groups.size < groupsMax) {
    groups.set(name, group);
    return;
  }
  const text = `more than ${groupsMax} different keys in one partition, which one process cannot`;
  throw new ClusterError("limit-exceeded", `${text} hold; run the job on a cluster`);
}

/** Further values of a key, after those that are there. */
function join(job: AnyMapReduce, group: Group, values: readonly unknown[]): void {
  const { combine } = job.options;
  if (combine === undefined) {
    for (const value of values) group.values.push(value);
    return;
  }
  try {
    group.values = [values.reduce((a, b) => combine(a, b), group.values[0])];
  } catch (error) {
    throw failure("combine", error, `key ${shownKey(group.key)}`);
  }
}

function merge(job: AnyMapReduce, partitions: readonly Groups[], group: Group): void {
  const groups = partitions[partitionFor(job, group, partitions.length)]!;
  const name = nameOf(group.key);
  const values = group.values.map(copyValue);
  const known = groups.get(name);
  if (known === undefined) put(groups, name, { ...group, values });
  else join(job, known, values);
}

function partitionFor(job: AnyMapReduce, { key, keyBytes }: Group, count: number): number {
  const { partition } = job.options;
  if (partition === undefined) return partitionOf(keyBytes, count);
  try {
    return checkedPartition(partition(key, count), count);
  } catch (error) {
    throw failure("partition", error, `key ${shownKey(key)}`);
  }
}

type Emit = (key: Key, value: unknown) => void;
type Reducing = {
  readonly job: AnyMapReduce;
  readonly planned: PlannedFound;
  readonly partition: number;
};

function reduceAll({ job, planned, partition }: Reducing, groups: Groups, emit: Emit): void {
  const { reduce, sort } = job.options;
  const sorted = [...groups.values()].sort((a, b) => compareBytes(a.keyBytes, b.keyBytes));
  if (sort === "descending") sorted.reverse();
  for (const { key, values } of sorted) {
    if (reduce === undefined) {
      for (const value of values) emit(key, value);
      continue;
    }
    try {
      const context = { params: planned.plan.params, partition, emit };
      const value = reduce(key, oncePassed(values), context);
      refusePromise("reduce", value);
      if (value !== undefined) emit(key, value);
    } catch (error) {
      throw failure("reduce", error, `key ${shownKey(key)}`);
    }
  }
}

/** On the cluster values come from disk and can be read once; so here. */
function oncePassed(values: readonly unknown[]): Iterable<unknown> {
  let isRead = false;
  return {
    [Symbol.iterator]() {
      if (isRead) {
        throw new ClusterError(
          "user-error",
          "values can be read only once; copy them with [...values] when they fit in memory",
        );
      }
      isRead = true;
      return values[Symbol.iterator]();
    },
  };
}

function itemLines(planned: PlannedFound): string[] {
  const at = planned.uploads[0]!.at;
  if (at.kind === "content") throw new ClusterError("not-found", "its items are not here");
  const bytes = at.kind === "bytes" ? Buffer.from(at.bytes) : readFileSync(at.path);
  return bytes.toString("utf8").split("\n").slice(0, -1);
}
