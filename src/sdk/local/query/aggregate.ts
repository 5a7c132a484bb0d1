/** Aggregates of queries as the judge computes them: of all cells of a column at once. */
import {
  compareNumbers,
  Decimal,
  type ExactNumber,
  exactNumber,
} from "../../../wire/block/decimal.ts";
import type { Key } from "../../../wire/block/key.ts";
import type { AggregateSpec } from "../../../wire/block/query.ts";
import {
  bucketOf,
  countSketchOf,
  estimatedCount,
  estimatedQuantile,
  mergeCounts,
} from "../../../wire/block/sketches.ts";
import { numberIn, sumOf } from "../operators.ts";
import { asJson } from "../rows.ts";
import { textOf } from "./evaluate.ts";
import { over, plus, times } from "./numbers.ts";

/** Throws where a cell is not what the aggregate needs. */
export function checkCell({ as, column, function: name }: AggregateSpec, cell: unknown): void {
  const isNumeric = ["sum", "avg", "quantile", "approxQuantile"].includes(name);
  if (column === null || (!isNumeric && (as === "text" || !["min", "max"].includes(name)))) return;
  numberIn({ by: [], column })({ [column]: cell as never });
}

export function aggregated(spec: AggregateSpec, all: readonly unknown[]): unknown {
  const { as, at = 0.5, column, function: name } = spec;
  if (column === null) return all.length;
  const cells = all.filter((cell) => cell !== null && cell !== "");
  const numbers = () =>
    cells.map((cell) => exactNumber(String(cell).trim()) as ExactNumber).sort(compareNumbers);
  switch (name) {
    case "count":
      return cells.length;
    case "sum":
      return cells.length === 0 ? null : sumOf(numbers(), column);
    case "avg":
      return cells.length === 0 ? null : over(sumOf(numbers(), column), cells.length);
    case "min":
      return (as === "text" ? texts(cells) : numbers()).at(0) ?? null;
    case "max":
      return (as === "text" ? texts(cells) : numbers()).at(-1) ?? null;
    case "countDistinct":
      return new Set(cells.map((cell) => `${typeof cell} ${textOf(cell)}`)).size;
    case "quantile":
      return quantileOf(numbers(), at);
    case "approxCountDistinct": {
      const sketches = cells.map((cell) => countSketchOf(keyOf(cell)));
      return estimatedCount(sketches.length === 0 ? null : sketches.reduce(mergeCounts));
    }
    case "approxQuantile": {
      const buckets: Record<number, number> = {};
      for (const number of numbers()) {
        const bucket = bucketOf(Number(String(number)));
        buckets[bucket] = (buckets[bucket] ?? 0) + 1;
      }
      return estimatedQuantile(cells.length === 0 ? null : buckets, at);
    }
  }
}

function texts(cells: readonly unknown[]): string[] {
  return cells.map(textOf).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

function keyOf(cell: unknown): Key {
  const isNested = typeof cell === "object" && !(cell instanceof Decimal);
  return isNested ? asJson(cell) : (cell as Key);
}

function quantileOf(numbers: readonly ExactNumber[], at: number): ExactNumber | null {
  const place = at * (numbers.length - 1);
  const low = Math.floor(place);
  const [below, above] = [numbers[low], numbers[low + 1]];
  if (below === undefined) return null;
  if (above === undefined || place === low || compareNumbers(below, above) === 0) return below;
  const difference = plus(above, times(below, -1));
  return Number(String(plus(below, times(difference, place - low))));
}
