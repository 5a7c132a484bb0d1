/** Reads the parts of a result: lines as `wire/block/row.ts` writes them, and tables. */
import type { JobResult } from "../sdk/job-result.ts";
import { linesOf } from "../sdk/table/lines.ts";

type Row = readonly [key: unknown, value: unknown];

/** Pairs as `[key, value]`, rows of tables as objects, lines as they are; of CSV and text all
 *  values are texts. */
export async function* rowsOf(
  { format, shape }: Pick<JobResult, "format" | "shape">,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<unknown, void> {
  if (shape === undefined && format === "csv") {
    yield* csvRows(chunks);
    return;
  }
  const read = format === "text" ? textReader(shape) : shape?.of === "rows" ? JSON.parse : jsonRow;
  for await (const line of linesOf(chunks)) yield read(line);
}

function textReader(shape: JobResult["shape"]): (line: string) => unknown {
  if (shape?.of === "lines") return (line) => line;
  if (shape?.of !== "rows") return textRow;
  const { columns } = shape;
  return (line) => {
    const cells = line.split("\t");
    return Object.fromEntries(columns.map((name, i) => [name, unescapedCell(cells[i] ?? "")]));
  };
}

function jsonRow(line: string): Row {
  const { key, value } = JSON.parse(line) as { readonly key: unknown; readonly value: unknown };
  return [key, value];
}

const unescaped: Readonly<Record<string, string>> = {
  "\\t": "\t",
  "\\n": "\n",
  "\\r": "\r",
  "\\\\": "\\",
};

function textRow(line: string): Row {
  const tab = line.indexOf("\t");
  // The summary of an older job does not tell lines from pairs.
  const [key, value] = tab === -1 ? [line, ""] : [line.slice(0, tab), line.slice(tab + 1)];
  return [unescapedCell(key), unescapedCell(value)];
}

function unescapedCell(cell: string): string {
  return cell.replace(/\\[tnr\\]/g, (found) => unescaped[found]!);
}

/** Records end with a newline outside of quotes; the first is the header. */
async function* csvRows(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<object, void> {
  let record = "";
  let names: readonly string[] | null = null;
  for await (const line of linesOf(chunks)) {
    record = record === "" ? line : `${record}\n${line}`;
    if ((record.split('"').length - 1) % 2 === 1) continue;
    const cells = cellsOf(record);
    if (names === null) names = cells;
    else yield Object.fromEntries(names.map((name, i) => [name, cells[i] ?? ""]));
    record = "";
  }
}

function cellsOf(record: string): string[] {
  // The last match is the empty one at the end.
  const cells = [...record.matchAll(/("(?:[^"]|"")*"|[^,]*)(,|$)/g)];
  const end = cells.findIndex(([, , separator]) => separator === "");
  return cells
    .slice(0, end + 1)
    .map(([, cell = ""]) =>
      cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell,
    );
}
