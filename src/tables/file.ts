/** A file that is a table, and what is asked of it. */
import type { InputFile, TableFormat } from "../wire/block/plan.ts";
import type { Expression } from "../wire/block/query.ts";

/** What a column has, to those who ask it. */
export type CellKind = "number" | "text" | "boolean" | "any";

export type TableFile = {
  /** For messages. */
  readonly name: string;
  readonly format: TableFormat;
  readonly sizeBytes: number;
  /** Bytes [start, end) of the file. */
  readonly read: (start: number, end: number) => Promise<Uint8Array>;
};

/** Null: it is no table. */
export function tableFormat({ compression }: Pick<InputFile, "compression">): TableFormat | null {
  return compression === "parquet" || compression === "arrow" ? compression : null;
}

/** Bytes, or rows. */
export type Range = { readonly start: number; readonly end: number };

/** What is asked of the rows. */
export type Wish = {
  /** Paths into columns, as `order.id`; null = all columns. */
  readonly paths: readonly string[] | null;
  /** Rows for which it is not true are not needed, and may be there all the same. */
  readonly test: Expression | null;
};

export type TableColumn = { readonly name: string; readonly kind: CellKind };

/** Most bytes of the columns of a group of rows, uncompressed: a task holds them. */
export const groupMaxBytes = 1024 ** 3;
