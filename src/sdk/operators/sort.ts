/** `sort`, `topK` and `distinct`: records in the order of their keys, as they are. */
import { ClusterError } from "../../core/error.ts";
import type { OutputFormat } from "../../core/job.ts";
import type { FormatSpec, SortSpec } from "../../wire/block/plan.ts";
import type { AnyOperator, Format, TableOutput } from "../job.ts";
import { operatorInput } from "./input.ts";
import type { OperatorOptions, RowsJob } from "./options.ts";

/** Of what is sorted: texts are lines without it. */
export type SortOutput = Exclude<TableOutput, "text">;

type Settings<O extends SortOutput> = Omit<OperatorOptions, "output"> & {
  /** Default: texts as lines, rows as "ndjson"; "csv", "parquet" and "arrow" are tables, of texts
   *  with one column. */
  readonly output?: O;
};

export type SortOptions<C extends string, O extends SortOutput = SortOutput> = Settings<O> & {
  /** What records are sorted by: a column, or several of them, the first first. Default: all. */
  readonly by?: C | readonly C[];
  /** Default "ascending": by bytes, as `LC_ALL=C sort` does. Records with equal keys keep the order
   *  of the input in both. */
  readonly order?: "ascending" | "descending";
  /** By the number with which each text begins, blanks before it allowed; what begins with none is
   *  before all numbers. Default false. */
  readonly numeric?: boolean;
};

/** The order is that of the column, greatest first unless `order` says otherwise. */
export type TopOptions<C extends string, O extends SortOutput = SortOutput> = Omit<
  SortOptions<C, O>,
  "reducers"
>;

/** Of records that agree in `by`, the first of the input is kept. */
export type DistinctOptions<C extends string, O extends SortOutput = SortOutput> = Settings<O> &
  Pick<SortOptions<C>, "by">;

/** What is sorted: a format and its columns. */
export type Sorted = { readonly format: FormatSpec; readonly columns: readonly string[] };

export function sorted<C extends string>(of: Sorted, options: SortOptions<C> = {}): AnyOperator {
  return sortJob(of, { unique: false, limit: null }, options);
}

export function top<C extends string>(
  of: Sorted,
  count: number,
  options: TopOptions<C> = {},
): AnyOperator {
  checkCount(count);
  return sortJob(of, { unique: false, limit: count }, { order: "descending", ...options });
}

export function distinct<C extends string>(
  of: Sorted,
  options: DistinctOptions<C> = {},
): AnyOperator {
  return sortJob(of, { unique: true, limit: null }, options);
}

/** Most records that `topK` keeps. */
export const topMax = 10_000_000;

export function checkCount(count: number): void {
  if (Number.isInteger(count) && count >= 1 && count <= topMax) return;
  const text = `topK(${count}): how many is a whole number from 1 to ${topMax}`;
  throw new ClusterError("bad-request", text);
}

function sortJob<C extends string>(
  { format, columns }: Sorted,
  kept: Pick<SortSpec, "unique" | "limit">,
  options: SortOptions<C>,
): AnyOperator {
  const { by, order = "ascending", numeric = false, output: wished, ...rest } = options;
  const isText = columns.length === 1 && ["lines", "words", "match"].includes(format.format);
  const isRecords = format.format === "records";
  const isRaw = isRecords || (isUtf8Lines(format) && !numeric && wished === undefined);
  const named = by === undefined ? columns : typeof by === "string" ? [by] : by;
  const wrong = named.find((name) => !columns.includes(name));
  if (wrong !== undefined || named.length === 0 || (columns.length === 0 && numeric)) {
    const has = columns.length === 0 ? "records of bytes have none" : columns.join(", ");
    if (columns.length > 0 || wrong !== undefined || numeric) {
      const text = `sort: no column ${JSON.stringify(wrong ?? "")}; there are: ${has}`;
      throw new ClusterError("bad-request", text);
    }
  }
  const plain = format.format === "match" && format.columns !== null ? "ndjson" : "text";
  const own = isRecords ? "bytes" : isText ? plain : "ndjson";
  if (wished !== undefined && isRecords) {
    const text = `sort: output ${wished} is for records with columns; bytes come out as they are`;
    throw new ClusterError("bad-request", text);
  }
  const output: OutputFormat = wished ?? own;
  const spec = { by: isRaw ? [] : [...named], order, numeric, ...kept, splitters: [] };
  const badRecords = rest.badRecords ?? "fail";
  return {
    kind: "operator",
    operator: {
      inputs: { default: operatorInput(format) },
      apply: { operator: "sort", ...spec },
      last: null,
      output,
      badRecords,
    },
    options: { ...rest, output },
  };
}

/** Lines that may be sorted and written as the bytes that they are. */
function isUtf8Lines(format: FormatSpec): boolean {
  return format.format === "lines" && (format.encoding ?? "utf-8").startsWith("utf-8");
}

/** Records of one size, in files of nothing else. */
export type Records = Format<Uint8Array> & RecordOperators;

/** Records have no rows: what they leave is read as files. */
export class RecordOperators {
  readonly #format: FormatSpec;

  constructor(format: FormatSpec) {
    this.#format = format;
  }

  /** In the order of their keys. The result has the same records and nothing else. */
  sort(options?: Omit<SortOptions<never>, "by" | "numeric" | "output">): RowsJob<never> {
    return sorted({ format: this.#format, columns: [] }, options);
  }

  /** The records with the greatest keys (or least: `order: "ascending"`), in that order. */
  topK(
    count: number,
    options?: Omit<TopOptions<never>, "by" | "numeric" | "output">,
  ): RowsJob<never> {
    return top({ format: this.#format, columns: [] }, count, options);
  }

  /** Of records with equal keys the first, in the order of the keys. */
  distinct(options?: Omit<DistinctOptions<never>, "by" | "output">): RowsJob<never> {
    return distinct({ format: this.#format, columns: [] }, options);
  }
}

/** Longest record of one size. */
const recordMaxBytes = 16 * 1024 * 1024;

export function recordsOf(sizeBytes: number, key: readonly [from: number, to: number]): Records {
  const isSize = Number.isInteger(sizeBytes) && sizeBytes >= 1 && sizeBytes <= recordMaxBytes;
  const [from, to] = key;
  const isKey = Number.isInteger(from) && Number.isInteger(to) && 0 <= from && from < to;
  if (!isSize || !isKey || to > sizeBytes) {
    const given = `records(${sizeBytes}, { key: [${from}, ${to}] })`;
    const rule = `a record has 1 to ${recordMaxBytes} bytes, and the key's are some of them`;
    throw new ClusterError("bad-request", `bytes.${given}: ${rule}`);
  }
  const format = { format: "records", sizeBytes, key: [from, to] } as const;
  return Object.assign(new RecordOperators(format), format);
}
