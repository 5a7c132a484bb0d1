/** How bytes become records. Formats are plain descriptions; the readers are in the worker and in
 *  `local.ts`. */
import { ClusterError } from "../core/error.ts";
import type { FormatSpec, TextEncoding } from "../wire/block/plan.ts";
import type { Value } from "../wire/block/value.ts";
import type { Format } from "./job.ts";
import type { Json } from "./operators/rows.ts";
import { type Records, recordsOf } from "./operators/sort.ts";
import { type Source, source } from "./operators/source.ts";

export type { Format, FormatSpec };

export type WordOptions = {
  /** Words as `toLowerCase()` makes them. Default false. */
  readonly lowercase?: boolean;
  /** "utf-8-lossy": bytes that are not UTF-8 become U+FFFD. By default operators refuse them. */
  readonly encoding?: "utf-8" | "utf-8-lossy";
};

export type TextOptions = {
  /** What the bytes are. By default UTF-8: to operators a record with other bytes is a bad one, in
   *  `mapReduce` they become U+FFFD, as with "utf-8-lossy". */
  readonly encoding?: TextEncoding;
};

/** A record as an object of its columns. */
type Row<C extends string, V> = { readonly [column in C]: V };

/** The same as a row of a table: what its values are in JSON. */
type JsonRow<C extends string> = Row<C, Json>;

/** An empty cell of CSV may be null there. */
type CsvRow<C extends string, E> = Row<C, E extends "null" ? string | null : string>;

export const text = {
  /** Lines without their newlines. Column "line". */
  lines(options?: TextOptions): Source<string, "line"> {
    refuseUnknown("lines", options, textOptions);
    return source({ format: "lines", ...encodingIn(options) }, ["line"]);
  },
  /** The words of the text, in order, one record each. A word is a run of letters, marks and
   *  numbers (Unicode's L, M and N); an apostrophe (' or ’) between two of them belongs to it.
   *  Equal words are the same string, so this is several times faster than cutting lines by an
   *  expression. Column "word". */
  words(options?: WordOptions): Source<string, "word"> {
    refuseUnknown("words", options, [...textOptions, "lowercase"]);
    const { lowercase = false } = options ?? {};
    const { encoding } = encodingIn(options);
    if (encoding !== undefined && !encoding.startsWith("utf-8")) {
      const text = `words: no encoding ${encoding}; count matches instead`;
      throw new ClusterError("bad-request", `${text}: text.match(/…/, { encoding })`);
    }
    const read = encoding === undefined ? {} : { encoding: encoding as "utf-8" };
    return source({ format: "words", lowercase, ...read }, ["word"]);
  },
  match,
  csv: csvColumns,
  json: jsonPaths,
  /** The whole file as one string; an empty file is an empty one. */
  file(): Format<string> {
    return { format: "file", as: "text" };
  },
};

/** Every match of the expression in every line. Column "match". */
function match(expression: RegExp, options?: TextOptions): Source<string, "match">;
/** With names for its groups, the first name for the first group: a record is an object of their
 *  texts, null for a group that took no part. */
function match<const C extends string>(
  expression: RegExp,
  columns: readonly C[],
  options?: TextOptions,
): Source<Row<C, string | null>, C>;
function match(
  expression: RegExp,
  given?: readonly string[] | TextOptions,
  options?: TextOptions,
): unknown {
  const columns = Array.isArray(given) ? (given as readonly string[]) : undefined;
  const settings = options ?? (columns === undefined ? (given as TextOptions) : undefined);
  const hint = '; groups get names by text.match(/…/, ["name", …])';
  refuseUnknown("match", settings, textOptions, columns === undefined ? hint : "");
  const read = encodingIn(settings);
  const flags = expression.flags.replace(/[gy]/g, "");
  const pattern = expression.source;
  const spec = { format: "match", pattern, flags, columns: columns ?? null, ...read } as const;
  if (columns !== undefined) {
    const groups = new RegExp(`${pattern}|`, flags).exec("")!.length - 1;
    if (groups !== columns.length) {
      const text = `match: ${columns.length} columns are named, and the expression has ${groups}`;
      throw new ClusterError("bad-request", `${text} groups; name each, or write (?:…)`);
    }
  }
  return source(spec, columns === undefined ? ["match"] : checkedNames("match", columns));
}

/** These columns of CSV files, whose first line names all that they have. */
function csvColumns<const C extends string, E extends "text" | "null" = "text">(
  columns: readonly C[],
  options?: Omit<CsvOptions, "columns"> & {
    /** What an empty cell is to `where`, `select` and what follows them: a text without characters
     *  (default), or null. */
    readonly empty?: E;
  },
): Source<Row<C, string>, C, CsvRow<C, E>> {
  refuseUnknown("csv", options, ["empty", "header", "separator", "multiline", ...textOptions]);
  const { header = true, separator = ",", multiline = false } = options ?? {};
  checkSeparator(separator);
  checkedNames("csv", columns);
  const named = { columns: header ? null : columns, ...(header ? { pick: columns } : {}) };
  const read = { ...encodingIn(options), ...(options?.empty === "null" ? { empty: "null" } : {}) };
  const spec = { format: "csv", header, separator, multiline, ...named, ...read } as FormatSpec;
  return source(spec, columns);
}

