/** The data in a kept report: written by `tequio report`, read by the page in the file. */
import type { JobSummary } from "../../core/summary.ts";
import type { Attempts } from "../../wire/api/attempts.ts";
import type { JobGraph } from "../../wire/api/graph.ts";
import type { LogLine } from "../../wire/api/messages.ts";
import type { TaskProfile } from "../../wire/api/profile.ts";

export type KeptJob = {
  /** Version of the software that wrote it. */
  readonly version: string;
  readonly madeAtMs: number;
  readonly summary: JobSummary;
  readonly attempts: Attempts;
  readonly logs: readonly LogLine[];
  readonly logsCut: boolean;
  /** The beginning of the result, "" = none; of the tasks of a list that failed; and of the records
   *  that were set aside. */
  readonly resultText: string;
  readonly failedText: string;
  readonly badText: string;
  /** Null = its coordinator was older than this. */
  readonly graph: JobGraph | null;
  /** Newest last. */
  readonly profiles: ReadonlyArray<{ readonly by: string; readonly profile: TaskProfile }>;
};
