/** How bytes become records. Formats are plain descriptions; the readers are in the worker and in
 *  `local.ts`. */

/** `In` is the record type that `map` receives. */
export type Format<In> = FormatSpec & { readonly record?: (record: In) => void };

export type FormatSpec =
  /** Lines without their newline (`\n` or `\r\n`); invalid UTF-8 becomes U+FFFD. */
  | { readonly format: "lines" }
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

export const text = {
  lines(): Format<string> {
    return { format: "lines" };
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
