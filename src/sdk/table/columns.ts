/** The columns of a table: their names in order, and what their cells are. */
import { ClusterError } from "../../core/error.ts";
import { Decimal, decimalParts } from "../../wire/block/decimal.ts";
import { jsonText } from "../../wire/block/json.ts";

/** Null is no value. Arrays and objects are what JSON says. */
export type Cell = null | boolean | number | string | Decimal | readonly unknown[] | object;

export type Column = { readonly name: string; readonly type: ColumnType };

export type ColumnType =
  | { readonly kind: "boolean" | "int64" | "double" | "text" | "json" }
  /** Numbers with more digits than a double has. */
  | { readonly kind: "decimal"; readonly precision: number; readonly scale: number };

const columnsMax = 10_000;
/** Digits of a decimal in Parquet and Arrow. */
const precisionMax = 38;
const int64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n } as const;

type Seen = {
  boolean: boolean;
  integer: boolean;
  /** Whole numbers that no double holds, within 64 bits. */
  long: boolean;
  double: boolean;
  /** Numbers that only a decimal holds. */
  decimal: boolean;
  text: boolean;
  json: boolean;
  /** Digits before and behind the point, of all numbers. */
  whole: number;
  fraction: number;
};

/** Finds the columns that rows have, in the order in which they first come. */
export class ColumnsSeen {
  readonly #seen = new Map<string, Seen>();

  /** `names`: those that come first, whether rows have them or not. */
  constructor(names: readonly string[] = []) {
    for (const name of names) this.#of(name);
  }

  add(name: string, cell: Cell): void {
    const seen = this.#of(name);
    if (cell === null) return;
    if (typeof cell === "string") seen.text = true;
    else if (typeof cell === "boolean") seen.boolean = true;
    else if (typeof cell === "number") addNumber(seen, cell);
    else if (cell instanceof Decimal) addDecimal(seen, cell);
    else seen.json = true;
  }

  get columns(): readonly Column[] {
    return [...this.#seen].map(([name, seen]) => ({ name, type: typeOf(seen) }));
  }

  #of(name: string): Seen {
    const known = this.#seen.get(name);
    if (known !== undefined) return known;
    if (this.#seen.size >= columnsMax) {
      const text = `the table has more than ${columnsMax} columns; use output: "ndjson"`;
      throw new ClusterError("limit-exceeded", text);
    }
    const seen: Seen = {
      boolean: false,
      integer: false,
      long: false,
      double: false,
      decimal: false,
      text: false,
      json: false,
      whole: 0,
      fraction: 0,
    };
    this.#seen.set(name, seen);
    return seen;
  }
}

function addNumber(seen: Seen, cell: number): void {
  if (Number.isSafeInteger(cell)) seen.integer = true;
  else if (Number.isInteger(cell) && Math.abs(cell) < 2 ** 63) seen.long = true;
  else seen.double = true;
  digitsOf(seen, `${cell}`);
}

function addDecimal(seen: Seen, { text }: Decimal): void {
  const whole = /^-?\d{1,19}$/.test(text) ? BigInt(text) : null;
  if (whole !== null && whole >= int64.min && whole <= int64.max) seen.long = true;
  else seen.decimal = true;
  digitsOf(seen, text);
}

function digitsOf(seen: Seen, text: string): void {
  // Nearly all numbers: the digits are what is written.
  if (text.length <= seen.whole && !text.includes(".") && !text.includes("e")) return;
  const { digits, power } = decimalParts(text)!;
  seen.whole = Math.max(seen.whole, power);
  seen.fraction = Math.max(seen.fraction, digits.length - power);
}

/** Cells of different kinds are texts. */
function typeOf(seen: Seen): ColumnType {
  const isNumber = seen.integer || seen.long || seen.double || seen.decimal;
  const kinds = [seen.boolean, isNumber, seen.text, seen.json].filter((is) => is).length;
  if (kinds !== 1 || seen.text) return { kind: "text" };
  if (seen.boolean) return { kind: "boolean" };
  if (seen.json) return { kind: "json" };
  if (!seen.double && !seen.decimal) return { kind: "int64" };
  if (!seen.decimal && !seen.long) return { kind: "double" };
  const precision = Math.max(seen.whole, 0) + Math.max(seen.fraction, 0);
  if (precision > precisionMax) return { kind: "double" };
  return { kind: "decimal", precision, scale: Math.max(seen.fraction, 0) };
}

/** A decimal as a whole number of units of its column's scale. */
export function unscaled(cell: number | Decimal, scale: number): bigint {
  const { digits, negative, power } = decimalParts(`${cell}`)!;
  if (digits === "") return 0n;
  const units = BigInt(digits) * 10n ** BigInt(scale - (digits.length - power));
  return negative ? -units : units;
}

/** A cell in a column of texts. */
export function textOf(cell: Cell): string {
  if (typeof cell === "string") return cell;
  return cell instanceof Decimal ? cell.text : jsonText(cell, "the result");
}
