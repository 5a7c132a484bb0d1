/** A shuffle of a query: what a row becomes on its way to another task, and what that task makes of
 *  what has come together. */

import type { Key } from "../../../wire/block/key.ts";
import type { Combine } from "../../kernels/merge.ts";
import type { Emit } from "../../task/job.ts";
import type { Row } from "./values.ts";

export type Shuffle = {
  /** Emits what stands for the row. */
  readonly emit: (row: Row, emit: Emit) => void;
  /** Null: every pair by itself. */
  readonly combine: Combine | null;
  /** Set when `combine` takes pairs in any order: they may be merged before they are encoded. */
  readonly mergesEarly?: { readonly hasSketches: boolean };
  /** What decides the partition of a key; absent: the key itself. */
  readonly partitionKey?: (key: Key) => Key;
  /** Of rows in the order of their keys at most so many are needed: a task sends no more. */
  readonly rowsMax: number | null;
  readonly gather: (put: (row: Row) => void) => Gathering;
};

/** Takes the pairs of a partition in the order of their keys. */
export type Gathering = {
  pair(key: Key, value: unknown): void;
  end(): void;
};
