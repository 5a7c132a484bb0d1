/** Aggregates of a group: what a row adds, how two parts become one, and the value in the end.
 *
 *  What is kept between map and reduce is plain data of bounded size. `countDistinct` and
 *  `quantile` are exact whatever the number of values: they keep nothing here, but have the values
 *  sorted beside the groups (see `group.ts`). */
import { ClusterError } from "../../../core/error.ts";
import { compareNumbers, type ExactNumber, exactNumber } from "../../../wire/block/decimal.ts";
import { jsonText } from "../../../wire/block/json.ts";
import type { Key } from "../../../wire/block/key.ts";
import type { AggregateName, AggregateSpec } from "../../../wire/block/query.ts";
import {
  bucketOf,
  type CountSketch,
  countSketchOf,
  estimatedCount,
  estimatedQuantile,
  mergeCounts,
  mergeQuantiles,
  type QuantileSketch,
} from "../../../wire/block/sketches.ts";
import { addExact, type Exact, exactOf } from "../decimal.ts";
import { asResult } from "../numbers.ts";
import { divide } from "./arithmetic.ts";
import { type Cell, compareTexts, textOf } from "./values.ts";

/** Null: no value yet. */
export type State = unknown;

export type Aggregate = {
  readonly ofRow: (cell: Cell) => State;
  /** Of two that are not null; may change and answer the first. */
  readonly merge: (a: State, b: State) => State;
  readonly result: (state: State) => Cell;
};

const isMissing = (cell: Cell) => cell === null || cell === "";

type Kinds = {
  readonly [name in AggregateName]: (spec: AggregateSpec) => Aggregate;
};

const kinds: Kinds = {
  count: ({ column }) => ({
    ofRow: (cell) => (column !== null && isMissing(cell) ? 0 : 1),
    merge: (a, b) => (a as number) + (b as number),
    result: (state) => state ?? 0,
  }),
  sum: ({ column }) => ({
    ofRow: (cell) => exactOf(cell, column as string),
    merge: (a, b) => addExact(a as Exact, b as Exact),
    result: (state) => (state === null ? null : asResult(state as Exact, column as string)),
  }),
  avg: ({ column }) => ({
    ofRow(cell) {
      const number = exactOf(cell, column as string);
      return number === null ? null : [number, 1];
    },
    merge(a, b) {
      const [into, from] = [a, b] as [[Exact, number], [Exact, number]];
      into[0] = addExact(into[0], from[0]);
      into[1] += from[1];
      return into;
    },
    result(state) {
      if (state === null) return null;
      const [sum, count] = state as [Exact, number];
      return divide(asResult(sum, column as string), count);
    },
  }),
  min: (spec) => extreme(spec, -1),
  max: (spec) => extreme(spec, 1),
  // Counted in order: the state is only how many values there are.
  countDistinct: () => counted,
  quantile: () => counted,
  approxCountDistinct: () => ({
    ofRow: (cell) => (isMissing(cell) ? null : countSketchOf(valueKey(cell))),
    merge: (a, b) => mergeCounts(a as CountSketch, b as CountSketch),
    result: (state) => estimatedCount(state as CountSketch | null),
  }),
  approxQuantile: ({ at = 0.5, column }) => ({
    ofRow(cell) {
      const number = exactOf(cell, column as string);
      return number === null ? null : { [bucketOf(Number(number))]: 1 };
    },
    merge: (a, b) => mergeQuantiles(a as QuantileSketch, b as QuantileSketch),
    result: (state) => estimatedQuantile(state as QuantileSketch | null, at),
  }),
};

const counted: Aggregate = {
  ofRow: (cell) => (isMissing(cell) ? 0 : 1),
  merge: (a, b) => (a as number) + (b as number),
  result: (state) => state,
};

function extreme({ as, column }: AggregateSpec, sign: -1 | 1): Aggregate {
  const better = (order: number) => sign * order >= 0;
  if (as === "text") {
    return {
      ofRow: (cell) => (isMissing(cell) ? null : textOf(cell)),
      merge: (a, b) => (better(compareTexts(a as string, b as string)) ? a : b),
      result: (state) => state,
    };
  }
  return {
    ofRow(cell) {
      const number = exactOf(cell, column as string);
      return typeof number === "string" ? exactNumber(number) : number;
    },
    merge: (a, b) => (better(compareNumbers(a as ExactNumber, b as ExactNumber)) ? a : b),
    result: (state) => state,
  };
}

export function aggregateOf(spec: AggregateSpec): Aggregate {
  const make = kinds[spec.function] as Kinds["count"] | undefined;
  if (make !== undefined) return make(spec);
  const text = `this worker does not know the aggregate ${JSON.stringify(spec.function)}`;
  throw new ClusterError("version-mismatch", `${text}: update it`);
}

/** Merges the states of all aggregates of a group, into `a`. */
export function mergeStates(aggregates: readonly Aggregate[], a: State[], b: State[]): State[] {
  for (let i = 0; i < aggregates.length; i++) {
    const [left, right] = [a[i], b[i]];
    if (left === null) a[i] = right;
    else if (right !== null) a[i] = (aggregates[i] as Aggregate).merge(left, right);
  }
  return a;
}

/** Whether its values are sorted beside the groups. */
export function isOrdered(spec: AggregateSpec): boolean {
  return spec.function === "countDistinct" || spec.function === "quantile";
}

/** The value as it is sorted; null when there is none. */
export function orderedValue({ column, function: name }: AggregateSpec, cell: Cell): Key {
  if (isMissing(cell)) return null;
  if (name === "countDistinct") return valueKey(cell);
  const number = exactOf(cell, column as string);
  return typeof number === "string" ? exactNumber(number) : number;
}

function valueKey(cell: Cell): Key {
  const isNested = typeof cell === "object" && (Array.isArray(cell) || isPlain(cell as object));
  return isNested ? jsonText(cell, "a query") : (cell as Key);
}

function isPlain(value: object | null): boolean {
  return value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
