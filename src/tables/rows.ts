/** Files that are tables: which there are, what is asked of them, and their rows in groups. Runs
 *  anywhere; the bytes come from those who ask. */
import { ClusterError } from "../core/error.ts";
import type { Plan } from "../wire/block/plan.ts";
import type { Expression } from "../wire/block/query.ts";
import { arrowColumns, arrowGroups, arrowStarts } from "./arrow.ts";
import type { Range, TableColumn, TableFile, Wish } from "./file.ts";
import { parquetColumns, parquetGroups, parquetStarts } from "./parquet.ts";

/** What the operator of a plan asks of the files of an input; other jobs ask all. */
export function wishOf({ operator }: Pick<Plan, "operator">, input: string): Wish {
  const format = operator?.inputs[input];
  if (operator === undefined || format?.format !== "json") return { paths: null, test: null };
  const tests: Expression[] = [];
  for (const step of operator.apply.operator === "query" ? operator.apply.steps : []) {
    if (step.step !== "where") break;
    tests.push(step.test);
  }
  const test = tests.length === 0 ? null : ({ call: "and", of: tests } as const);
  return { paths: format.paths, test };
}

/** The rows of the groups that begin in the range, as lines of JSON with their newlines; group by
 *  group, each in texts of about 256 Ki characters. A group must be read to its end before the
 *  next. Throws `bad-request` for a damaged file, and for a path that leads to no column. */
export async function* rowGroups(
  file: TableFile,
  range: Range,
  wish: Wish,
): AsyncGenerator<Iterable<string>, void> {
  try {
    const groups = file.format === "parquet" ? parquetGroups : arrowGroups;
    for await (const lines of groups(file, range, wish)) yield whole(file, lines);
  } catch (error) {
    throw unreadable(file, error);
  }
}

function* whole(file: TableFile, lines: Iterable<string>): Generator<string, void> {
  try {
    yield* lines;
  } catch (error) {
    throw unreadable(file, error);
  }
}

/** Where the groups of its rows begin, in order. */
export function groupStarts(file: TableFile): Promise<readonly number[]> {
  const starts = file.format === "parquet" ? parquetStarts(file) : arrowStarts(file);
  return starts.catch((error) => {
    throw unreadable(file, error);
  });
}

/** Its columns in order; those of objects with dots. */
export function tableColumns(file: TableFile): Promise<readonly TableColumn[]> {
  const columns = file.format === "parquet" ? parquetColumns(file) : arrowColumns(file);
  return columns.catch((error) => {
    throw unreadable(file, error);
  });
}

const names = { parquet: "Parquet", arrow: "Arrow" } as const;

function unreadable({ format, name }: TableFile, error: unknown): unknown {
  if (error instanceof ClusterError) return error;
  // What the reader of the bytes throws is not the file's fault.
  if (typeof (error as { code?: unknown }).code === "string") return error;
  const text = `${name} cannot be read as ${names[format]}: ${(error as Error).message}`;
  return new ClusterError("bad-request", text, { cause: error });
}
