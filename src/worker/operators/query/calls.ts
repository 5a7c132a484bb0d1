/** What each function of a query does with its arguments. */
import { ClusterError } from "../../../core/error.ts";
import { compareNumbers, type ExactNumber } from "../../../wire/block/decimal.ts";
import type { FunctionName } from "../../../wire/block/query.ts";
import * as exact from "./arithmetic.ts";
import {
  type DateFields,
  type DateUnit,
  dateFields,
  dateUnits,
  truncated,
  weekdayOf,
} from "./dates.ts";
import { type Cell, compareCells, numberOf, refused, textOf, truthOf } from "./values.ts";

type Call = (...of: Cell[]) => Cell;

/** Those for which a null among the arguments is null. */
const strict: Partial<Record<FunctionName, Call>> = {
  eq: (a, b) => compared(a, b, (order) => order === 0),
  ne: (a, b) => compared(a, b, (order) => order !== 0),
  lt: (a, b) => compared(a, b, (order) => order < 0),
  le: (a, b) => compared(a, b, (order) => order <= 0),
  gt: (a, b) => compared(a, b, (order) => order > 0),
  ge: (a, b) => compared(a, b, (order) => order >= 0),
  not: (a) => opposite(truthOf(a)),
  startsWith: (a, b) => textIn(a).startsWith(textIn(b)),
  endsWith: (a, b) => textIn(a).endsWith(textIn(b)),
  contains: (a, b) => textIn(a).includes(textIn(b)),
  add: (a, b) => both(a, b, exact.add),
  sub: (a, b) => both(a, b, (x, y) => exact.add(x, exact.negate(y))),
  mul: (a, b) => both(a, b, exact.multiply),
  div: (a, b) => both(a, b, exact.divide),
  mod: (a, b) => both(a, b, exact.remainder),
  neg: (a) => one(a, exact.negate),
  abs: (a) => one(a, (x) => (compareNumbers(x, 0) < 0 ? exact.negate(x) : x)),
  floor: (a) => one(a, (x) => exact.rounded(x, 0, "floor")),
  ceil: (a) => one(a, (x) => exact.rounded(x, 0, "ceil")),
  round: (a, decimals = 0) => one(a, (x) => exact.rounded(x, placesOf(decimals), "half")),
  lower: (a) => textIn(a).toLowerCase(),
  upper: (a) => textIn(a).toUpperCase(),
  trim: (a) => textIn(a).replace(/^ +| +$/g, ""),
  length: (a) => [...textIn(a)].length,
  substring: (a, from, count) => substring(textIn(a), from, count),
  replace: (a, find, by) => textIn(a).replaceAll(textIn(find), () => textIn(by)),
  year: (a) => fieldsOf(a)?.year ?? null,
  month: (a) => fieldsOf(a)?.month ?? null,
  day: (a) => fieldsOf(a)?.day ?? null,
  hour: (a) => fieldsOf(a)?.hour ?? null,
  minute: (a) => fieldsOf(a)?.minute ?? null,
  second: (a) => fieldsOf(a)?.second ?? null,
  weekday: (a) => ofFields(a, weekdayOf),
  date: (a) => ofFields(a, (fields) => truncated(fields, "day")),
  truncate: (a, unit) => ofFields(a, (fields) => truncated(fields, unitOf(unit))),
  number: (a) => numberOf(a),
  boolean: (a) => truthOf(a),
  text: (a) => textOf(a),
};

/** Those that see nulls. */
const lenient: Partial<Record<FunctionName, Call>> = {
  between: (a, low, high) =>
    allOf([compared(a, low, (order) => order >= 0), compared(a, high, (order) => order <= 0)]),
  in: (a, ...list) => anyOf(list.map((item) => compared(a, item, (order) => order === 0))),
  isNull: (a) => a === null,
  and: (...of) => allOf(of.map((cell) => truthOf(cell))),
  or: (...of) => anyOf(of.map((cell) => truthOf(cell))),
  concat: (...of) => of.map((cell) => textOf(cell) ?? "").join(""),
  coalesce: (...of) => of.find((cell) => cell !== null) ?? null,
  nullIf: (a, b) => (compareCells(a, b) === 0 ? null : a),
  if: (test, then, otherwise) => (truthOf(test) === true ? then : otherwise),
};

/** The function by its name; null = one that this worker does not know. Those with patterns are
 *  compiled once for all rows: see `patterns.ts`. */
export function callOf(name: FunctionName): Call | null {
  const call = strict[name];
  if (call === undefined) return lenient[name] ?? null;
  return (...of) => (of.some((cell) => cell === null) ? null : call(...of));
}

function compared(a: Cell, b: Cell, holds: (order: number) => boolean): boolean | null {
  const order = compareCells(a, b);
  return order === null ? null : holds(order);
}

/** False when one is, else null when one is. */
function allOf(of: ReadonlyArray<boolean | null>): boolean | null {
  return of.includes(false) ? false : of.includes(null) ? null : true;
}

function anyOf(of: ReadonlyArray<boolean | null>): boolean | null {
  return of.includes(true) ? true : of.includes(null) ? null : false;
}

function opposite(truth: boolean | null): boolean | null {
  return truth === null ? null : !truth;
}

function one(a: Cell, compute: (x: ExactNumber) => ExactNumber): Cell {
  const x = numberOf(a);
  return x === null ? null : compute(x);
}

function both(
  a: Cell,
  b: Cell,
  compute: (x: ExactNumber, y: ExactNumber) => ExactNumber | null,
): Cell {
  const [x, y] = [numberOf(a), numberOf(b)];
  return x === null || y === null ? null : compute(x, y);
}

function textIn(cell: Cell): string {
  return textOf(cell) as string;
}

function placesOf(cell: Cell): number {
  const places = numberOf(cell);
  if (Number.isInteger(places) && Math.abs(places as number) <= 100) return places as number;
  throw refused(cell, "no number of decimals from -100 to 100");
}

/** From a place that is counted from 1. */
function substring(text: string, from: Cell, count: Cell): string {
  const characters = [...text];
  const start = Number(numberOf(from)) - 1;
  const end = count === undefined ? characters.length : start + Number(numberOf(count));
  return characters.slice(Math.max(0, start), Math.max(0, end)).join("");
}

/** Null of an empty text. */
function fieldsOf(cell: Cell): DateFields | null {
  if (cell === "") return null;
  const fields = typeof cell === "string" ? dateFields(cell) : null;
  if (fields !== null) return fields;
  throw refused(cell, "no date; dates are written as 2024-12-31 or 2024-12-31 23:59:59");
}

function ofFields(cell: Cell, of: (fields: DateFields) => Cell): Cell {
  const fields = fieldsOf(cell);
  return fields === null ? null : of(fields);
}

function unitOf(cell: Cell): DateUnit {
  const unit = dateUnits.find((name) => name === cell);
  if (unit !== undefined) return unit;
  const text = `truncate: no unit ${JSON.stringify(cell)}; there are ${dateUnits.join(", ")}`;
  throw new ClusterError("user-error", text);
}
