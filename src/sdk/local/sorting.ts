/** Sorting as the judge understands it: all rows in one array. Nothing here is shared with the
 *  worker. */
import { Arena, compareBytes } from "../../wire/block/arena.ts";
import { Decimal, decimalParts, type ExactNumber, exactOfParts } from "../../wire/block/decimal.ts";
import { sortKeyMaxBytes, writeKey } from "../../wire/block/key.ts";
import type { OperatorSpec, SortSpec } from "../../wire/block/plan.ts";
import { halfCharacter } from "../../wire/block/refusal.ts";
import type { AnyMapReduce, Key } from "../job.ts";
import { asCell, asJson } from "./rows.ts";

/** What is compared, and what is written. */
export type KeyedRow = { readonly key: Uint8Array; readonly bytes: Uint8Array };

type Row = string | Uint8Array | Readonly<Record<string, unknown>>;

/** A job whose pairs are the rows: the key, and what is written of the record. */
export function rowsJob(operator: OperatorSpec, apply: SortSpec): AnyMapReduce {
  const map = (record: Row, emit: (key: Key, value: unknown) => void) => {
    emit(keyOf(record, apply), lineOf(record, operator));
  };
  const entries = Object.entries(operator.inputs).map(([name, input]) => [name, { input, map }]);
  const { badRecords } = operator;
  return { kind: "map-reduce", inputs: Object.fromEntries(entries), options: { badRecords } };
}

/** Lines and records that are compared by their own bytes. */
export function isRaw({ inputs }: OperatorSpec, { by }: SortSpec): boolean {
  const format = inputs.default?.format;
  return by.length === 0 && (format === "lines" || format === "records");
}

export function rawRow(row: Uint8Array, { inputs, apply }: OperatorSpec): KeyedRow {
  const format = inputs.default!;
  if (format.format === "records") return { key: row.subarray(...format.key), bytes: row };
  const isUnique = apply.operator === "sort" && apply.unique;
  // Lines are equal whatever their ends are.
  const hasReturn = isUnique && row.at(-2) === 13 && row.at(-1) === 10;
  const bytes = hasReturn ? Buffer.concat([row.subarray(0, -2), Buffer.from("\n")]) : row;
  const isWhole = bytes.at(-1) === 10;
  const key = isWhole ? bytes.subarray(0, -1) : bytes;
  return { key, bytes: isWhole ? bytes : Buffer.concat([bytes, Buffer.from("\n")]) };
}

export function keyedRow(key: Key, value: unknown): KeyedRow {
  const arena = new Arena(64);
  writeKey(arena, key, "map", sortKeyMaxBytes);
  const text = String(value);
  if (!text.isWellFormed()) throw halfCharacter();
  return { key: arena.view().slice(), bytes: Buffer.from(text) };
}

/** The parts of the result. */
export function sortedParts(
  rows: readonly KeyedRow[],
  operator: OperatorSpec,
  apply: SortSpec,
): Buffer[] {
  const sign = apply.order === "descending" ? -1 : 1;
  const compare = (a: Uint8Array, b: Uint8Array) => sign * compareBytes(a, b);
  let order = rows.toSorted((a, b) => compare(a.key, b.key));
  if (apply.unique) {
    order = order.filter(({ key }, i) => i === 0 || compare(order[i - 1]!.key, key) !== 0);
  }
  if (apply.limit !== null) order = order.slice(0, apply.limit);
  const splitters = apply.splitters.map((splitter) => Buffer.from(splitter, "base64"));
  const parts: Uint8Array[][] = Array.from({ length: splitters.length + 1 }, () => []);
  for (const { key, bytes } of order) {
    parts[splitters.filter((splitter) => compare(splitter, key) <= 0).length]!.push(bytes);
  }
  const head = headOf(operator);
  return parts.map((part) => Buffer.concat(part.length === 0 ? [] : [head, ...part]));
}

function headOf(operator: OperatorSpec): Buffer {
  return Buffer.from(operator.output === "csv" ? csvLine(columnsOf(operator)) : "");
}

function columnsOf({ inputs }: OperatorSpec): readonly string[] {
  const format = inputs.default!;
  switch (format.format) {
    case "json":
      return format.paths;
    case "csv":
      return format.pick ?? format.columns ?? [];
    case "match":
      return format.columns ?? ["match"];
    case "words":
      return ["word"];
    default:
      return ["line"];
  }
}

function csvLine(cells: readonly unknown[]): string {
  return `${cells.map((cell) => asCell(cell)).join(",")}\n`;
}

function lineOf(record: Row, operator: OperatorSpec): string {
  if (typeof record === "string" && operator.output === "text") return `${record}\n`;
  const fields = columnsOf(operator).map((column) => [
    column,
    typeof record === "string" ? record : (record as Record<string, unknown>)[column],
  ]);
  if (operator.output === "csv") return csvLine(fields.map(([, value]) => value));
  return `{${fields.map(([name, value]) => `${asJson(name)}:${asJson(value)}`).join(",")}}\n`;
}

function keyOf(record: Row, { by, numeric }: SortSpec): Key {
  const parts = by.map((column) => {
    const value = typeof record === "string" ? record : (record as Record<string, unknown>)[column];
    return numeric ? leadingNumber(value) : scalarOf(value);
  });
  return parts.length === 1 ? parts[0]! : parts;
}

/** Arrays and objects by their JSON. */
function scalarOf(value: unknown): Key {
  const isNested = typeof value === "object" && value !== null && !(value instanceof Decimal);
  return isNested ? asJson(value) : (value as Key);
}

export function leadingNumber(value: unknown): ExactNumber | null {
  if (typeof value === "number") return value + 0;
  if (value instanceof Decimal) return value;
  if (typeof value !== "string") return null;
  const found = /^[ \t]*([+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?)/i.exec(value);
  return found === null ? null : exactOfParts(decimalParts(found[1]!), Number(found[1]));
}
