/** The plan of a job: which bytes each task reads and with which parameters. A blob of UTF-8 JSON
 *  (`plan-text.ts`) that the client makes once and every worker reads; the coordinator only reads
 *  the files that it must pass on. */
import type { OutputFormat } from "../../core/job.ts";
import type { QuerySpec } from "./query.ts";

/** Files that have columns, and rows in groups. */
export type TableFormat = "parquet" | "arrow";

export type InputFile = {
  /** As the user knows it, for messages and `context.file`. */
  readonly name: string;
  /** Of tables the format: their rows are read as lines of JSON, and a piece has the groups of rows
   *  that begin in it. */
  readonly compression: "none" | "gzip" | "zstd" | TableFormat;
  readonly sizeBytes: number;
  /** Set when it consists of records of this size: its pieces begin and end between two records,
   *  and are read as they are. */
  readonly recordBytes?: number;
  readonly at: /** On the disk of one machine; changed size or time = `data-lost`. Admins only. */
    | {
        readonly kind: "path";
        readonly host: string;
        readonly path: string;
        readonly mtimeMs: number;
      }
    | { readonly kind: "blob"; readonly hash: string }
    /** Of the catalogue, by the Merkle root that it had when the job was planned; other content
     *  under its name = `data-lost`. */
    | {
        readonly kind: "shared";
        readonly root: string;
        /** A machine with a worker where a member shares the file; "" = none is known. */
        readonly host: string;
      }
    /** On a web server or in an object store, from which each worker reads it; other content than
     *  when the job was planned = `data-lost`. Admins only. */
    | {
        readonly kind: "remote";
        /** `https://…`, `http://…` or `s3://bucket/key`. */
        readonly url: string;
        /** Its ETag, else the time of its last change. */
        readonly tag: string;
      };
};

/** Nominal bytes [start, end) of one file. A reader starts at the first record that begins at or
 *  after `start` (for start > 0: after the first newline at or after start − 1) and ends with the
 *  last record that begins before `end`. Compressed files and whole-file formats have exactly one
 *  piece, [0, sizeBytes). */
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
  /** The only map task reduces its own output, too: nothing is shuffled, and the job has one stage.
   *  Set for operators with one split and one reduce task. */
  readonly inOneTask?: true;
  /** Set when the job is an operator: it runs no job code, and the blob of its code is not read. */
  readonly operator?: OperatorSpec;
};

/** What becomes of a record that cannot be used: it fails the job, or is set aside; at most a share
 *  of the lines (0 to 1), or the job fails in the end. */
export type BadPolicy = "fail" | "keep" | { readonly keepUpTo: number };

export function keepsBad(policy: BadPolicy | undefined): boolean {
  return policy !== undefined && policy !== "fail";
}

/** What an operator job does, as plain data. Its pairs are sorted and written like those of any
 *  map/reduce job.
 *
 *  A record has columns, the format's: "word", "line" or "match" when it is a text, else the names
 *  of its fields. */
export type OperatorSpec = {
  /** By name; "default" when there is one. */
  readonly inputs: { readonly [input: string]: FormatSpec };
  readonly apply: ApplySpec;
  /** What is done with the pairs of `apply`, which are all in one partition then; null =
   *  nothing. */
  readonly last: LastSpec | null;
  readonly output: OutputFormat;
  readonly badRecords: BadPolicy;
};

/** The operator. The key of a record is made of the columns `by`: without columns null, with one
 *  its value, with several an array. */
export type ApplySpec =
  /** Key and number of its records. */
  | { readonly operator: "count"; readonly by: readonly string[] }
  /** Key and sum, least or greatest of the numbers in `column`. */
  | {
      readonly operator: "sum" | "min" | "max";
      readonly by: readonly string[];
      readonly column: string;
    }
  | SortSpec
  | JoinSpec
  | QuerySpec;

