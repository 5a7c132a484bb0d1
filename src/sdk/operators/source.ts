/** Operators: jobs without any code of the user's, as `text.words().count()`. The contract.
 *
 *  1. A *source* (`text.words()`, `.lines()`, `.match()`, `.csv()`, `.json()`) is a format, so it
 *     may be the `input` of `mapReduce`, and has operators as methods. It knows its columns.
 *  2. An operator makes a `Job` of kind "operator" that can be exported as it is. All that it
 *     specifies is plain data: `OperatorSpec` in `wire/block/plan.ts`. It travels in the plan
 *     (`plan.operator`); the blob of its code is a constant that is never run.
 *  3. A worker makes a map/reduce job of it (`worker/operators/kernel.ts`, `operatorKernel`), whose
 *     functions are the worker's own: that alone is complete, and what the kernels must equal. An
 *     operator may bring a kernel for its map task, its reduce task or both, which is then run
 *     instead, and leaves the same bytes.
 *  4. The judge (`sdk/local/operators.ts`) implements a second time, in the plainest way, which
 *     pairs come out of which records. Everything else must equal it, byte for byte.
 *  5. So a new operator is: a member of `ApplySpec` (of `LastSpec` when it works on pairs), a
 *     method here, a function in a file of its own beside this one, an entry in `kernel.ts`, and an
 *     entry in the judge. What a planner must add (splitters) is done by `plan/operator.ts`.
 *
 *  Whatever the order in which workers finish, pairs are the same: numbers are added exactly. */
import type { FormatSpec, OperatorSpec } from "../../wire/block/plan.ts";
import type { AnyOperator, Format, TableOutput } from "../job.ts";
import { operatorInput } from "./input.ts";
import { type JoinKind, type JoinOn, type JoinSettings, joinSpec } from "./join.ts";
import type { OperatorOptions, RowsJob } from "./options.ts";
import type { Aggregate } from "./query/aggregates.ts";
import { type Cell, type Cells, checkedColumn } from "./query/cell.ts";
import {
  type Aggregated,
  type Columns,
  type Selected,
  type Selection,
  type SortBy,
  Table,
  type TableGroups,
} from "./query/table.ts";
import type {
  ColumnsOf,
  GroupKey,
  JoinedRow,
  PairRow,
  RecordKey,
  SortedRow,
  TypesOf,
} from "./rows.ts";
import {
  checkCount,
  type DistinctOptions,
  distinct,
  type Sorted,
  type SortOptions,
  type SortOutput,
  sorted,
  type TopOptions,
  top,
} from "./sort.ts";

/** A format whose records have the columns `C`; as rows of a table they are `R`. */
export type Source<In, C extends string, R = ColumnsOf<In, C>> = Format<In> & Operators<C, In, R>;

export function source<In, C extends string, R>(
  format: FormatSpec,
  columns: readonly C[],
): Source<In, C, R> {
  return Object.assign(new Operators<C, In, R>(format, columns), format);
}

type Aggregates<C extends string> = { readonly [name: string]: Aggregate<C, unknown> };

/** Of the records that agree in the columns `by`. */
export class Groups<
  C extends string,
  R = Columns<C>,
  By extends readonly string[] = readonly C[],
  K = GroupKey<R, By>,
