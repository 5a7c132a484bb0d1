/** Rows in order: the keys by which they are sorted, all of them or the first of each group. */
import { ClusterError } from "../../../core/error.ts";
import { Arena } from "../../../wire/block/arena.ts";
import { Decimal } from "../../../wire/block/decimal.ts";
import { jsonText } from "../../../wire/block/json.ts";
import { type Key, writeKey } from "../../../wire/block/key.ts";
import type { ShuffleStep, SortColumn } from "../../../wire/block/query.ts";
import { leadingNumberOf } from "../../kernels/sorting/rows.ts";
import { keyReader } from "./group.ts";
import type { Gathering, Shuffle } from "./shuffle.ts";
import type { Cell, Row } from "./values.ts";

const scratch = new Arena(256);

/** A text whose characters are the bytes of the key: texts of such are sorted by their bytes, which
 *  are flipped where the order is descending. `isLater`: equal rows are sorted by all of their
 *  columns, since nothing else orders what comes out of a shuffle. */
export function sortKeyReader(
  by: readonly SortColumn[],
  columns: readonly string[],
  isLater: boolean,
): (row: Row) => string {
  const rest = isLater ? columns.map((column) => ({ ...plain, by: column })) : [];
  const parts = [...by, ...rest].map((part) => ({ ...part, at: columns.indexOf(part.by) }));
  return (row) => {
    let text = "";
    for (const { at, nulls, numeric, order } of parts) {
      const key = scalarOf(row[at] ?? null, numeric);
      text += (key === null) === (nulls === "first") ? "\x00" : "\x01";
      if (key !== null) text += bytesOf(key, order === "descending" ? 0xff : 0);
    }
    return text;
  };
}

const plain = { order: "ascending", numeric: false, nulls: "first" } as const;

function scalarOf(cell: Cell, numeric: boolean): Key {
  if (numeric) return leadingNumberOf(cell);
  const isNested = typeof cell === "object" && cell !== null && !(cell instanceof Decimal);
  return isNested ? jsonText(cell, "sort") : (cell as Key);
}

function bytesOf(key: Key, flip: number): string {
  scratch.length = 0;
  writeKey(scratch, [key], "sort");
  let text = "";
  for (let i = 0; i < scratch.length; i++) {
    text += String.fromCharCode((scratch.bytes[i] as number) ^ flip);
  }
  return text;
}

type SortStep = Extract<ShuffleStep, { step: "sort" }>;

export function sortShuffle(
  { by, limit, offset }: SortStep,
  columns: readonly string[],
  isLater: boolean,
): Shuffle {
  const keyOf = sortKeyReader(by, columns, isLater);
  return {
    emit: (row, emit) => emit(keyOf(row), row),
    combine: null,
    rowsMax: limit === null ? null : limit + offset,
    gather(put): Gathering {
      let count = 0;
      const end = limit === null ? Number.POSITIVE_INFINITY : offset + limit;
      return {
        pair(_, row) {
          if (count >= offset && count < end) put(row as Row);
          count++;
        },
        end() {},
      };
    },
  };
}

type FirstStep = Extract<ShuffleStep, { step: "first" }>;
type Ranked = readonly [key: string, row: Row];

/** Most rows of each group. */
export const firstMax = 100_000;

export function firstShuffle(
  { by, sort, limit }: FirstStep,
  columns: readonly string[],
  isLater: boolean,
): Shuffle {
  if (limit > firstMax) {
    const text = `the first ${limit} rows of each group; at most ${firstMax} are kept`;
    throw new ClusterError("limit-exceeded", text);
  }
  const keyOf = keyReader(by, columns);
  const rankOf = sortKeyReader(sort, columns, isLater);
  const combine = (a: unknown, b: unknown) => {
    const rows = [...(a as Ranked[]), ...(b as Ranked[])];
    // Sorting is stable: of equal rows those come first that came first.
    return rows.sort(([x], [y]) => (x < y ? -1 : x > y ? 1 : 0)).slice(0, limit);
  };
  return {
    emit: (row, emit) => emit(keyOf(row), [[rankOf(row), row]]),
    combine,
    rowsMax: null,
    gather: (put) => ({
      pair(_, value) {
        for (const [, row] of value as Ranked[]) put(row);
      },
      end() {},
    }),
  };
}
