/** The plan of a job: which bytes each task reads and with which parameters. A blob of UTF-8
 *  JSON that the client makes once and every worker reads; the coordinator only reads the files
 *  it is asked to pass on. */

export type InputFile = {
  /** As the user knows it, for messages and `context.file`. */
  readonly name: string;
  readonly compression: "none" | "gzip" | "zstd";
  readonly sizeBytes: number;
  readonly at: /** On the disk of one machine; changed size or time = `data-lost`. Admins only. */
    | {
        readonly kind: "path";
        readonly host: string;
        readonly path: string;
        readonly mtimeMs: number;
      }
    | { readonly kind: "blob"; readonly hash: string };
};

/** Nominal bytes [start, end) of one file. A reader starts at the first record that begins at or
 *  after `start` (for start > 0: after the first newline at or after start − 1) and ends with
 *  the last record that begins before `end`. Compressed files and whole-file formats have
 *  exactly one piece, [0, sizeBytes). */
export type Piece = readonly [file: number, start: number, end: number];

export type Split = {
  /** Name of the job's input that it belongs to (`inputs` of the job; "default" when there is
   *  one). */
  readonly input: string;
  readonly pieces: readonly Piece[];
};

export type Plan = {
  readonly version: 1;
  readonly files: readonly InputFile[];
  /** One per map task, in the order of the output. Empty for `tasks` jobs. */
  readonly splits: readonly Split[];
  /** `tasks` jobs: blob with one JSON text per line, and how many; null for map/reduce. */
  readonly items: { readonly hash: string; readonly count: number } | null;
  /** Parameters by name, merged over the job's defaults. JSON values. */
  readonly params: Readonly<Record<string, unknown>>;
  /** Number of reduce tasks; 0 = map only. */
  readonly reducers: number;
  /** Estimated bytes that a map task may hold before it spills; part of the plan so that every
   *  worker cuts alike. */
  readonly spillBytes: number;
};

/** How bytes become records; the SDK's `text`, `bytes`, `ndjson` and `csv` make these. */
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
