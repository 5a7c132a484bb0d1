/** CSV as the judge reads it: one character after the other, by the rules of task processes. */
import { ClusterError } from "../../core/error.ts";
import type { FormatSpec } from "../format.ts";
import { type Line, type SourceRecord, withoutReturn } from "./record.ts";

type CsvFormat = Extract<FormatSpec, { format: "csv" }>;

export type CsvPiece = {
  readonly file: string;
  /** First line of the file, when the piece starts behind it. */
  readonly first: Line | null;
  readonly lines: Iterable<Line>;
};

/** What a header line may have when the file has several splits, in bytes. */
const headMaxBytes = 16 * 1024 * 1024;
/** Longest record over several lines, in characters. */
const multilineMaxCharacters = 256 * 1024 * 1024;

export function* csvRecords(piece: CsvPiece, format: CsvFormat): Generator<SourceRecord, void> {
  const { file, first, lines } = piece;
  let columns = format.columns;
  if (columns !== null) checkColumns(columns, format, file);
  if (format.header && columns === null && first !== null) {
    columns = namesIn(first.bytes.length > headMaxBytes ? null : first.text, format, file);
  }
  let isHeader = format.header && first === null;
  const rows = format.multiline ? joinQuoted(lines, format.separator) : lines;
  for (const { offset, text: row, problem } of rows) {
    const text = withoutReturn(row);
    if (problem !== undefined) {
      yield { kind: "bad", offset, text, problem };
      continue;
    }
    if (isHeader) {
      isHeader = false;
      columns ??= namesIn(text, format, file);
    } else if (text !== "") {
      yield picked(csvRecord(offset, text, columns, format.separator), format);
    }
  }
}

/** The names in a header line; null when the line is too long to be one. */
function namesIn(line: string | null, format: CsvFormat, file: string): readonly string[] {
  if (line === null) {
    const text = `${file}: no header line in its first 16 MiB`;
    throw new ClusterError("bad-request", `${text}; use csv({ header: false, columns: […] })`);
  }
  const names = csvFields(withoutReturn(line), format.separator);
  if (names === null) throw new ClusterError("bad-request", `${file}: the header line is not CSV`);
  checkColumns(names, format, file);
  return names;
}

function checkColumns(names: readonly string[], { pick }: CsvFormat, file: string): void {
  const used = names.filter((name) => pick === undefined || pick.includes(name));
  const twice = used.find((name, i) => used.indexOf(name) !== i);
  if (twice !== undefined || used.includes("__proto__")) {
    const what =
      twice === undefined ? "a column __proto__" : `two columns ${JSON.stringify(twice)}`;
    throw new ClusterError(
      "bad-request",
      `${file} has ${what}; rename one, or name all in a job file: ` +
        "csv({ header: …, columns: […] })",
    );
  }
  const missing = pick?.find((name) => !names.includes(name));
  if (missing === undefined) return;
  throw new ClusterError(
    "bad-request",
    `${file} has no column ${JSON.stringify(missing)}; it has ${names.join(", ")}`,
  );
}

function picked(record: SourceRecord, { pick }: CsvFormat): SourceRecord {
  if (pick === undefined || record.kind === "bad") return record;
  const whole = record.value as Readonly<Record<string, string>>;
  return { ...record, value: Object.fromEntries(pick.map((name) => [name, whole[name]])) };
}

function csvRecord(
  offset: number,
  text: string,
  columns: readonly string[] | null,
  separator: string,
): SourceRecord {
  const fields = csvFields(text, separator);
  if (fields === null) {
    return { kind: "bad", offset, text, problem: "its quotes are not closed or misplaced" };
  }
  if (columns === null) return { kind: "record", offset, value: fields };
  if (fields.length !== columns.length) {
    const problem = `${fields.length} fields where ${columns.length} columns are named`;
    return { kind: "bad", offset, text, problem };
  }
  const value = Object.fromEntries(columns.map((name, i) => [name, fields[i]]));
  return { kind: "record", offset, value };
}

/** RFC 4180, one character after the other; null when the quotes are not in order. */
export function csvFields(line: string, separator: string): string[] | null {
  const fields: string[] = [];
  let field = "";
  let state: "start" | "plain" | "quoted" | "closed" = "start";
  for (let i = 0; i < line.length; i++) {
    const char = line.charAt(i);
    if (state === "quoted") {
      if (char !== '"') field += char;
      else if (line.charAt(i + 1) === '"') {
        field += char;
        i++;
      } else state = "closed";
    } else if (char === separator) {
      fields.push(field);
      [field, state] = ["", "start"];
    } else if (state === "closed") return null;
    else if (char === '"') {
      if (state === "plain") return null;
      state = "quoted";
    } else [field, state] = [field + char, "plain"];
  }
  if (state === "quoted") return null;
  return [...fields, field];
}

type Quotes = "field" | "plain" | "quoted" | "closed" | "broken";

/** Joins lines from a quote that opens a field to the one that closes it. What nothing closes, or
 *  closes in the wrong place, begins with a line by itself. */
function* joinQuoted(lines: Iterable<Line>, separator: string): Generator<Line, void> {
  const all = [...lines];
  for (let first = 0; first < all.length; ) {
    const parts: string[] = [];
    let characters = 0;
    let quotes: Quotes = "field";
    let next = first;
    do {
      const { text } = all[next++]!;
      quotes = quotesAfter(withoutReturn(text), separator, quotes);
      parts.push(text);
      characters += text.length;
    } while (quotes === "quoted" && next < all.length && characters < multilineMaxCharacters);
    const isWhole = quotes !== "quoted" && quotes !== "broken";
    const text = parts.join("");
    const bad = all.slice(first, next).find(({ problem }) => problem !== undefined);
    if (!isWhole) yield all[first]!;
    else yield { ...(bad ?? all[first]!), text, offset: all[first]!.offset };
    first = isWhole ? next : first + 1;
  }
}

function quotesAfter(line: string, separator: string, before: Quotes): Quotes {
  let quotes = before;
  for (let i = 0; i < line.length; i++) {
    const char = line.charAt(i);
    if (quotes === "quoted") {
      if (char === '"' && line.charAt(i + 1) === '"') i++;
      else if (char === '"') quotes = "closed";
    } else if (char === separator) quotes = "field";
    else if (quotes === "closed") return "broken";
    else quotes = quotes === "field" && char === '"' ? "quoted" : "plain";
  }
  return quotes;
}
