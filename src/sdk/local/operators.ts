/** Operators as the judge understands them: plain functions for all that the cluster does with
 *  kernels. Nothing here is shared with the worker. */
import { ClusterError } from "../../core/error.ts";
import {
  beyondSums,
  compareNumbers,
  Decimal,
  type ExactNumber,
  exactNumber,
} from "../../wire/block/decimal.ts";
import type { ApplySpec, JoinSpec, OperatorSpec } from "../../wire/block/plan.ts";
import type { AnyMapReduce, Key } from "../job.ts";

type Pair = readonly [key: Key, value: unknown];
type Row = string | Readonly<Record<string, unknown>>;
type Options = AnyMapReduce["options"];

export type Judged = {
  /** What the operator does, as a job. No `combine`: all values of a key are seen at once. */
  readonly job: AnyMapReduce;
  /** What is done with the pairs of each partition in the end. */
  readonly last?: (pairs: readonly Pair[]) => readonly Pair[];
};

/** Sorting and queries have judges of their own: `sorting.ts`, `query/run.ts`. */
type PairsSpec = Exclude<ApplySpec, { operator: "sort" | "query" }>;

export function judgeOf(operator: OperatorSpec, apply: PairsSpec): Judged {
  const { last } = operator;
  const all = judgedWhole(operator, apply);
  const isCount = apply.operator === "count" && apply.by.length === 0;
  if (isCount) return { ...all, last: (pairs) => (pairs.length === 0 ? [[null, 0]] : pairs) };
  if (last === null) return all;
  const sign = last.order === "ascending" ? 1 : -1;
  const numberOf = (pair: Pair) => pair[1] as ExactNumber;
  const compare = (a: Pair, b: Pair) => sign * compareNumbers(numberOf(a), numberOf(b));
  // Sorting is stable, and the pairs come in the order of their keys.
  return { ...all, last: (pairs) => [...pairs].sort(compare).slice(0, last.count) };
}

function judgedWhole(operator: OperatorSpec, apply: PairsSpec): Judged {
  switch (apply.operator) {
    case "count":
      return judged(operator, (row) => [keyOf(row, apply.by), 1], { reduce: countAll });
    case "sum":
      return judged(operator, numberIn(apply), {
        reduce: (_, texts) => sumOf(texts, apply.column),
      });
    case "min":
      return judged(operator, numberIn(apply), { reduce: (_, texts) => sorted(texts).at(0) });
    case "max":
      return judged(operator, numberIn(apply), { reduce: (_, texts) => sorted(texts).at(-1) });
    case "join": {
      const { left, right } = apply.on;
      const rowOf = (row: Row, input: string): Pair => [
        keyOf(row, [input === "left" ? left : right]),
        { [input]: row },
      ];
      return judged(operator, rowOf, {
        reduce: (key, rows, { emit }) => joined(apply, key, rows, emit),
      });
    }
  }
}

type Side = { readonly left?: unknown; readonly right?: unknown };

function joined(
  { kind }: JoinSpec,
  key: Key,
  values: Iterable<unknown>,
  emit: (key: Key, value: unknown) => void,
): void {
  const rows = [...values] as Side[];
  const lefts = rows.filter((row) => Object.hasOwn(row, "left"));
  const rights = rows.filter((row) => Object.hasOwn(row, "right"));
  if (key !== null && lefts.length > 0 && rights.length > 0) {
    for (const { left } of lefts) for (const { right } of rights) emit(key, { left, right });
    return;
  }
  if (kind === "left" || kind === "outer") {
    for (const { left } of lefts) emit(key, { left, right: null });
  }
  if (kind === "right" || kind === "outer") {
    for (const { right } of rights) emit(key, { left: null, right });
  }
}

/** Each record of each input gives a pair or none. */
function judged(
  { inputs }: OperatorSpec,
  pairOf: (row: Row, input: string) => Pair | null,
  options: Options,
): Judged {
  const entries = Object.entries(inputs).map(([name, input]) => {
    const map = (row: Row, emit: (key: Key, value: unknown) => void) => {
      const pair = pairOf(row, name);
      if (pair !== null) emit(...pair);
    };
    return [name, { input, map }];
  });
  return { job: { kind: "map-reduce", inputs: Object.fromEntries(entries), options } };
}

function cell(row: Row, column: string): unknown {
  return typeof row === "string" ? row : row[column];
}

export function keyOf(row: Row, by: readonly string[]): Key {
  const parts = by.map((column) => {
    const value = cell(row, column);
    if (value === null || typeof value !== "object") return value as Key;
    if (value instanceof Decimal) return value;
    const what = Array.isArray(value) ? "an array" : "an object";
    const text = `"${column}" is ${what}, and records are grouped by`;
    throw new ClusterError("user-error", `${text} texts, numbers, booleans and null`);
  });
  if (parts.length > 1) return parts;
  return parts[0] ?? null;
}

function countAll(_: Key, ones: Iterable<unknown>): number {
  return [...ones].length;
}

/** The key and the text of the number; nothing where there is none. */
export function numberIn({
  by,
  column,
}: Pick<Extract<ApplySpec, { column: string }>, "by" | "column">) {
  return (row: Row): Pair | null => {
    const value = cell(row, column);
    if (value === null || value === "") return null;
    const text = String(value).replace(/^[ \t]+|[ \t]+$/g, "");
    const isNumber = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text);
    const power = Math.abs(Number(/e(.*)/i.exec(text)?.[1] ?? 0));
    const isKind = ["string", "number"].includes(typeof value) || value instanceof Decimal;
    const isShort = String(value).length <= 400;
    if (isKind && isNumber && isShort && power <= 400 && Number.isFinite(Number(text))) {
      return [keyOf(row, by), text];
    }
    const shown = JSON.stringify(value)?.slice(0, 100);
    const problem = isKind && isNumber ? `is ${beyondSums}` : "is no number";
    throw new ClusterError("user-error", `"${column}" is ${shown}, which ${problem}`);
  };
}

function sorted(texts: Iterable<unknown>): ExactNumber[] {
  const numbers = [...texts].map((text) => exactNumber(String(text)) as ExactNumber);
  return numbers.sort(compareNumbers);
}

/** All as whole numbers of the smallest unit that any of them has. */
export function sumOf(texts: Iterable<unknown>, column: string): ExactNumber {
  const units = 800;
  let sum = 0n;
  for (const text of texts) {
    const [mantissa = "", power = "0"] = String(text).toLowerCase().split("e");
    const [whole = "", fraction = ""] = mantissa.replace(/[+-]/, "").split(".");
    const digits =
      BigInt(whole + fraction) * 10n ** BigInt(units + Number(power) - fraction.length);
    sum += mantissa.startsWith("-") ? -digits : digits;
  }
  const result = exactNumber(`${sum}e-${units}`);
  if (result !== null) return result;
  const text = `the sum of "${column}" is beyond ${Number.MAX_VALUE}, the greatest number`;
  throw new ClusterError("user-error", `${text} of a result; sum a smaller unit of it`);
}
