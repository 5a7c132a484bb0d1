/** What a job leaves: its parts, wherever it was computed. */
import type { RowShape } from "../core/job.ts";
import type { OutputFormat } from "../wire/block/row.ts";

export type ResultPart = {
  readonly sizeBytes: number;
  /** `isLent`: a chunk may be overwritten when the second after it is asked for. */
  read(isLent?: boolean): AsyncIterable<Uint8Array>;
};

/** A result, wherever it was computed. */
export type JobResult = {
  /** `parts`: one file per reduce partition (or per split); `results`: one file for a list of
   *  tasks. */
  readonly kind: "parts" | "results";
  readonly format: OutputFormat;
  readonly parts: readonly ResultPart[];
  /** Set when the parts are NDJSON, and tables are made of it. */
  readonly shape?: RowShape;
  /** The items of a list of tasks, a JSON text a line. */
  readonly items?: () => AsyncIterable<Uint8Array>;
  /** All parts as one file, when that is not one part behind the other. */
  readonly whole?: () => AsyncIterable<Uint8Array>;
  /** Records set aside, as NDJSON, in task order. */
  readonly badRecords: readonly ResultPart[];
};
