/** Expressions of queries as the judge computes them, one row at a time. Nothing here is shared
 *  with the worker. */
import { ClusterError } from "../../../core/error.ts";
import {
  beyondNumbers,
  compareNumbers,
  Decimal,
  type ExactNumber,
  exactNumber,
} from "../../../wire/block/decimal.ts";
import type { Expression, FunctionName } from "../../../wire/block/query.ts";
import { asJson } from "../rows.ts";
import { over, plus, rest, times, toPlaces } from "./numbers.ts";

export type JudgedRow = Readonly<Record<string, unknown>>;

export function evaluate(expression: Expression, row: JudgedRow): unknown {
  if ("column" in expression) return row[expression.column] ?? null;
  if ("value" in expression) return expression.value;
  const of = expression.of.map((part) => evaluate(part, row));
  const seesNull = sighted[expression.call];
  if (seesNull !== undefined) return seesNull(...of);
  if (of.includes(null)) return null;
  return blind[expression.call]!(...of);
}

type Call = (...of: unknown[]) => unknown;

const sighted: { readonly [name in FunctionName]?: Call } = {
  isNull: (a) => a === null,
  and: (...of) => everyTruth(of, false),
  or: (...of) => everyTruth(of, true),
  in: (a, ...list) => sighted.or!(...list.map((item) => order(a, item, (o) => o === 0))),
  between: (a, low, high) =>
    sighted.and!(
      order(a, low, (o) => o >= 0),
      order(a, high, (o) => o <= 0),
    ),
  concat: (...of) => of.map((cell) => (cell === null ? "" : textOf(cell))).join(""),
  coalesce: (...of) => of.filter((cell) => cell !== null).at(0) ?? null,
  nullIf: (a, b) => (order(a, b, (o) => o === 0) === true ? null : a),
  if: (test, yes, no) => (truth(test) === true ? yes : no),
};

const blind: { readonly [name in FunctionName]?: Call } = {
  eq: (a, b) => order(a, b, (o) => o === 0),
  ne: (a, b) => order(a, b, (o) => o !== 0),
  lt: (a, b) => order(a, b, (o) => o < 0),
  le: (a, b) => order(a, b, (o) => o <= 0),
  gt: (a, b) => order(a, b, (o) => o > 0),
  ge: (a, b) => order(a, b, (o) => o >= 0),
  not: (a) => (truth(a) === null ? null : !truth(a)),
  like: (a, pattern) => isLike([...textOf(a)], [...(pattern as string)]),
  matches: (a, source, flags = "u") =>
    textOf(a).search(new RegExp(source as string, flags as string)) !== -1,
  startsWith: (a, b) => textOf(a).slice(0, textOf(b).length) === textOf(b),
  endsWith: (a, b) => textOf(b) === "" || textOf(a).slice(-textOf(b).length) === textOf(b),
  contains: (a, b) => textOf(a).indexOf(textOf(b)) !== -1,
  add: (a, b) => numeric(a, b, plus),
  sub: (a, b) => numeric(a, b, (x, y) => plus(x, times(y, -1))),
  mul: (a, b) => numeric(a, b, times),
  div: (a, b) => numeric(a, b, over),
  mod: (a, b) => numeric(a, b, rest),
  neg: (a) => numeric(a, -1, times),
  abs: (a) => numeric(a, 0, (x, zero) => (compareNumbers(x, zero) < 0 ? times(x, -1) : x)),
  floor: (a) => numeric(a, 0, (x) => toPlaces(x, 0, "floor")),
  ceil: (a) => numeric(a, 0, (x) => toPlaces(x, 0, "ceil")),
  round: (a, places = 0) => numeric(a, places, (x, to) => toPlaces(x, Number(to), "half")),
  lower: (a) => textOf(a).toLowerCase(),
  upper: (a) => textOf(a).toUpperCase(),
  trim: (a) => textOf(a).replace(/^ */, "").replace(/ *$/, ""),
  length: (a) => Array.from(textOf(a)).length,
  substring: (a, from, count) => {
    const first = Number(numberOf(from));
    const last =
      count === undefined ? Number.POSITIVE_INFINITY : first + Number(numberOf(count)) - 1;
    return Array.from(textOf(a))
      .filter((_, i) => i + 1 >= first && i + 1 <= last)
      .join("");
  },
  replace: (a, find, by) => textOf(a).split(textOf(find)).join(textOf(by)),
  year: (a) => dated(a, ([year]) => year),
  month: (a) => dated(a, ([, month]) => month),
  day: (a) => dated(a, ([, , day]) => day),
  hour: (a) => dated(a, ([, , , hour]) => hour),
  minute: (a) => dated(a, ([, , , , minute]) => minute),
  second: (a) => dated(a, ([, , , , , second]) => second),
  weekday: (a) => dated(a, ([y, m, d]) => new Date(utc(y!, m!, d!)).getUTCDay() || 7),
  date: (a) => dated(a, () => String(a).slice(0, 10)),
  truncate: (a, unit) => dated(a, (fields) => truncated(String(a), fields, unit)),
  number: (a) => numberOf(a),
  boolean: (a) => truth(a),
  text: (a) => textOf(a),
};

