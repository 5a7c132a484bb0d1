/** Tables: jobs whose result has rows with named columns, and that can be asked on. Each method
 *  makes another table; each table is a job. */
import { ClusterError } from "../../../core/error.ts";
import type { FormatSpec, OperatorSpec } from "../../../wire/block/plan.ts";
import {
  columnsAfter,
  isShuffle,
  type QueryStep,
  type SortColumn,
} from "../../../wire/block/query.ts";
import type { AnyOperator, TableOutput } from "../../job.ts";
import { operatorInput } from "../input.ts";
import type { OperatorOptions } from "../options.ts";
import type { Json, TableRow, TypesOf } from "../rows.ts";
import * as aggregates from "./aggregates.ts";
import {
  Cell,
  type Cells,
  cellsOf,
  checkedColumn,
  type Operand,
  type OperandValue,
} from "./cell.ts";

/** Columns by name: true for one that stays as it is, else what it is computed of. */
export type Selection<C extends string, R = Columns<C>> = {
  readonly [name: string]: true | ((row: Cells<C, R>) => Operand);
};

/** Rows with these columns, of which nothing else is known. */
export type Columns<C extends string> = { readonly [column in C]: Json };

/** The row that a selection makes of rows `R`. */
export type Selected<S, R> = {
  readonly [name in keyof S & string]: S[name] extends (row: never) => infer O
    ? OperandValue<O>
    : name extends keyof R
      ? R[name]
      : never;
};

/** The row of a group: its columns `By`, and aggregates. */
export type Aggregated<A, R, By extends string = never> = {
  readonly [name in By | (keyof A & string)]: name extends keyof A
    ? AggregateValue<A[name]>
    : name extends keyof R
      ? R[name]
      : never;
};

type AggregateValue<A> = A extends { readonly types?: infer V } ? V : never;

/** What rows are sorted by: a column, ascending; or with its direction. */
export type SortBy<C extends string> =
  | C
  | {
      /** A column. */
      readonly by: C;
      /** Default "ascending". */
      readonly order?: "ascending" | "descending";
      /** By the number with which a text begins; default false. Numbers need nothing. */
      readonly numeric?: boolean;
      /** Where null is; default before all when ascending, behind all when descending. */
      readonly nulls?: "first" | "last";
    };

type Aggregates<C extends string> = { readonly [name: string]: aggregates.Aggregate<C, unknown> };

/** Most shuffles of a query: each may be a stage of the job. */
const shufflesMax = 7;
/** Most rows that `topK` and `limit` take. */
const rowsMax = 10_000_000;

