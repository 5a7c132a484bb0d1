/** CSV records (RFC 4180) from lines. What cannot be one is a bad record, never a wrong one. */
import { ClusterError } from "../../core/error.ts";
import type { FormatSpec } from "../../wire/block/plan.ts";

export type CsvFormat = Extract<FormatSpec, { format: "csv" }>;

/** Longest record over several lines, in characters. */
export const multilineMaxCharacters = 256 * 1024 * 1024;

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

/** The names of the columns, checked: those that are picked (default all) become the names of
 *  fields. */
export function checkedColumns(
  names: readonly string[],
  file: string,
  pick = names,
): readonly string[] {
  const twice = names.find((name, i) => names.indexOf(name) !== i && pick.includes(name));
  if (twice !== undefined || pick.includes("__proto__")) {
    const problem =
      twice === undefined ? "a column __proto__" : `two columns ${JSON.stringify(twice)}`;
    throw new ClusterError(
      "bad-request",
      `${file} has ${problem}; rename one, or name all in a job file: ` +
        "csv({ header: …, columns: […] })",
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

/** A line; `isValid`: its bytes are what the encoding says. */
type Held = { readonly text: string; readonly offset: number; readonly isValid: boolean };

/** Joins the lines of records that go over several: from a quote that opens a field to the one that
 *  closes it. When nothing closes it, or something else follows, the first line alone is the bad
 *  record, and the others are read again: a stray quote costs one row. A record is valid when all
 *  of its lines are. */
export class QuoteJoiner {
  readonly #separator: string;
  readonly #visit: (record: Held) => void;
  /** Lines, with their newlines, of a record that has begun. */
  #held: Held[] = [];
  #characters = 0;
  #state: "field" | "quoted" | "closed" = "field";

  constructor(separator: string, visit: (record: Held) => void) {
    this.#separator = separator;
    this.#visit = visit;
  }

  add(line: Held): void {
    for (let again: Held[] = [line], i = 0; i < again.length; i++) {
      const broken = this.#addOne(again[i] as Held);
      if (broken === null) continue;
      again = [...broken, ...again.slice(i + 1)];
      i = -1;
    }
  }

  /** The piece is over. */
  end(): void {
    while (this.#held.length > 0) for (const line of this.#breakUp()) this.add(line);
  }

  /** The lines that must be read again, or null. */
  #addOne(line: Held): readonly Held[] | null {
    const end = this.#scan(line.text);
    this.#held.push(line);
    this.#characters += line.text.length;
    if (end === "open" && this.#characters < multilineMaxCharacters) return null;
    if (end !== "whole") return this.#breakUp();
    const [{ offset }] = this.#held as [Held];
    const text = withoutEnd(this.#held.map((held) => held.text).join(""));
    const isValid = this.#held.every((held) => held.isValid);
    this.#reset();
    this.#visit({ text, offset, isValid });
    return null;
  }

  #breakUp(): readonly Held[] {
    const [first, ...rest] = this.#held as [Held];
    this.#reset();
    this.#visit({ ...first, text: withoutEnd(first.text) });
    return rest;
  }

  #reset(): void {
    this.#held = [];
    this.#characters = 0;
    this.#state = "field";
  }

  #scan(line: string): "whole" | "open" | "broken" {
    const end = line.length - (line.endsWith("\r\n") ? 2 : line.endsWith("\n") ? 1 : 0);
    for (let at = 0; ; ) {
      if (this.#state === "quoted") {
        const quote = line.indexOf('"', at);
        if (quote === -1) return "open";
        at = quote + 1;
        if (line.charCodeAt(at) === 0x22) at++;
        else this.#state = "closed";
        continue;
      }
      if (this.#state === "field" && line.charCodeAt(at) === 0x22) {
        this.#state = "quoted";
        at++;
        continue;
      }
      const next = line.indexOf(this.#separator, at);
      if (this.#state === "closed" && at < end && next !== at) return "broken";
      if (next === -1 || at >= end) return "whole";
      this.#state = "field";
      at = next + 1;
    }
  }
}

function withoutEnd(text: string): string {
  if (text.endsWith("\r\n")) return text.slice(0, -2);
  return text.endsWith("\n") ? text.slice(0, -1) : text;
}

/** The columns that a header line names. */
export function headerRow(line: string, format: CsvFormat, file: string): CsvRow {
  const names = csvFields(line, format.separator);
  if (names === null) {
    throw new ClusterError("bad-request", `${file}: the header line is not CSV`);
  }
  const { pick } = format;
  return csvRow(checkedColumns(names, file, pick), pick, file);
}

/** The columns that the format names; null when the header line does, or nothing. */
export function namedRow(format: CsvFormat, file: string): CsvRow | null {
  if (format.columns === null) return null;
  return csvRow(checkedColumns(format.columns, file), format.pick, file);
}
