/** The values of rows: what counts as a number, a text or a date, and how two compare. */
import { ClusterError } from "../../../core/error.ts";
import {
  beyondNumbers,
  compareNumbers,
  Decimal,
  type ExactNumber,
  exactNumber,
} from "../../../wire/block/decimal.ts";
import { jsonText } from "../../../wire/block/json.ts";
import type { Key } from "../../../wire/block/key.ts";

/** Null, a boolean, a number, a text, or a list or object of JSON. */
export type Cell = unknown;
export type Row = readonly Cell[];

const number = /^[ \t]*([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)[ \t]*$/i;

const plain = /^[\d.+-][\d.]*$/;

/** Null of null and of an empty text. What is no number is a bad record. `beside`: what it is
 *  compared with, for the error. */
export function numberOf(cell: Cell, beside?: Cell): ExactNumber | null {
  if (typeof cell === "number" || cell instanceof Decimal) return cell;
  if (cell === null || cell === "") return null;
  if (typeof cell === "string") {
    // Up to 15 characters are at most 15 digits, which are those of the nearest double.
    if (cell.length <= 15 && plain.test(cell)) {
      const near = Number(cell);
      if (Number.isFinite(near)) return near + 0;
    }
    const text = number.exec(cell)?.[1];
    const found = exactNumber(text ?? "");
    if (found !== null) return found;
    if (text !== undefined) throw refused(cell, beyondNumbers, beside);
  }
  throw refused(cell, "no number", beside);
}

/** Null of null. A number as it is written, a list or an object as JSON. */
export function textOf(cell: Cell): string | null {
  if (typeof cell === "string" || cell === null) return cell;
  return typeof cell === "object" ? jsonText(cell, "a query") : `${cell as number}`;
}

/** Null of null and of an empty text. A text says it in letters of any case; all else is a bad
 *  record. `beside` as of `numberOf`. */
export function truthOf(cell: Cell, beside?: Cell): boolean | null {
  if (typeof cell === "boolean" || cell === null) return cell;
  if (cell === "") return null;
  const text = typeof cell === "string" && cell.length <= 5 ? cell.toLowerCase() : "";
  if (text === "true" || text === "false") return text === "true";
  throw refused(cell, "neither true nor false", beside);
}

/** Numbers when one of them is a number, booleans when one is a boolean, else texts; null when one
 *  of them is null. */
export function compareCells(a: Cell, b: Cell): number | null {
  if (a === null || b === null) return null;
  if (typeof a === "string" && typeof b === "string") return compareTexts(a, b);
  if (isNumber(a) || isNumber(b)) {
    const [left, right] = [numberOf(a, b), numberOf(b, a)];
    return left === null || right === null ? null : compareNumbers(left, right);
  }
  if (typeof a === "boolean" || typeof b === "boolean") {
    const [left, right] = [truthOf(a, b), truthOf(b, a)];
    return left === null || right === null ? null : Number(left) - Number(right);
  }
  return compareTexts(textOf(a) as string, textOf(b) as string);
}

function isNumber(cell: Cell): boolean {
  return typeof cell === "number" || cell instanceof Decimal;
}

/** By their UTF-8 bytes: what JavaScript compares are UTF-16 units. */
export function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const [left, right] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/** Surrogates stand for what is behind U+FFFF. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/** What a row is grouped by. */
export function groupKey(cell: Cell, column: string): Key {
  if (typeof cell !== "object" || cell === null || cell instanceof Decimal) return cell as Key;
  const what = Array.isArray(cell) ? "an array" : "an object";
  const text = `"${column}" is ${what}, and records are grouped by`;
  throw new ClusterError("user-error", `${text} texts, numbers, booleans and null`);
}

/** `beside`: what the cell is compared with. Which of both is the record's, its reader sees. */
export function refused(cell: Cell, what: string, beside?: Cell): ClusterError {
  const more = beside === undefined ? "" : `, and is compared with ${shown(beside)}`;
  return new ClusterError("user-error", `${shown(cell)} is ${what}${more}`);
}

function shown(cell: Cell): string {
  return `${JSON.stringify(cell)}`.slice(0, 100);
}
