/** How bytes become records. Formats are plain descriptions; the readers are in the worker and in
 *  `local.ts`. */
import type { FormatSpec } from "../wire/block/plan.ts";

export type { FormatSpec };

/** `In` is the record type that `map` receives. */
export type Format<In> = FormatSpec & { readonly record?: (record: In) => void };

export type WordOptions = {
  /** Words as `toLowerCase()` makes them. Default false. */
  readonly lowercase?: boolean;
};

export const text = {
  lines(): Format<string> {
    return { format: "lines" };
  },
  /** The words of the text, in order, one record each. A word is a run of letters, marks and
   *  numbers (Unicode's L, M and N); an apostrophe (' or ’) between two of them belongs to it.
   *  Equal words are the same string, so this is several times faster than cutting lines by an
   *  expression. */
  words(options?: WordOptions): Format<string> {
    return { format: "words", lowercase: options?.lowercase ?? false };
  },
  /** The whole file as one string. */
  file(): Format<string> {
    return { format: "file", as: "text" };
  },
};

export const bytes = {
  /** The whole file as bytes. */
  file(): Format<Uint8Array> {
    return { format: "file", as: "bytes" };
  },
};

export function ndjson<T = unknown>(): Format<T> {
  return { format: "ndjson" };
}

export type CsvOptions = {
  /** First line of every file names the columns. Default true. */
  readonly header?: boolean;
  /** Names when there is no header line. */
  readonly columns?: readonly string[];
  /** One character, default ",". */
  readonly separator?: string;
  /** Newlines inside quotes. Default false. */
  readonly multiline?: boolean;
};

export function csv<T extends Record<string, string> = Record<string, string>>(
  options?: CsvOptions,
): Format<T> {
  return {
    format: "csv",
    header: options?.header ?? options?.columns === undefined,
    separator: options?.separator ?? ",",
    multiline: options?.multiline ?? false,
    columns: options?.columns ?? null,
  };
}
