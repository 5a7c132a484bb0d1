/** The options that every operator takes as its last argument. */

import type { Trust } from "../../core/job.ts";
import type { BadPolicy } from "../../wire/block/plan.ts";
import type { AnyOperator, TableOutput } from "../job.ts";
import type { TypesOf } from "./rows.ts";

/** An operator whose result has such rows; it has no parameters. */
export type RowsJob<Row> = AnyOperator & { readonly types?: TypesOf<Row> };

export type OperatorOptions<O extends TableOutput = TableOutput> = {
  /** For people; default that of the job file. */
  readonly name?: string;
  /** Number of reduce tasks and so of output files. */
  readonly reducers?: number;
  /** Default "ndjson". "csv", "parquet" and "arrow" are tables. */
  readonly output?: O;
  /** With `output: "ndjson"`: an object of the columns a line instead of key and value. */
  readonly rows?: boolean;
  /** A record that cannot be parsed or has no number where one is asked for: "fail" the job
   *  (default), "keep" it aside, or at most a share of the lines: `{ keepUpTo: 0.01 }`. */
  readonly badRecords?: BadPolicy;
  /** Limit of one attempt in ms; default 0 = none. */
  readonly timeoutMs?: number;
  /** User errors per task before the job fails; default 4. */
  readonly attempts?: number;
  /** Second attempts for stragglers; default true. */
  readonly backupTasks?: boolean;
  /** Volunteers may compute it, and see its data. Default: own workers only. */
  readonly share?: "volunteers";
  /** How results of volunteers are checked: "audit" (default with `share`) or "quorum". */
  readonly trust?: Trust;
};
