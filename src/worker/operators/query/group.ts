/** Groups: rows that agree in columns become one, with aggregates of them.
 *
 *  The pair of a group has its columns as key and the states of its aggregates as value. When an
 *  aggregate needs the values of a column in order, the key is [columns, −1], and there are pairs
 *  [columns, number of the aggregate, value] besides, with how often it occurs: they come right
 *  behind the group, sorted, and nothing of them is held. */
import { ClusterError } from "../../../core/error.ts";
import { compareNumbers, type ExactNumber } from "../../../wire/block/decimal.ts";
import type { Key } from "../../../wire/block/key.ts";
import type { AggregateSpec, ShuffleStep } from "../../../wire/block/query.ts";
import {
  type Aggregate,
  aggregateOf,
  isOrdered,
  mergeStates,
  orderedValue,
  type State,
} from "./aggregates.ts";
import { add, multiply, negate } from "./arithmetic.ts";
import type { Gathering, Shuffle } from "./shuffle.ts";
import { type Cell, groupKey, type Row } from "./values.ts";

type GroupStep = Extract<ShuffleStep, { step: "group" }>;
type OrderedKey = readonly [group: Key, aggregate: number, value?: Key];

const ofGroup = -1;

export function groupShuffle(step: GroupStep, columns: readonly string[]): Shuffle {
  const aggregates = step.aggregates.map(aggregateOf);
  const places = step.aggregates.map(({ column }) =>
    column === null ? -1 : columns.indexOf(column),
  );
  const keyOf = keyReader(step.by, columns);
  const statesOf = (row: Row) =>
    aggregates.map((one, i) => one.ofRow(row[places[i] as number] ?? null));
  const merge = (a: unknown, b: unknown) => mergeStates(aggregates, a as State[], b as State[]);
  if (!step.aggregates.some(isOrdered)) {
    return {
      emit: (row, emit) => emit(keyOf(row), statesOf(row)),
      combine: merge,
      mergesEarly: {
        hasSketches: step.aggregates.some((one) => one.function.startsWith("approx")),
      },
      rowsMax: null,
      gather: (put) => new Groups(step, aggregates, put),
    };
  }
  return {
    emit(row, emit) {
      const group = keyOf(row);
      // In their order: of two that refuse the row the first one says why.
      const values: Key[] = [];
      const states = aggregates.map((one, i) => {
        const spec = step.aggregates[i] as AggregateSpec;
        const cell = row[places[i] as number] ?? null;
        values.push(isOrdered(spec) ? orderedValue(spec, cell) : null);
        return one.ofRow(cell);
      });
      emit([group, ofGroup], states);
      for (const [i, value] of values.entries()) if (value !== null) emit([group, i, value], 1);
    },
    combine: (a, b) => (typeof a === "number" ? a + (b as number) : merge(a, b)),
    partitionKey: (key) => (key as OrderedKey)[0],
    rowsMax: null,
    gather: (put) => new OrderedGroups(step, aggregates, put),
  };
}

/** Null, one value, or an array of several. */
export function keyReader(by: readonly string[], columns: readonly string[]): (row: Row) => Key {
  const places = by.map((column) => columns.indexOf(column));
  const [only] = places;
  if (only === undefined) return () => null;
  if (places.length === 1) return (row) => groupKey(row[only], by[0] as string);
  return (row) => places.map((at, i) => groupKey(row[at], by[i] as string));
}

/** The cells of a group's columns. */
function cellsOf(key: Key, { by }: GroupStep): readonly Key[] {
  if (by.length === 0) return [];
  return by.length === 1 ? [key] : (key as readonly Key[]);
}

class Groups implements Gathering {
  protected readonly step: GroupStep;
  protected readonly aggregates: readonly Aggregate[];
  protected readonly put: (row: Row) => void;
  #hasAny = false;

  constructor(step: GroupStep, aggregates: readonly Aggregate[], put: (row: Row) => void) {
    this.step = step;
    this.aggregates = aggregates;
    this.put = put;
  }

  pair(key: Key, value: unknown): void {
    this.write(key, value as State[]);
  }

  /** Of all rows there is one group, even of none. */
  end(): void {
    if (this.#hasAny || this.step.by.length > 0) return;
    this.write(
      null,
      this.step.aggregates.map((spec) => (isOrdered(spec) ? resultOfNone(spec) : null)),
    );
  }

  protected write(key: Key, states: readonly State[]): void {
    this.#hasAny = true;
    const results = this.aggregates.map((one, i) => one.result(states[i]));
    this.put([...cellsOf(key, this.step), ...results]);
  }
}

class OrderedGroups extends Groups {
  #group: Key = null;
  /** Of the group at hand; null before the first. */
  #states: State[] | null = null;
  #counting: Ordered | null = null;
  /** Aggregates of the group whose values have come. */
  readonly #settled = new Set<number>();
  #at = ofGroup;

  override pair(key: Key, value: unknown): void {
    const [group, at, cell] = key as OrderedKey;
    if (at === ofGroup) {
      this.#flush();
      this.#group = group;
      this.#states = value as State[];
      return;
    }
    const states = this.#states;
    if (states === null) throw new ClusterError("data-lost", "values came without their group");
    if (at !== this.#at) {
      this.#settle();
      this.#at = at;
      const spec = this.step.aggregates[at] as AggregateSpec;
      this.#counting = orderedOf(spec, states[at] as number);
    }
    this.#counting?.add(cell as Key, value as number);
  }

  override end(): void {
    this.#flush();
    super.end();
  }

  #settle(): void {
    if (this.#counting !== null && this.#states !== null) {
      this.#states[this.#at] = this.#counting.result();
      this.#settled.add(this.#at);
    }
    this.#counting = null;
    this.#at = ofGroup;
  }

  #flush(): void {
    this.#settle();
    const states = this.#states;
    if (states === null) return;
    // An aggregate without any value had no pairs.
    for (const [i, spec] of this.step.aggregates.entries()) {
      if (isOrdered(spec) && !this.#settled.has(i)) states[i] = resultOfNone(spec);
    }
    this.#settled.clear();
    this.write(this.#group, states);
    this.#states = null;
  }
}

function resultOfNone(spec: AggregateSpec): Cell {
  return spec.function === "countDistinct" ? 0 : null;
}

/** Values in order, each once with how often it occurs. */
type Ordered = {
  add(value: Key, count: number): void;
  result(): Cell;
};

function orderedOf(spec: AggregateSpec, total: number): Ordered {
  if (spec.function === "quantile") return new Quantile(spec.at ?? 0.5, total);
  let distinct = 0;
  return {
    add: () => {
      distinct++;
    },
    result: () => distinct,
  };
}

/** Between the two nearest values, in proportion. */
class Quantile implements Ordered {
  readonly #at: number;
  readonly #low: number;
  #before = 0;
  #below: ExactNumber | null = null;
  #above: ExactNumber | null = null;

  constructor(at: number, total: number) {
    this.#at = at * (total - 1);
    this.#low = Math.floor(this.#at);
  }

  add(value: Key, count: number): void {
    this.#before += count;
    if (this.#below === null && this.#before > this.#low) this.#below = value as ExactNumber;
    if (this.#above === null && this.#before > this.#low + 1) this.#above = value as ExactNumber;
  }

  result(): Cell {
    const share = this.#at - this.#low;
    const [below, above] = [this.#below, this.#above];
    if (below === null || above === null || share === 0) return below;
    if (compareNumbers(below, above) === 0) return below;
    return Number(`${add(below, multiply(add(above, negate(below)), share))}`);
  }
}
