/** What a query does, as plain data: the operators that follow `where` and `select`. */

/** A value that is computed of a row: a column, a constant, or a function of others. */
export type Expression =
  | { readonly column: string }
  | { readonly value: string | number | boolean | null }
  | { readonly call: FunctionName; readonly of: readonly Expression[] };

/** The functions, with the least and the greatest number of their arguments. Null as an argument
 *  gives null, except to those that ask for it. */
export const functions = {
  // Comparisons: as numbers when one side is a number, as booleans when one is a boolean, else as
  // texts by their UTF-8 bytes.
  eq: [2, 2],
  ne: [2, 2],
  lt: [2, 2],
  le: [2, 2],
  gt: [2, 2],
  ge: [2, 2],
  between: [3, 3],
  in: [2, 10_000],
  and: [1, 1000],
  or: [1, 1000],
  not: [1, 1],
  isNull: [1, 1],
  // Patterns: `%` and `_` of SQL; a regular expression and its flags.
  like: [2, 2],
  matches: [2, 3],
  startsWith: [2, 2],
  endsWith: [2, 2],
  contains: [2, 2],
  // Numbers. All but `div` are exact.
  add: [2, 2],
  sub: [2, 2],
  mul: [2, 2],
  div: [2, 2],
  mod: [2, 2],
  neg: [1, 1],
  abs: [1, 1],
  floor: [1, 1],
  ceil: [1, 1],
  round: [1, 2],
  // Texts. Places are counted from 1, in characters.
  lower: [1, 1],
  upper: [1, 1],
  trim: [1, 1],
  length: [1, 1],
  concat: [1, 100],
  substring: [2, 3],
  replace: [3, 3],
  // Dates, as ISO 8601 writes them.
  year: [1, 1],
  month: [1, 1],
  day: [1, 1],
  hour: [1, 1],
  minute: [1, 1],
  second: [1, 1],
  weekday: [1, 1],
  date: [1, 1],
  truncate: [2, 2],
  // Kinds and choices.
  number: [1, 1],
  boolean: [1, 1],
  text: [1, 1],
  coalesce: [1, 100],
  nullIf: [2, 2],
  if: [3, 3],
} as const satisfies { readonly [name: string]: readonly [least: number, most: number] };

export type FunctionName = keyof typeof functions;

export type NamedExpression = { readonly name: string; readonly value: Expression };

/** A number of the rows of a group. Rows in which the column is null or an empty text count only
 *  for `count` without a column. */
export type AggregateSpec = {
  readonly name: string;
  readonly function: AggregateName;
  /** Null for `count`: all rows. */
  readonly column: string | null;
  /** Of min, max: compares texts by their UTF-8 bytes; default numbers. */
  readonly as?: "text";
  /** Of quantiles: 0 to 1. */
  readonly at?: number;
};

export const aggregateNames = [
  "count",
  "sum",
  "avg",
  "min",
  "max",
  "countDistinct",
  "quantile",
  "approxCountDistinct",
  "approxQuantile",
] as const;
export type AggregateName = (typeof aggregateNames)[number];

export type SortColumn = {
  readonly by: string;
  readonly order: "ascending" | "descending";
  /** By the number with which a text begins. */
  readonly numeric: boolean;
  /** Where null is. */
  readonly nulls: "first" | "last";
};

export type QueryStep =
  /** Keeps the rows for which it is true. */
  | { readonly step: "where"; readonly test: Expression }
  | { readonly step: "select"; readonly columns: readonly NamedExpression[] }
  | ShuffleStep;

/** Steps that bring rows together; what comes before them runs where the rows are. */
export type ShuffleStep =
  /** A row for each group: the columns `by`, then the aggregates. Without `by` exactly one. */
  | {
      readonly step: "group";
      readonly by: readonly string[];
      readonly aggregates: readonly AggregateSpec[];
    }
  /** All rows in order, or of these `limit` behind `offset`. Rows that are equal in it are in the
   *  order of the input, behind another shuffle in that of all their columns. */
  | {
      readonly step: "sort";
      readonly by: readonly SortColumn[];
      readonly limit: number | null;
      readonly offset: number;
    }
  /** Of each group the first `limit` rows in order. */
  | {
      readonly step: "first";
      readonly by: readonly string[];
      readonly sort: readonly SortColumn[];
      readonly limit: number;
    };

export type QuerySpec = {
  readonly operator: "query";
  /** Of the source. */
  readonly columns: readonly string[];
  /** Empty cells of CSV are null. */
  readonly emptyIsNull: boolean;
  readonly steps: readonly QueryStep[];
  /** Reduce tasks of each shuffle; made when the job is planned. */
  readonly reducers: readonly number[];
};

export function isShuffle(step: QueryStep): step is ShuffleStep {
  return step.step !== "where" && step.step !== "select";
}

/** The columns of the rows behind a step. */
export function columnsAfter(step: QueryStep, columns: readonly string[]): readonly string[] {
  switch (step.step) {
    case "select":
      return step.columns.map(({ name }) => name);
    case "group":
      return [...step.by, ...step.aggregates.map(({ name }) => name)];
    default:
      return columns;
  }
}

/** Whether a shuffle is done by the task that has gathered the one before: both have one
 *  partition. */
export function isInline({ reducers }: QuerySpec, shuffle: number): boolean {
  return shuffle > 0 && reducers[shuffle] === 1 && reducers[shuffle - 1] === 1;
}

/** The shuffles that begin stages of their own, in order. */
export function stageShuffles(spec: QuerySpec): readonly number[] {
  return spec.reducers.map((_, i) => i).filter((i) => !isInline(spec, i));
}