/** Records in order, written as they are: a text or a line as a line, other records by their
 *  columns, as `output` says. Equal keys keep the order of the input. The parts in sequence are
 *  sorted as a whole. */
export type SortSpec = {
  readonly operator: "sort";
  /** Empty: the key is the record itself (a line, or the key of records), compared by its bytes. */
  readonly by: readonly string[];
  readonly order: "ascending" | "descending";
  /** Keys are the numbers at the start of the texts; texts that do not start with one are null. */
  readonly numeric: boolean;
  /** Of records with equal keys only the first is kept. */
  readonly unique: boolean;
  /** Only this many are kept, the first ones; null = all. */
  readonly limit: number | null;
  /** Where partitions begin: keys in order, as base64. Made when the job is planned; one fewer than
   *  there are reducers. */
  readonly splitters: readonly string[];
};

/** Rows of the inputs "left" and "right" that agree in a column: that column, and an object of both
 *  rows, with the columns of the left first; null agrees with nothing. */
export type JoinSpec = {
  readonly operator: "join";
  readonly on: { readonly left: string; readonly right: string };
  /** Which side's rows are kept when they have no partner. */
  readonly kind: "inner" | "left" | "right" | "outer";
};

/** What can follow an operator that makes pairs: those with the greatest or least values, in that
 *  order; of equal values those with the lesser keys first. */
export type LastSpec = {
  readonly operator: "top";
  readonly count: number;
  readonly order: "ascending" | "descending";
};

/** What the bytes of a text are. "utf-8": a record with other bytes is a bad one; "utf-8-lossy":
 *  they become U+FFFD. */
export type TextEncoding = "utf-8" | "utf-8-lossy" | "latin1" | "windows-1252";

/** How bytes become records; the SDK's `text`, `bytes`, `ndjson` and `csv` make these. */
export type FormatSpec =
  /** Every match of an expression in a line: its text, or with `columns` an object of its groups,
   *  the first group under the first name. */
  | {
      readonly format: "match";
      readonly pattern: string;
      /** Of the expression, without `g` and `y`. */
      readonly flags: string;
      readonly columns: readonly string[] | null;
      readonly encoding?: TextEncoding;
    }
  /** One JSON value a line; from each an object of what lies at these paths (`user.id`), null where
   *  there is nothing. Blank lines are skipped. */
  | {
      readonly format: "json";
      readonly paths: readonly string[];
      /** Numbers keep all of their digits; set for operators, since job code expects doubles. */
      readonly exact?: true;
      readonly encoding?: TextEncoding;
    }
  /** Lines without their newline (`\n` or `\r\n`). Here and below an absent encoding is
   *  "utf-8-lossy". */
  | { readonly format: "lines"; readonly encoding?: TextEncoding }
  /** Words of the lines; see `text.words`. */
  | {
      readonly format: "words";
      readonly lowercase: boolean;
      readonly encoding?: "utf-8" | "utf-8-lossy";
    }
  /** Records of `sizeBytes` each; sorted ones are compared by their bytes [from, to). */
  | {
      readonly format: "records";
      readonly sizeBytes: number;
      readonly key: readonly [from: number, to: number];
    }
  /** One record per file, the text or the bytes of it. */
  | { readonly format: "file"; readonly as: "text" | "bytes" }
  /** One JSON value a line; blank lines are skipped. */
  | { readonly format: "ndjson" }
  /** RFC 4180. With `header`, records are objects by column name, else arrays of strings. Newlines
   *  inside quotes need `multiline`, which reads a file as one split; without it such a record is a
   *  bad record, never a wrong one. */
  | {
      readonly format: "csv";
      readonly header: boolean;
      readonly separator: string;
      readonly multiline: boolean;
      readonly columns: readonly string[] | null;
      /** Only these columns; a file without one of them is a `bad-request`. */
      readonly pick?: readonly string[];
      /** What an empty cell is to queries; default "text". */
      readonly empty?: "text" | "null";
      readonly encoding?: TextEncoding;
    };
