/** What is sorted and written of records that are no plain bytes: their keys and their lines. */
import { jsonText } from "../../../wire/block/json.ts";
import type { Key } from "../../../wire/block/key.ts";
import type { OperatorSpec, SortSpec } from "../../../wire/block/plan.ts";
import { csvCell } from "../../../wire/block/row.ts";

type Row = string | Readonly<Record<string, unknown>>;

const leadingNumber = /^[ \t]*([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)/i;

export function sortKeyOf({ by, numeric }: SortSpec): (record: Row) => Key {
  const part = numeric ? numberOf : scalarOf;
  const [only] = by;
  if (by.length === 1 && only !== undefined) {
    return (record) => part(typeof record === "string" ? record : record[only]);
  }
  return (record) => by.map((column) => part(typeof record === "string" ? record : record[column]));
}

/** Arrays and objects are compared by their JSON. */
function scalarOf(value: unknown): Key {
  if (typeof value !== "object" || value === null) return value as Key;
  return jsonText(value, "sort");
}

/** Null where there is no number, which comes first. */
function numberOf(value: unknown): number | null {
  let number = Number.NaN;
  if (typeof value === "number") number = value;
  else if (typeof value === "string") number = Number(leadingNumber.exec(value)?.[1] ?? Number.NaN);
  // Adding makes zeros equal.
  return Number.isFinite(number) ? number + 0 : null;
}

/** The line that is written of a record. */
export function rowOf({ output }: OperatorSpec): (record: Row) => string {
  return (record) => {
    if (typeof record === "string") return `${record}\n`;
    return output === "csv" ? csvLine(Object.values(record)) : `${jsonText(record, "sort")}\n`;
  };
}

/** What opens each part that has rows. */
export function headOf({ inputs, output }: OperatorSpec): Uint8Array {
  return Buffer.from(output === "csv" ? csvLine(columnsOf(inputs.default)) : "");
}

function columnsOf(format: OperatorSpec["inputs"][string] | undefined): readonly string[] {
  if (format?.format === "csv") return format.pick ?? format.columns ?? [];
  if (format?.format === "match") return format.columns ?? [];
  return format?.format === "json" ? format.paths : [];
}

function csvLine(cells: readonly unknown[]): string {
  return `${cells.map((cell) => csvCell(cell, "sort")).join(",")}\n`;
}
