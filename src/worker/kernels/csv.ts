/** CSV records (RFC 4180) from lines. What cannot be one is a bad record, never a wrong one. */
import { ClusterError } from "../../core/error.ts";
import type { FormatSpec } from "../../wire/block/plan.ts";

export type CsvFormat = Extract<FormatSpec, { format: "csv" }>;

/** Longest record over several lines, in characters: after a stray quote, not the whole file is
 *  swallowed. */
export const multilineMaxCharacters = 16 * 1024 * 1024;

/** The fields of one record, or null when its quotes are not in order. */
export function csvFields(line: string, separator: string): string[] | null {
  if (!line.includes('"')) return line.split(separator);
  const fields: string[] = [];
  for (let at = 0; ; at++) {
    if (line.charCodeAt(at) === 0x22) {
      let field = "";
      let start = at + 1;
      for (;;) {
        const quote = line.indexOf('"', start);
        if (quote === -1) return null;
        at = quote + 1;
        if (line.charCodeAt(at) !== 0x22) {
          fields.push(field + line.slice(start, quote));
          break;
        }
        field += line.slice(start, at);
        start = at + 1;
      }
    } else {
      const end = line.indexOf(separator, at);
      const field = end === -1 ? line.slice(at) : line.slice(at, end);
      if (field.includes('"')) return null;
      fields.push(field);
      at = end === -1 ? line.length : end;
    }
    if (at === line.length) return fields;
    if (line.charAt(at) !== separator) return null;
  }
}

/** The names of the columns, checked: they become the names of fields. */
export function checkedColumns(names: readonly string[], file: string): readonly string[] {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined || names.includes("__proto__")) {
    const problem =
      twice === undefined ? "a column __proto__" : `two columns ${JSON.stringify(twice)}`;
    throw new ClusterError(
      "bad-request",
      `${file} has ${problem}; name the columns with csv({ header: …, columns: […] })`,
    );
  }
  return names;
}

/** How fields become a record. */
export type CsvRow = {
  /** Fields that there must be. */
  readonly width: number;
  /** Where each field of a record lies, in the order of `wanted`. */
  readonly indexes: readonly number[];
  readonly wanted: readonly string[];
  object(fields: readonly string[]): object;
};

/** Of the columns `names` all, or those that are picked. */
export function csvRow(
  names: readonly string[],
  pick: readonly string[] | undefined,
  file: string,
): CsvRow {
  const wanted = pick ?? names;
  const missing = wanted.find((name) => !names.includes(name));
  if (missing !== undefined) {
    throw new ClusterError(
      "bad-request",
      `${file} has no column ${JSON.stringify(missing)}; it has ${names.join(", ")}`,
    );
  }
  const indexes = wanted.map((name) => names.indexOf(name));
  return {
    width: names.length,
    indexes,
    wanted,
    object(fields) {
      const record: Record<string, string> = {};
      for (let i = 0; i < wanted.length; i++) {
        record[wanted[i] as string] = fields[indexes[i] as number] as string;
      }
      return record;
    },
  };
}

/** Joins lines until the quotes are even. Lines come with their newlines, which may be part of a
 *  field. */
export class QuoteJoiner {
  #text = "";
  #open = false;

  /** Whether a record has begun that needs further lines. */
  get pending(): boolean {
    return this.#open;
  }

  /** The whole record without its last newline, once `line` completes it. */
  add(line: string): string | null {
    for (let at = line.indexOf('"'); at !== -1; at = line.indexOf('"', at + 1)) {
      this.#open = !this.#open;
    }
    this.#text += line;
    return this.#open && this.#text.length < multilineMaxCharacters ? null : this.take();
  }

  /** What there is, complete or not. */
  take(): string {
    const text = this.#text;
    this.#text = "";
    this.#open = false;
    if (text.endsWith("\r\n")) return text.slice(0, -2);
    return text.endsWith("\n") ? text.slice(0, -1) : text;
  }
}

/** The columns that a header line names. */
export function headerRow(line: string, format: CsvFormat, file: string): CsvRow {
  const names = csvFields(line, format.separator);
  if (names !== null) return csvRow(checkedColumns(names, file), format.pick, file);
  throw new ClusterError("bad-request", `${file}: the header line is not CSV`);
}

/** The columns that the format names; null when the header line does, or nothing. */
export function namedRow(format: CsvFormat, file: string): CsvRow | null {
  if (format.columns === null) return null;
  return csvRow(checkedColumns(format.columns, file), format.pick, file);
}
