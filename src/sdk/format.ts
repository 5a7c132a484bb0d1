/** How bytes become records. Formats are plain descriptions; the readers are in the worker and in
 *  `local.ts`. */

/** `In` is the record type that `map` receives. */
export type Format<In> = FormatSpec & { readonly record?: (record: In) => void };

export type FormatSpec =
  /** Lines without their newline (`\n` or `\r\n`); invalid UTF-8 becomes U+FFFD. */
  | { readonly format: "lines" }
  /** Words of the lines; see `text.words`. */
  | { readonly format: "words"; readonly lowercase: boolean }
  /** One record per file, the text or the bytes of it. */
  | { readonly format: "file"; readonly as: "text" | "bytes" }
  /** One JSON value a line; blank lines are skipped. */
  | { readonly format: "ndjson" }
  /** RFC 4180. With `header`, records are objects by column name, else arrays of strings. Newlines
   *  inside quotes need `multiline`, which reads a file as one split; without it they are a bad
   *  record, never a wrong one. */
  | {
      readonly format: "csv";
      readonly header: boolean;
      readonly separator: string;
      readonly multiline: boolean;
      readonly columns: readonly string[] | null;
    };

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
