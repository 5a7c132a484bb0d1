/** The beginning of a result as rows of a table, whatever its format. */
import type { OutputFormat } from "../../core/job.ts";

export type Row = Readonly<Record<string, unknown>>;

/** Of lines of NDJSON, of CSV with a line of names, or of text. `isCut`: the last line may be. */
export function tableOf(text: string, format: OutputFormat): Row[] {
  if (format === "bytes") return [];
  if (format === "csv") return csvRows(text);
  return format === "text" ? textRows(text) : rowsOf(text);
}

/** Whole lines only: the last may be cut off. A line that is not an object has one column. */
export function rowsOf(text: string): Row[] {
  const rows: Row[] = [];
  for (const line of wholeLines(text)) {
    if (line === "") continue;
    try {
      const value: unknown = JSON.parse(line);
      const isRow = typeof value === "object" && value !== null && !Array.isArray(value);
      rows.push(isRow ? (value as Row) : { value });
    } catch {
      return rows;
    }
  }
  return rows;
}

/** Of tasks that failed: number, code, and the first line of the message. */
export function failedRows(text: string): Row[] {
  return rowsOf(text).map(({ code, message, task }) => {
    return { task, code, message: String(message).split("\n", 1)[0] };
  });
}

function wholeLines(text: string): string[] {
  const lines = text.split("\n");
  return text.endsWith("\n") ? lines.slice(0, -1) : lines.slice(0, Math.max(1, lines.length - 1));
}

function textRows(text: string): Row[] {
  return wholeLines(text).map((line) => ({ line }));
}

/** Numbers are numbers, so that they stand to the right and can be charted. */
function csvRows(text: string): Row[] {
  const [names = [], ...records] = csvRecords(text);
  return records.map((fields) =>
    Object.fromEntries(names.map((name, at) => [name, numberIn(fields[at] ?? "")])),
  );
}

function numberIn(field: string): string | number {
  return /^-?(0|[1-9]\d{0,14})(\.\d{1,15})?$/.test(field) ? Number(field) : field;
}

/** Records of RFC 4180 that are whole. */
function csvRecords(text: string): string[][] {
  const records: string[][] = [];
  let fields: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n)/y;
  for (let match = field.exec(text); match !== null; match = field.exec(text)) {
    const [, quoted, plain = "", end] = match;
    fields.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === ",") continue;
    records.push(fields);
    fields = [];
  }
  return records;
}