/** What lies at these paths (`user.id`, `items.0.price`) of the JSON value in each line; null where
 *  nothing does. */
function jsonPaths<const C extends string>(
  paths: readonly C[],
  options?: TextOptions,
): Source<Row<C, Value>, C, JsonRow<C>> {
  checkedNames("json", paths);
  refuseUnknown("json", options, textOptions);
  return source({ format: "json", paths, ...encodingIn(options) }, paths);
}

const textOptions = ["encoding"];

/** Of sources written in JavaScript, or with a wrong name: an option without effect misleads.
 *  `hint` ends the message. */
function refuseUnknown(
  where: string,
  options: object | undefined,
  known: readonly string[],
  hint = "",
): void {
  const unknown = Object.keys(options ?? {}).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const text = `${where}: unknown option "${unknown}"; known are ${known.join(", ")}${hint}`;
  throw new ClusterError("bad-request", text);
}

const encodings: readonly TextEncoding[] = ["utf-8", "utf-8-lossy", "latin1", "windows-1252"];

function encodingIn(options: TextOptions | undefined): TextOptions {
  const encoding = options?.encoding;
  if (encoding === undefined) return {};
  if (encodings.includes(encoding)) return { encoding };
  const text = `no encoding ${JSON.stringify(encoding)}; there are ${encodings.join(", ")}`;
  throw new ClusterError("bad-request", text);
}

function checkedNames<C extends string>(where: string, names: readonly C[]): readonly C[] {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  const wrong = names.length === 0 ? "no column" : twice === undefined ? "" : `two "${twice}"`;
  if (wrong === "" && !names.some((name) => typeof name !== "string" || name === "__proto__")) {
    return names;
  }
  const text = `${where}: ${wrong || "a column that has no name"} in ${JSON.stringify(names)}`;
  throw new ClusterError("bad-request", `${text}; give one name for each column`);
}

export const bytes = {
  /** Records of one size, one after the other, as `bytes.records(100, { key: [0, 10] })`. The key
   *  is what they are sorted by: the bytes from the first number up to the second; default all. */
  records(
    sizeBytes: number,
    options: { readonly key?: readonly [from: number, to: number] } = {},
  ): Records {
    return recordsOf(sizeBytes, options.key ?? [0, sizeBytes]);
  },
  /** These columns of Parquet files, nested ones as `order.id`. Only they are read, and only the
   *  row groups in which by their statistics can be what the first `where` asks for. Numbers keep
   *  all digits where operators read them; dates and times are texts as ISO 8601 has them. */
  parquet<const C extends string>(columns: readonly C[]): Source<Row<C, Value>, C, JsonRow<C>> {
    return source({ format: "json", paths: checkedNames("parquet", columns) }, columns);
  },
  /** The same of Arrow files (IPC, also called Feather), whose workers need `apache-arrow`. */
  arrow<const C extends string>(columns: readonly C[]): Source<Row<C, Value>, C, JsonRow<C>> {
    return source({ format: "json", paths: checkedNames("arrow", columns) }, columns);
  },
  /** The whole file as bytes; none of an empty file. */
  file(): Format<Uint8Array> {
    return { format: "file", as: "bytes" };
  },
};

/** One JSON value a line, or the elements of the one array that a file is; rows of Parquet and
 *  Arrow. */
export function ndjson<T = unknown>(): Format<T> {
  return { format: "ndjson" };
}

export type CsvOptions = TextOptions & {
  /** First line of every file names the columns. Default true. */
  readonly header?: boolean;
  /** Names when there is no header line. */
  readonly columns?: readonly string[];
  /** One character, no quote, newline or return. Default ",". */
  readonly separator?: string;
  /** Newlines inside quotes. Default false. */
  readonly multiline?: boolean;
};

/** Where the job is written, and not on the first worker that reads a file. */
function checkSeparator(separator: unknown): void {
  const isOne = typeof separator === "string" && separator.length === 1;
  if (isOne && !'"\r\n'.includes(separator)) return;
  const shown = JSON.stringify(separator);
  throw new ClusterError("bad-request", `csv: the separator must be one character, not ${shown}`);
}

/** Rows of CSV: objects by the names of its columns, else lists of texts. */
export function csv<T extends Record<string, string> = Record<string, string>>(
  options?: CsvOptions,
): Format<T> {
  const known = ["header", "columns", "separator", "multiline", ...textOptions];
  refuseUnknown("csv", options, known);
  checkSeparator(options?.separator ?? ",");
  if (options?.columns !== undefined) checkedNames("csv", options.columns);
  return {
    format: "csv",
    header: options?.header ?? options?.columns === undefined,
    separator: options?.separator ?? ",",
    multiline: options?.multiline ?? false,
    columns: options?.columns ?? null,
    ...encodingIn(options),
  };
}

/** Whether records of this format are text; undefined = lines. */
export function isText(format: FormatSpec | undefined): boolean {
  return format?.format !== "records" && (format?.format !== "file" || format.as === "text");
}