> {
  readonly #format: FormatSpec;
  readonly #columns: readonly string[];
  readonly #by: readonly string[];

  constructor(format: FormatSpec, columns: readonly string[], by: readonly string[]) {
    this.#format = format;
    this.#columns = columns;
    this.#by = by.map((column) => checkedColumn(column, columns));
  }

  /** A table with a row for each group: its columns, and these aggregates. */
  aggregate<A extends Aggregates<C>>(
    named: A,
  ): Table<By[number] | (keyof A & string), Aggregated<A, R, By[number]>> {
    return this.#table().aggregate(named);
  }

  /** A table of the first records of each group in the order of `by`. */
  topK(count: number, ...by: readonly SortBy<C>[]): Table<C, R> {
    return this.#table().topK(count, ...by);
  }

  #table(): TableGroups<C, By[number], R> {
    const table = new Table<C, R>(this.#format, this.#columns);
    return table.by(...(this.#by as C[])) as TableGroups<C, By[number], R>;
  }

  /** How many there are. */
  count<O extends TableOutput = "ndjson">(options?: OperatorOptions<O>): Pairs<K, O> {
    return pairs(this.#format, { operator: "count", by: this.#by }, options);
  }

  /** The exact sum of the numbers in a column; one beyond ±1.8e308 fails the job. */
  sum<O extends TableOutput = "ndjson">(column: C, options?: OperatorOptions<O>): Pairs<K, O> {
    return pairs(this.#format, this.#of("sum", column), options);
  }

  /** The least number in a column. */
  min<O extends TableOutput = "ndjson">(column: C, options?: OperatorOptions<O>): Pairs<K, O> {
    return pairs(this.#format, this.#of("min", column), options);
  }

  /** The greatest number in a column. */
  max<O extends TableOutput = "ndjson">(column: C, options?: OperatorOptions<O>): Pairs<K, O> {
    return pairs(this.#format, this.#of("max", column), options);
  }

  #of(operator: "sum" | "min" | "max", column: C): OperatorSpec["apply"] {
    return { operator, by: this.#by, column: checkedColumn(column, this.#columns) };
  }
}

/** What every source can do. */
export class Operators<C extends string, In = unknown, R = Columns<C>> {
  readonly #format: FormatSpec;
  readonly #columns: readonly C[];

  constructor(format: FormatSpec, columns: readonly C[]) {
    this.#format = format;
    this.#columns = columns;
  }

  /** Groups of the records that agree in these columns; without columns one of all records. */
  by<const By extends readonly C[]>(...columns: By): Groups<C, R, By> {
    return new Groups<C, R, By>(this.#format, this.#columns, columns);
  }

  /** The records for which the test is true, as a table. */
  where(test: (row: Cells<C, R>) => Cell<unknown>): Table<C, R> {
    return this.table().where(test);
  }

  /** A table of these columns, in this order, some of them computed. */
  select<S extends Selection<C, R>>(selection: S): Table<keyof S & string, Selected<S, R>> {
    return this.table().select(selection);
  }

  /** The records as a table, on which all operators can follow each other. */
  table(): Table<C, R> {
    return new Table(this.#format, this.#columns);
  }

  /** Of all records: a table of one row. */
  aggregate<A extends Aggregates<C>>(named: A): Table<keyof A & string, Aggregated<A, R>> {
    return this.table().aggregate(named);
  }

  /** Each record and how often it occurs: `by` all columns. */
  count<O extends TableOutput = "ndjson">(options?: OperatorOptions<O>): Pairs<RecordKey<R, C>, O> {
    const all = this.#columns;
    return new Groups<C, R, C[], RecordKey<R, C>>(this.#format, all, all).count(options);
  }

  /** Of all records: one row, whose key is null. */
  sum<O extends TableOutput = "ndjson">(column: C, options?: OperatorOptions<O>): Pairs<null, O> {
    return this.by().sum(column, options);
  }

  /** The least number of all records: one row, whose key is null. */
  min<O extends TableOutput = "ndjson">(column: C, options?: OperatorOptions<O>): Pairs<null, O> {
    return this.by().min(column, options);
  }

  /** The greatest number of all records: one row, whose key is null. */
  max<O extends TableOutput = "ndjson">(column: C, options?: OperatorOptions<O>): Pairs<null, O> {
    return this.by().max(column, options);
  }

  /** All records in order, as they are. */
  sort<O extends SortOutput = never>(options?: SortOptions<C, O>): RowsJob<SortedRow<In, R, O>> {
    return sorted(this.#all, options);
  }

  /** The records with the greatest keys (or least: `order: "ascending"`), in that order; of equal
   *  ones those that come first. */
  topK<O extends SortOutput = never>(
    count: number,
    options?: TopOptions<C, O>,
  ): RowsJob<SortedRow<In, R, O>> {
    return top(this.#all, count, options);
  }

  /** Of equal records the first, in the order of their keys. */
  distinct<O extends SortOutput = never>(
    options?: DistinctOptions<C, O>,
  ): RowsJob<SortedRow<In, R, O>> {
    return distinct(this.#all, options);
  }

  /** Rows of this source (the left) and another that agree in a column. The inputs are submitted as
   *  `left=PATH right=PATH`. A row of the result has that column as its key and the two rows as its
   *  value: `{ left, right }`. */
  join<
    Other,
    D extends string,
    S,
    const On extends JoinOn<C, D>,
    Kind extends JoinKind = "inner",
    O extends TableOutput = "ndjson",
  >(
    other: Source<Other, D, S>,
    settings: JoinSettings<C, D, On, Kind> & OperatorOptions<O>,
  ): RowsJob<JoinedRow<{ left: In; right: Other; leftRow: R; rightRow: S }, On, Kind, O>> {
    const { on, kind, ...options } = settings;
    const columns = { left: this.#columns, right: other.#columns };
    const apply = joinSpec({ on, ...(kind === undefined ? {} : { kind }) }, columns);
    const inputs = { left: this.#format, right: other.#format };
    return { kind: "operator", operator: operatorSpec(inputs, apply, options), options };
  }

  get #all(): Sorted {
    return { format: this.#format, columns: this.#columns };
  }
}

/** A job whose result are pairs of key and number. What follows it is a method here. */
export class Pairs<K = unknown, O extends TableOutput = "ndjson"> implements AnyOperator {
  readonly kind = "operator";
  readonly operator: OperatorSpec;
  readonly options: AnyOperator["options"];
  /** For the compiler alone. */
  declare readonly types?: TypesOf<PairRow<K, number, O>>;

  constructor(operator: OperatorSpec, options: AnyOperator["options"]) {
    this.operator = operator;
    this.options = options;
  }

  /** The pairs with the greatest numbers (or least: `order: "ascending"`), in that order; of equal
   *  numbers those with the lesser keys. */
  topK(
    count: number,
    { order = "descending" }: Pick<TopOptions<never>, "order"> = {},
  ): RowsJob<PairRow<K, number, O>> {
    checkCount(count);
    const { reducers: _, ...options } = this.options;
    const last = { operator: "top", count, order } as const;
    return { kind: "operator", operator: { ...this.operator, last }, options };
  }
}

function pairs<K, O extends TableOutput>(
  format: FormatSpec,
  apply: OperatorSpec["apply"],
  options: OperatorOptions<O> = {},
): Pairs<K, O> {
  return new Pairs(operatorSpec({ default: format }, apply, options), options);
}

/** The description of an operator on these inputs, with nothing but plain data in it. */
export function operatorSpec(
  inputs: OperatorSpec["inputs"],
  apply: OperatorSpec["apply"],
  { output = "ndjson", badRecords = "fail" }: OperatorOptions,
): OperatorSpec {
  const entries = Object.entries(inputs).map(([name, format]) => [name, operatorInput(format)]);
  return { inputs: Object.fromEntries(entries), apply, last: null, output, badRecords };
}
