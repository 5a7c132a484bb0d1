/** Whether rows between two bounds can be ones for which a test is true: groups of rows for which
 *  none can are not read. */
import type { Expression } from "../wire/block/query.ts";

export type Bound = number | bigint | string;
/** The least and the greatest value of a column; null when they are not known. */
export type Bounds = (column: string) => readonly [least: Bound, most: Bound] | null;

/** False only when the test is true for no row. */
export function mayHold(test: Expression, bounds: Bounds): boolean {
  if (!("call" in test)) return true;
  const { call, of } = test;
  if (call === "and") return of.every((one) => mayHold(one, bounds));
  if (call === "or") return of.some((one) => mayHold(one, bounds));
  const [first, second] = of;
  if (first === undefined || second === undefined) return true;
  if (call in mirrored && "value" in first && "column" in second) {
    return mayHold({ call: mirrored[call as keyof typeof mirrored], of: [second, first] }, bounds);
  }
  if (!("column" in first)) return true;
  const found = bounds(first.column);
  const values = of.slice(1).map(constantOf);
  if (found === null || values.includes(null)) return true;
  return within(call, found, values as Bound[]);
}

const mirrored = { eq: "eq", lt: "gt", le: "ge", gt: "lt", ge: "le" } as const;

function within(call: string, [least, most]: readonly [Bound, Bound], values: Bound[]): boolean {
  const [value, end] = values as [Bound, Bound | undefined];
  // As numbers or as texts; where they differ in that, nothing is known.
  const all = [least, most, ...values].map((one) => typeof one === "string");
  if (all.includes(true) && all.includes(false)) return true;
  switch (call) {
    case "eq":
      return isAtMost(least, value) && isAtMost(value, most);
    case "in":
      return values.some((one) => isAtMost(least, one) && isAtMost(one, most));
    case "lt":
      return !isAtMost(value, least);
    case "le":
      return isAtMost(least, value);
    case "gt":
      return !isAtMost(most, value);
    case "ge":
      return isAtMost(value, most);
    case "between":
      return end === undefined || (isAtMost(least, end) && isAtMost(value, most));
    default:
      return true;
  }
}

/** Numbers by value, texts by their UTF-8 bytes. */
function isAtMost(a: Bound, b: Bound): boolean {
  if (typeof a !== "string" || typeof b !== "string") return a <= b;
  for (let i = 0; i < a.length && i < b.length; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x === y) continue;
    // Halves of characters beyond U+FFFF come behind all others.
    const isFarX = x >= 0xd800 && x <= 0xdfff;
    const isFarY = y >= 0xd800 && y <= 0xdfff;
    return isFarX === isFarY ? x < y : isFarY;
  }
  return a.length <= b.length;
}

function constantOf(expression: Expression): Bound | null {
  if (!("value" in expression)) return null;
  const { value } = expression;
  return typeof value === "number" || typeof value === "string" ? value : null;
}