/** `C`: its columns; `R`: a row; `O`: how it is written, which a client sees in the rows. */
export class Table<C extends string, R = Columns<C>, O extends TableOutput = "ndjson">
  implements AnyOperator
{
  readonly kind = "operator";
  readonly operator: OperatorSpec;
  readonly options: OperatorOptions;
  /** For the compiler alone. */
  declare readonly types?: TypesOf<TableRow<R, O>>;
  readonly #format: FormatSpec;
  readonly #source: readonly string[];
  readonly #steps: readonly QueryStep[];

  /** `source`: the columns of the format's records. */
  constructor(
    format: FormatSpec,
    source: readonly string[],
    steps: readonly QueryStep[] = [],
    options: OperatorOptions = {},
  ) {
    this.#format = format;
    this.#source = source;
    this.#steps = steps;
    this.options = options;
    this.operator = this.#spec();
    const shuffles = steps.filter(isShuffle).length;
    if (shuffles <= shufflesMax) return;
    const text = `a query has ${shuffles} steps that bring rows together; at most ${shufflesMax}`;
    throw new ClusterError("limit-exceeded", `${text}: run two jobs`);
  }

  /** The names of the columns, in order. */
  get columns(): readonly C[] {
    return this.#steps.reduce<readonly string[]>(
      (columns, step) => columnsAfter(step, columns),
      this.#source,
    ) as readonly C[];
  }

  /** The rows for which the test is true. */
  where(test: (row: Cells<C, R>) => Cell<unknown>): Table<C, R, O> {
    const cells = cellsOf<C, R>(this.columns);
    return this.#then({ step: "where", test: Cell.expressionOf(test(cells)) });
  }

  /** The same, as SQL calls it behind groups. */
  having(test: (row: Cells<C, R>) => Cell<unknown>): Table<C, R, O> {
    return this.where(test);
  }

  /** These columns, in this order. */
  select<S extends Selection<C, R>>(selection: S): Table<keyof S & string, Selected<S, R>, O> {
    const cells = cellsOf<C, R>(this.columns);
    const columns = Object.entries(selection).map(([name, of]) => {
      const operand = of === true ? cells[checkedColumn(name, this.columns) as C] : of(cells);
      return { name, value: Cell.expressionOf(operand) };
    });
    checkNames(columns.map(({ name }) => name));
    return this.#then({ step: "select", columns });
  }

  /** Groups of the rows that agree in these columns; without columns one of all rows. */
  by<By extends C>(...columns: readonly By[]): TableGroups<C, By, R, O> {
    for (const column of columns) checkedColumn(column, this.columns);
    return new TableGroups<C, By, R, O>(columns, this.columns, (step) => this.#then(step));
  }

  /** Of all rows: one row. */
  aggregate<A extends Aggregates<C>>(named: A): Table<keyof A & string, Aggregated<A, R>, O> {
    return this.by<never>().aggregate(named);
  }

  /** Each row once, in the order of their columns. */
  distinct(): Table<C, R, O> {
    return this.#then({ step: "group", by: this.columns, aggregates: [] });
  }

  /** All rows in order: by the first column, where that is equal by the second, and so on. Default:
   *  by all columns. */
  sort(...by: readonly SortBy<C>[]): Table<C, R, O> {
    return this.#then({ step: "sort", by: sortColumns(by, this.columns), limit: null, offset: 0 });
  }

  /** The first rows in the order of `by`. `topK(3, { by: "total", order: "descending" })`. */
  topK(count: number, ...by: readonly SortBy<C>[]): Table<C, R, O> {
    checkRows(count, 1);
    return this.#then({ step: "sort", by: sortColumns(by, this.columns), limit: count, offset: 0 });
  }

  /** So many rows, behind `offset` others: of a sorted table the first ones, else in the order of
   *  the input. */
  limit(count: number, offset = 0): Table<C, R, O> {
    checkRows(count, 0);
    checkRows(offset, 0);
    const last = this.#steps.at(-1);
    if (last?.step !== "sort" || last.limit !== null) {
      return this.#then({ step: "sort", by: [], limit: count, offset });
    }
    const steps = [...this.#steps.slice(0, -1), { ...last, limit: count, offset }];
    return new Table(this.#format, this.#source, steps, this.options);
  }

  /** With these options of the job. */
  with<W extends TableOutput = O>(options: OperatorOptions<W>): Table<C, R, W> {
    return new Table(this.#format, this.#source, this.#steps, { ...this.options, ...options });
  }

  #spec(): OperatorSpec {
    const { badRecords = "fail", output = "ndjson" } = this.options;
    const emptyIsNull = this.#format.format === "csv" && this.#format.empty === "null";
    const steps = this.#steps;
    const apply = {
      operator: "query",
      columns: this.#source,
      emptyIsNull,
      steps,
      reducers: [],
    } as const;
    const inputs = { default: operatorInput(this.#format) };
    return { inputs, apply, last: null, output, badRecords };
  }

  #then<D extends string, S>(step: QueryStep): Table<D, S, O> {
    return new Table(this.#format, this.#source, [...this.#steps, step], this.options);
  }
}

/** The rows of a table that agree in the columns `By`. */
export class TableGroups<
  C extends string,
  By extends string,
  R = Columns<C>,
  O extends TableOutput = "ndjson",
> {
  readonly #by: readonly By[];
  readonly #columns: readonly C[];
  readonly #then: <D extends string, S>(step: QueryStep) => Table<D, S, O>;

  constructor(
    by: readonly By[],
    columns: readonly C[],
    then: <D extends string, S>(step: QueryStep) => Table<D, S, O>,
  ) {
    this.#by = by;
    this.#columns = columns;
    this.#then = then;
  }

  /** A row for each group: its columns, and these aggregates. */
  aggregate<A extends Aggregates<C>>(
    named: A,
  ): Table<By | (keyof A & string), Aggregated<A, R, By>, O> {
    const specs = Object.entries(named).map(([name, aggregate]) => {
      checkAggregate(name, aggregate);
      if (aggregate.column !== null) checkedColumn(aggregate.column, this.#columns);
      return { name, ...aggregate };
    });
    checkNames([...this.#by, ...Object.keys(named)]);
    return this.#then({ step: "group", by: this.#by, aggregates: specs });
  }

  /** A row for each group with its number of rows, in a column `count`. */
  count(): Table<By | "count", Aggregated<{ readonly count: { types?: number } }, R, By>, O> {
    return this.aggregate({ count: aggregates.count() });
  }

  /** The first rows of each group in the order of `by`, which sorts as in `sort`. */
  topK(count: number, ...by: readonly SortBy<C>[]): Table<C, R, O> {
    checkRows(count, 1);
    const sort = sortColumns(by, this.#columns);
    return this.#then({ step: "first", by: this.#by, sort, limit: count });
  }
}

/** For jobs that no compiler has checked. */
function checkAggregate(name: string, given: unknown): void {
  const { column, function: aggregate } = Object(given);
  if (typeof aggregate === "string" && column !== undefined) return;
  const text = `aggregate: ${name} is no aggregate; give one, such as count() or sum("price")`;
  throw new ClusterError("bad-request", text);
}

function checkNames(names: readonly string[]): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice === undefined && names.length > 0 && !names.includes("__proto__")) return;
  const what = names.length === 0 ? "no column" : `two columns "${twice ?? "__proto__"}"`;
  throw new ClusterError("bad-request", `${what} in the result; give one name for each column`);
}

function checkRows(count: number, least: number): void {
  if (Number.isInteger(count) && count >= least && count <= rowsMax) return;
  const text = `${count} rows; how many is a whole number from ${least} to ${rowsMax}`;
  throw new ClusterError("bad-request", text);
}

function sortColumns<C extends string>(
  by: readonly SortBy<C>[],
  columns: readonly C[],
): SortColumn[] {
  const all = by.length === 0 ? columns : by;
  return all.map((one) => {
    const given = typeof one === "string" ? { by: one } : one;
    const { order = "ascending", numeric = false } = given;
    const nulls = given.nulls ?? (order === "ascending" ? "first" : "last");
    return { by: checkedColumn(given.by, columns), order, numeric, nulls };
  });
}
