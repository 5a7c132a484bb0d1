/** Cells of Parquet as texts of JSON, by what their column is. */
import type { DecodedArray, ParquetParsers, SchemaElement } from "hyparquet";
import { parseExactJson } from "../wire/block/decimal.ts";
import { jsonText } from "../wire/block/json.ts";
import type { CellKind } from "./file.ts";
import {
  clockText,
  dayText,
  lossyText,
  scaledText,
  singleText,
  timeText,
  utf8Text,
} from "./lines.ts";

const decimals = { MILLIS: 3, MICROS: 6, NANOS: 9 } as const;

/** What the library makes of values whose type is not among JSON's. Times are texts that say UTC;
 *  of columns that are of no zone it is taken away again. */
export const parsers: Partial<ParquetParsers> = {
  dateFromDays: (days) => (days === undefined ? undefined : dayText(days)),
  timestampFromMilliseconds: (value) => timeOf(value, 3),
  timestampFromMicroseconds: (value) => timeOf(value, 6),
  timestampFromNanoseconds: (value) => timeOf(value, 9),
  stringFromBytes: (bytes) => (bytes === undefined ? undefined : utf8Text(bytes)),
  jsonFromBytes: (bytes) => (bytes === undefined ? undefined : parseExactJson(utf8Text(bytes))),
};

/** Of statistics: those of bytes that are no text must not keep the file from being read. */
export const boundParsers: Partial<ParquetParsers> = {
  ...parsers,
  stringFromBytes: (bytes) => (bytes === undefined ? undefined : lossyText(bytes)),
};

function timeOf(value: bigint | undefined, unit: number): string | undefined {
  return value === undefined ? undefined : timeText(BigInt(value), unit, "Z");
}

/** Scale of a decimal, else null. */
export function scaleOf({ converted_type, logical_type, scale }: SchemaElement): number | null {
  if (logical_type?.type === "DECIMAL") return logical_type.scale;
  return converted_type === "DECIMAL" ? (scale ?? 0) : null;
}

export function kindOf(element: SchemaElement): CellKind {
  const { converted_type, logical_type, type } = element;
  if (element.num_children !== undefined && element.num_children > 0) return "any";
  if (scaleOf(element) !== null) return "number";
  if (type === "BOOLEAN") return "boolean";
  const logical = logical_type?.type;
  if (converted_type === "JSON" || logical === "JSON") return "any";
  if (logical === "FLOAT16") return "number";
  if (type === "BYTE_ARRAY" || type === "FIXED_LEN_BYTE_ARRAY" || type === "INT96") return "text";
  const isTime = logical === "DATE" || logical === "TIME" || logical === "TIMESTAMP";
  return isTime || /^(DATE|TIME)/.test(converted_type ?? "") ? "text" : "number";
}

/** Decimals have been read without their type, since the library makes doubles of them: `scale`. */
export function cellsOf(
  element: SchemaElement,
  values: DecodedArray,
  scale: number | null,
): (row: number) => string {
  const of = (text: (value: NonNullable<unknown>) => string) => (row: number) => {
    const value: unknown = values[row];
    return value === null || value === undefined ? "null" : text(value);
  };
  if (scale !== null) return of((value) => scaledText(unitsOf(value), scale));
  const { converted_type, logical_type, type } = element;
  if (logical_type?.type === "TIMESTAMP" && !logical_type.isAdjustedToUTC) {
    return of((value) => JSON.stringify(`${value}`.slice(0, -1)));
  }
  const unit = timeUnit(element);
  if (unit !== null) {
    return of((value) => JSON.stringify(clockText(BigInt(value as bigint), unit)));
  }
  if (type === "FLOAT") return of((value) => singleText(value as number));
  if (type === "DOUBLE" || logical_type?.type === "FLOAT16") return of(numberText);
  const isWhole = type === "INT32" || type === "INT64";
  if (isWhole && converted_type !== "DATE" && kindOf(element) === "number") {
    return of((value) => `${value}`);
  }
  if (kindOf(element) === "text") {
    const isBytes = type === "BYTE_ARRAY";
    const column = `the column ${JSON.stringify(element.name)}`;
    return of((value) => {
      if (typeof value === "string") return JSON.stringify(value);
      if (isBytes && value instanceof Uint8Array) return JSON.stringify(utf8Text(value, column));
      return jsonText(value, "a column");
    });
  }
  return of((value) => jsonText(plain(value), "a column"));
}

function timeUnit({ converted_type, logical_type }: SchemaElement): number | null {
  if (logical_type?.type === "TIME") return decimals[logical_type.unit];
  if (converted_type === "TIME_MILLIS") return 3;
  return converted_type === "TIME_MICROS" ? 6 : null;
}

function numberText(value: unknown): string {
  return Number.isFinite(value) ? `${value}` : "null";
}

function unitsOf(value: unknown): bigint {
  if (!(value instanceof Uint8Array)) return BigInt(value as number | bigint);
  const units = value.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return BigInt.asIntN(8 * value.length, units);
}

/** What is nested in lists and objects, as `jsonText` takes it. */
function plain(value: unknown): unknown {
  if (typeof value === "bigint") return parseExactJson(`${value}`);
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) {
    return value ?? null;
  }
  if (value instanceof Date) return value.toISOString();
  if (ArrayBuffer.isView(value)) return Array.from(value as never, plain);
  if (Array.isArray(value)) return value.map(plain);
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plain(one)]));
}
