/** Which numbers of a result are charted. */
import type { Row } from "./rows.ts";

const barsMax = 25;

/** The largest values, labelled by the first other column. */
export function barsOf(rows: readonly Row[]): {
  key: string;
  value: string;
  bars: Array<[string, number]>;
} | null {
  const [first] = rows;
  if (first === undefined) return null;
  const names = Object.keys(first);
  const value = names.findLast((name) => typeof first[name] === "number");
  const key = names.find((name) => name !== value);
  if (value === undefined || key === undefined) return null;
  const bars = rows
    .filter((row) => typeof row[value] === "number")
    .map((row): [string, number] => [textOf(row[key]), row[value] as number])
    .sort((a, b) => b[1] - a[1])
    .slice(0, barsMax);
  return { key, value, bars };
}

function textOf(key: unknown): string {
  return typeof key === "string" ? key : JSON.stringify(key);
}

/** The message for a chart of these of `records` rows: results lie in the order of their keys, so
 *  that the largest value may be among the others. */
export function titleOf(rows: readonly Row[], records: number): "chart" | "chartOfFirst" {
  return records > rows.length ? "chartOfFirst" : "chart";
}
