/** The options that every operator takes as its last argument. */

export type OperatorOptions = {
  readonly name?: string;
  /** Number of reduce tasks and so of output files. */
  readonly reducers?: number;
  /** Default "ndjson". */
  readonly output?: "ndjson" | "csv" | "text";
  /** A record that cannot be parsed or has no number where one is asked for: "fail" the job
   *  (default) or "keep" it aside. */
  readonly badRecords?: "fail" | "keep";
  readonly timeoutMs?: number;
  readonly attempts?: number;
  readonly backupTasks?: boolean;
};
