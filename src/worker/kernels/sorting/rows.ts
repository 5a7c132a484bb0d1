/** What is sorted and written of records that are no plain bytes: their keys and their lines. */
import {
  Decimal,
  decimalParts,
  type ExactNumber,
  exactOfParts,
} from "../../../wire/block/decimal.ts";
import { jsonText } from "../../../wire/block/json.ts";
import type { Key } from "../../../wire/block/key.ts";
import type { OperatorSpec, SortSpec } from "../../../wire/block/plan.ts";
import { csvCell } from "../../../wire/block/row.ts";

type Row = string | Readonly<Record<string, unknown>>;

const leadingNumber = /^[ \t]*([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)/i;

export function sortKeyOf({ by, numeric }: SortSpec): (record: Row) => Key {
  const part = numeric ? leadingNumberOf : scalarOf;
  const [only] = by;
  if (by.length === 1 && only !== undefined) {
    return (record) => part(typeof record === "string" ? record : record[only]);
  }
  return (record) => by.map((column) => part(typeof record === "string" ? record : record[column]));
}

/** Arrays and objects are compared by their JSON. */
function scalarOf(value: unknown): Key {
  if (typeof value !== "object" || value === null || value instanceof Decimal) return value as Key;
  return jsonText(value, "sort");
}

/** Null where there is no number, which comes first. Exactly the number, also beyond doubles. */
export function leadingNumberOf(value: unknown): ExactNumber | null {
  // Adding makes zeros equal.
  if (typeof value === "number") return value + 0;
  if (value instanceof Decimal) return value;
  const text = typeof value === "string" ? leadingNumber.exec(value)?.[1] : undefined;
  if (text === undefined) return null;
  const near = Number(text);
  const isShort = text.length <= 15 && Number.isFinite(near) && near !== 0;
  return isShort ? near : exactOfParts(decimalParts(text), near);
}

/** The line that is written of a record. */
export function rowOf({ inputs, output }: OperatorSpec): (record: Row) => string {
  const columns = columnsOf(inputs.default);
  // By name, since an object has names that are whole numbers before all others.
  const names = columns.map((column) => JSON.stringify(column));
  return (record) => {
    if (typeof record === "string") {
      if (output === "csv") return csvLine([record]);
      return output === "text" ? `${record}\n` : `{${names[0]}:${JSON.stringify(record)}}\n`;
    }
    if (output === "csv") return csvLine(columns.map((column) => record[column]));
    const members = columns.map((column, i) => `${names[i]}:${jsonText(record[column], "sort")}`);
    return `{${members.join(",")}}\n`;
  };
}

/** What opens each part that has rows. */
export function headOf({ inputs, output }: OperatorSpec): Uint8Array {
  return Buffer.from(output === "csv" ? csvLine(columnsOf(inputs.default)) : "");
}

function columnsOf(format: OperatorSpec["inputs"][string] | undefined): readonly string[] {
  if (format?.format === "csv") return format.pick ?? format.columns ?? [];
  if (format?.format === "match") return format.columns ?? ["match"];
  if (format?.format === "json") return format.paths;
  return [format?.format === "words" ? "word" : "line"];
}

function csvLine(cells: readonly unknown[]): string {
  return `${cells.map((cell) => csvCell(cell, "sort")).join(",")}\n`;
}