/** `decides` when one of them is it; else null when one is null. */
function everyTruth(of: readonly unknown[], decides: boolean): boolean | null {
  const truths = of.map((cell) => truth(cell));
  return truths.includes(decides) ? decides : truths.includes(null) ? null : !decides;
}

export function truth(cell: unknown, other?: unknown): boolean | null {
  if (cell === null || cell === "") return null;
  if (typeof cell === "boolean") return cell;
  if (typeof cell === "string" && /^true$/i.test(cell)) return true;
  if (typeof cell === "string" && /^false$/i.test(cell)) return false;
  throw unlike(cell, "neither true nor false", other);
}

export function numberOf(cell: unknown, other?: unknown): ExactNumber | null {
  if (cell === null || cell === "") return null;
  if (typeof cell === "number" || cell instanceof Decimal) return cell;
  const text = String(cell).replace(/^[ \t]+|[ \t]+$/g, "");
  const isNumber = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text);
  if (typeof cell !== "string" || !isNumber) throw unlike(cell, "no number", other);
  const found = exactNumber(text);
  if (found !== null) return found;
  throw unlike(cell, beyondNumbers, other);
}

function unlike(cell: unknown, what: string, other: unknown): ClusterError {
  const besides = other === undefined ? "" : `, and is compared with ${shown(other)}`;
  return new ClusterError("user-error", `${shown(cell)} is ${what}${besides}`);
}

function shown(cell: unknown): string {
  return JSON.stringify(cell).slice(0, 100);
}

function numeric(
  a: unknown,
  b: unknown,
  compute: (x: ExactNumber, y: ExactNumber) => ExactNumber | null,
): ExactNumber | null {
  const [x, y] = [numberOf(a), numberOf(b)];
  return x === null || y === null ? null : compute(x, y);
}

export function textOf(cell: unknown): string {
  return typeof cell === "string" ? cell : typeof cell === "object" ? asJson(cell) : String(cell);
}

function order(a: unknown, b: unknown, holds: (order: number) => boolean): boolean | null {
  if (a === null || b === null) return null;
  const isNumber = (cell: unknown) => typeof cell === "number" || cell instanceof Decimal;
  if (isNumber(a) || isNumber(b)) {
    const [x, y] = [numberOf(a, b), numberOf(b, a)];
    return x === null || y === null ? null : holds(compareNumbers(x, y));
  }
  if (typeof a === "boolean" || typeof b === "boolean") {
    const [x, y] = [truth(a, b), truth(b, a)];
    return x === null || y === null ? null : holds(Number(x) - Number(y));
  }
  return holds(Buffer.compare(Buffer.from(textOf(a)), Buffer.from(textOf(b))));
}

function isLike(text: readonly string[], pattern: readonly string[]): boolean {
  // Whether the pattern up to j matches the text up to i.
  let before = text.reduce((row) => [...row, false], [true]);
  for (const sign of pattern) {
    const next = [sign === "%" && before[0]!];
    for (const [i, character] of text.entries()) {
      if (sign === "%") next.push(before[i + 1]! || next[i]!);
      else next.push(before[i]! && (sign === "_" || sign === character));
    }
    before = next;
  }
  return before.at(-1)!;
}

type Fields = readonly number[];

function dated(cell: unknown, of: (fields: Fields) => unknown): unknown {
  if (cell === "") return null;
  const [, day, time = ""] =
    typeof cell === "string" ? (/^(\d{4}-\d\d-\d\d)(?:[ T](.*))?$/.exec(cell) ?? []) : [];
  const clock = /^(\d\d):(\d\d)(:(\d\d)(\.\d{1,9})?)?(Z|[+-]\d\d(:?\d\d)?)?$/.exec(time);
  const hasTime = typeof cell === "string" && cell.length > 10;
  if (day !== undefined && (clock !== null || !hasTime)) {
    const [year = 0, month = 0, date = 0] = day.split("-").map(Number);
    const [, hour = 0, minute = 0, , second = 0] = (clock ?? []).map((part) => Number(part ?? 0));
    const exists = new Date(utc(year, month, date)).toISOString().startsWith(day);
    if (month >= 1 && exists && hour < 24 && minute < 60 && second < 60) {
      return of([year, month, date, hour, minute, second]);
    }
  }
  const rule = "no date; dates are written as 2024-12-31 or 2024-12-31 23:59:59";
  throw new ClusterError("user-error", `${shown(cell)} is ${rule}`);
}

function utc(year: number, month: number, day: number): number {
  const date = new Date(0);
  return date.setUTCFullYear(year, month - 1, day);
}

function truncated(text: string, [, month = 1]: Fields, unit: unknown): string {
  const quarter = `${Math.floor((month - 1) / 3) * 3 + 1}`.padStart(2, "0");
  switch (unit) {
    case "year":
      return `${text.slice(0, 4)}-01-01`;
    case "quarter":
      return `${text.slice(0, 4)}-${quarter}-01`;
    case "month":
      return `${text.slice(0, 7)}-01`;
    case "day":
      return text.slice(0, 10);
    case "hour":
      return `${text.slice(0, 10)} ${text.slice(11, 13) || "00"}:00:00`;
    case "minute":
      return `${text.slice(0, 10)} ${text.slice(11, 16) || "00:00"}:00`;
    default:
      throw new ClusterError("user-error", `truncate: no unit ${JSON.stringify(unit)}`);
  }
}
