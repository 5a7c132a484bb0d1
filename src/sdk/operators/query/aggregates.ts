/** The aggregates of `aggregate({ … })`. */
import { ClusterError } from "../../../core/error.ts";
import type { AggregateName, AggregateSpec } from "../../../wire/block/query.ts";
import { count as addToCounter } from "../../runtime.ts";

/** Of the rows of a group; `C` is the column that it is of, `V` what it is. */
export type Aggregate<C extends string, V = number | string | null> = Omit<
  AggregateSpec,
  "name" | "column"
> & {
  readonly column: C | null;
  /** For the compiler alone. */
  readonly types?: V;
};

/** `count()`: how many rows there are, as an aggregate. In job code, `count("pages", 3)` adds to a
 *  counter of the job, shown in its status, summed over tasks that count; default 1. */
export function count(): Aggregate<never, number>;
/** Adds to a counter of the job. */
export function count(counter: string, by?: number): void;
export function count(counter?: string, by?: number): Aggregate<never, number> | undefined {
  if (counter === undefined) return { function: "count", column: null };
  addToCounter(counter, by);
  return undefined;
}

/** Of the rows that have a value in the column. */
export function countValues<C extends string>(column: C): Aggregate<C, number> {
  return of("count", column);
}

/** The exact sum; null when there is no number, as of the following. */
export function sum<C extends string>(column: C): Aggregate<C, number | null> {
  return of("sum", column);
}

/** The exact sum by the number of its values: all digits when there are at most 40, else the
 *  nearest double. */
export function avg<C extends string>(column: C): Aggregate<C, number | null> {
  return of("avg", column);
}

type ComparedAs = "number" | "text";
type Compared<A extends ComparedAs> = {
  /** What is compared: numbers (default), or texts by their UTF-8 bytes, dates among them. */
  readonly as?: A;
};

/** The least; null when there is none. */
export function min<C extends string, A extends ComparedAs = "number">(
  column: C,
  { as }: Compared<A> = {},
): Aggregate<C, (A extends "text" ? string : number) | null> {
  return { ...of("min", column), ...(as === "text" ? { as: "text" } : {}) };
}

/** The greatest; null when there is none. */
export function max<C extends string, A extends ComparedAs = "number">(
  column: C,
  { as }: Compared<A> = {},
): Aggregate<C, (A extends "text" ? string : number) | null> {
  return { ...of("max", column), ...(as === "text" ? { as: "text" } : {}) };
}

/** How many different values there are, exactly. */
export function countDistinct<C extends string>(column: C): Aggregate<C, number> {
  return of("countDistinct", column);
}

/** Exactly: the value below which a share `at` (0 to 1) of the numbers lies, between the two
 *  nearest in proportion. */
export function quantile<C extends string>(column: C, at: number): Aggregate<C, number | null> {
  return { ...of("quantile", column), at: checkedShare(at) };
}

/** As `countDistinct`, in 4 KiB a group: with a standard error of 1.6 %. */
export function approxCountDistinct<C extends string>(column: C): Aggregate<C, number> {
  return of("approxCountDistinct", column);
}

/** As `quantile`, in bounded memory: within 0.8 % of a value of the numbers. */
export function approxQuantile<C extends string>(
  column: C,
  at: number,
): Aggregate<C, number | null> {
  return { ...of("approxQuantile", column), at: checkedShare(at) };
}

function of<C extends string, V>(name: AggregateName, column: C): Aggregate<C, V> {
  return { function: name, column };
}

function checkedShare(at: number): number {
  if (at >= 0 && at <= 1) return at;
  throw new ClusterError("bad-request", `a quantile at ${at}; it must be from 0 to 1`);
}
