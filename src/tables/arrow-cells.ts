/** Cells of Arrow as texts of JSON, by what their column is. Without the package: types are known
 *  by their numbers, which the format defines. */
import type { DataType, Vector } from "apache-arrow";
import { parseExactJson } from "../wire/block/decimal.ts";
import { jsonText } from "../wire/block/json.ts";
import type { CellKind } from "./file.ts";
import { clockText, dayText, scaledText, singleText, timeText } from "./lines.ts";

/** Of the format's union of types; dictionaries are the library's. */
const ids = {
  nothing: 1,
  int: 2,
  float: 3,
  binary: 4,
  utf8: 5,
  bool: 6,
  decimal: 7,
  date: 8,
  time: 9,
  timestamp: 10,
  list: 12,
  struct: 13,
  fixedBinary: 15,
  fixedList: 16,
  map: 17,
  largeBinary: 19,
  largeUtf8: 20,
  dictionary: -1,
} as const;

/** Decimals of the units of time, by their numbers: seconds, milliseconds, … */
const unitDecimals = [0, 3, 6, 9];

type Typed = DataType & {
  readonly dictionary?: DataType;
  readonly scale?: number;
  readonly precision?: number;
  readonly unit?: number;
  readonly timezone?: string | null;
};

export function isObject(type: DataType): boolean {
  return (type.typeId as number) === ids.struct;
}

export function arrowKind(type: DataType): CellKind {
  switch (type.typeId as number) {
    case ids.dictionary:
      return arrowKind((type as Typed).dictionary as DataType);
    case ids.int:
    case ids.float:
    case ids.decimal:
      return "number";
    case ids.bool:
      return "boolean";
    case ids.utf8:
    case ids.largeUtf8:
    case ids.date:
    case ids.time:
    case ids.timestamp:
      return "text";
    default:
      return "any";
  }
}

/** Of a vector with one chunk, as record batches have them. */
export function arrowCells(vector: Vector): (row: number) => string {
  const type = vector.type as Typed;
  const id = type.typeId as number;
  // The library makes doubles of times, which lose nanoseconds.
  const isTime = id === ids.timestamp || id === ids.time;
  const raw = isTime ? (vector.data[0]?.values as ArrayLike<number | bigint>) : null;
  const text = textBy(type);
  return (row) => {
    if (!vector.isValid(row)) return "null";
    const value: unknown = raw === null ? vector.get(row) : raw[row];
    return value === null || value === undefined ? "null" : text(value);
  };
}

function textBy(type: Typed): (value: NonNullable<unknown>) => string {
  switch (type.typeId as number) {
    case ids.int:
      return (value) => `${value}`;
    case ids.float:
      if (type.precision === 2) {
        return (value) => (Number.isFinite(value) ? `${value}` : "null");
      }
      return (value) => singleText(value as number);
    case ids.bool:
      return (value) => `${value}`;
    case ids.utf8:
    case ids.largeUtf8:
      return (value) => JSON.stringify(value);
    case ids.decimal:
      return (value) => scaledText(unitsOf(value as Uint32Array), type.scale ?? 0);
    case ids.date:
      return (value) => JSON.stringify(dayText(Math.floor(Number(value) / 86_400_000)));
    case ids.time:
    case ids.timestamp: {
      const decimals = unitDecimals[type.unit ?? 0] as number;
      if ((type.typeId as number) === ids.time) {
        return (value) => JSON.stringify(clockText(BigInt(value as bigint), decimals));
      }
      const zone = type.timezone ? "Z" : "";
      return (value) => JSON.stringify(timeText(BigInt(value as bigint), decimals, zone));
    }
    case ids.dictionary:
      return textBy(type.dictionary as Typed);
    default:
      return (value) => jsonText(nested(type, value), "a column");
  }
}

/** What lists and objects hold, as `jsonText` takes it. */
function nested(type: Typed, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  const { children } = type;
  switch (type.typeId as number) {
    case ids.nothing:
      return null;
    case ids.binary:
    case ids.largeBinary:
    case ids.fixedBinary:
      return value;
    case ids.list:
    case ids.fixedList:
      return Array.from(value as Iterable<unknown>, (one) =>
        nested(children[0]?.type as Typed, one),
      );
    case ids.struct: {
      const row = value as { readonly [name: string]: unknown };
      return Object.fromEntries(
        children.map(({ name, type: of }) => [name, nested(of as Typed, row[name])]),
      );
    }
    case ids.map: {
      const [, of] = children[0]?.type.children ?? [];
      const entries = value as Iterable<readonly [unknown, unknown]>;
      return Object.fromEntries(
        Array.from(entries, ([name, one]) => [`${name}`, nested(of?.type as Typed, one)]),
      );
    }
    case ids.time:
    case ids.timestamp:
      // Within lists and objects the library has made milliseconds of them.
      return timeText(BigInt(Math.round(Number(value) * 1000)), 6, type.timezone ? "Z" : "");
    default: {
      if (arrowKind(type) !== "any") return parseExactJson(textBy(type)(value));
      throw new Error(`its type ${type} cannot be read`);
    }
  }
}

/** Of the words of a decimal, the lowest first. */
function unitsOf(words: Uint32Array): bigint {
  const units = words.reduceRight((sum, word) => (sum << 32n) | BigInt(word), 0n);
  return BigInt.asIntN(32 * words.length, units);
}
