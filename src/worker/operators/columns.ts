/** The columns of a record: what operators read of it. */
import { ClusterError } from "../../core/error.ts";
import { Decimal } from "../../wire/block/decimal.ts";
import type { Key } from "../../wire/block/key.ts";

/** A text is a record of one column. */
type Columns = string | Readonly<Record<string, unknown>>;

export function columnOf(record: Columns, column: string): unknown {
  return typeof record === "string" ? record : record[column];
}

/** The key of one column. */
export function columnKey(record: Columns, column: string): Key {
  return scalar(columnOf(record, column) ?? null, column);
}

/** Makes keys of records: null, the value of one column, or an array of several. */
export function keyReader(by: readonly string[]): (record: Columns) => Key {
  const [only] = by;
  if (only === undefined) return () => null;
  if (by.length === 1) return (record) => scalar(columnOf(record, only), only);
  return (record) => by.map((column) => scalar(columnOf(record, column), column));
}

function scalar(value: unknown, column: string): Key {
  if (typeof value !== "object" || value === null || value instanceof Decimal) return value as Key;
  const what = Array.isArray(value) ? "an array" : "an object";
  throw new ClusterError(
    "user-error",
    `"${column}" is ${what}, and records are grouped by texts, numbers, booleans and null`,
  );
}
