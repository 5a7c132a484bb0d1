/** The messages between a worker and its task processes (JSON in the frames of `channel/`).
 *
 *  A task process serves the code of one job at a time. File descriptor 3 is the channel; on 4 the
 *  supervisor streams input: `PIECE` frames (u8 1, f64le offset of the first byte, u32le file
 *  index), `DATA` frames (u8 2, u32le length, bytes; a record may lie across several), `END` of a
 *  task's input (u8 3). After the `PIECE` of an offset above 0 a `HEAD` frame (u8 4, u32le length,
 *  bytes) may give the first line of that file, for CSV. `FILE` (u8 6, u32le length, JSON) instead
 *  of `DATA` frames names a file on this machine and which bytes of it: the process reads them
 *  itself. `CUT` (u8 5) instead of `END`: the supervisor could not read on or was ordered to stop;
 *  the attempt fails. Bytes are decompressed, and a piece has whole records only. `input.ts` writes
 *  the frames, `kernels/` reads them. */
import type { Hash } from "../../core/ids.ts";
import type { Failure, JobEnvironment } from "../../core/job.ts";
import type { InputFile, Split } from "../../wire/block/plan.ts";

/** A file that the process may read, and its SHA-256; or its text when that is short. */
export type ShortFile = { readonly path: string; readonly hash: Hash } | { readonly text: string };

/** Of a large plan the split of one task, and the files that it names, by their indexes. */
export type PlanPart = {
  readonly split: Split;
  readonly files: ReadonlyArray<readonly [index: number, file: InputFile]>;
};

export type ToTask =
  /** First message for a job. `codePath` is a file that the process may read. */
  | {
      readonly kind: "load";
      readonly job: string;
      readonly codePath: string;
      /** Compared before it is imported. */
      readonly codeHash: Hash;
      readonly plan: ShortFile;
      readonly items: ShortFile | null;
      /** Own directory; the only place where the process may write. */
      readonly scratch: string;
      /** Of the task; bounds what it holds before it spills. Absent: the plan's bounds hold. */
      readonly memoryBytes?: number;
      /** What its code has around it. */
      readonly around: JobEnvironment;
      /** Obeyed when it is loaded, and not at all when that fails: a single task need not wait
       *  until the supervisor has received the answer to `load` and sent the order. */
      readonly next?: ItemsOrder;
    }
  /** Map one split; its input arrives on descriptor 4. Output: `<out>.run` and `<out>.manifest`
   *  (shuffle), or the final file `<out>.part` when the plan has no reducers. */
  | {
      readonly kind: "map";
      readonly task: number;
      readonly attempt: number;
      readonly out: string;
      /** Of a plan that was loaded without its files: what this task reads of it. */
      readonly part?: PlanPart;
    }
  /** Merge one partition: `segments` in the order of the map tasks, files that the process may
   *  read. Output: the final file `<out>.part`, or when another stage follows `<out>.run` and
   *  `<out>.manifest`. */
  | {
      readonly kind: "reduce";
      /** From 1; absent from older supervisors, whose jobs have no other. */
      readonly stage?: number;
      readonly task: number;
      readonly attempt: number;
      readonly out: string;
      readonly segments: ReadonlyArray<{
        readonly path: string;
        readonly offset: number;
        readonly sizeBytes: number;
        /** Of the segment, as its manifest has it; compared while it is read. */
        readonly sha256?: string;
      }>;
    }
  | ItemsOrder;

/** Run items of a `tasks` job one after the other. */
export type ItemsOrder = {
  readonly kind: "tasks";
  readonly items: ReadonlyArray<{ readonly task: number; readonly attempt: number }>;
};

export type TaskReport = {
  readonly task: number;
  readonly attempt: number;
  readonly durationMs: number;
} & (
  | {
      readonly kind: "done";
      readonly records: number;
      /** Bytes of the output file, or of the result. */
      readonly sizeBytes: number;
      /** SHA-256 of the manifest (shuffle) or of the part file (final); "" for `tasks`. */
      readonly root: string;
      /** Result of a `tasks` item as JSON text. */
      readonly value?: string;
      /** Path of the NDJSON file with bad records, when there are any. */
      readonly badRecordsPath?: string;
      readonly inputBytes: number;
      readonly counters: Readonly<Record<string, number>>;
    }
  | { readonly kind: "failed"; readonly failure: Failure }
);

/** One element of each for every item. */
export type ResultColumns = {
  readonly tasks: readonly number[];
  readonly attempts: readonly number[];
  readonly durationsMs: readonly number[];
  /** JSON texts. */
  readonly values: readonly string[];
};

export type FromTask =
  /** Sent once when the process can take `load`. */
  | { readonly kind: "ready" }
  | { readonly kind: "loaded" }
  /** Sent once, before anything that may depend on it: job code has looked at the time, and may
   *  have kept it for the job that comes next. */
  | { readonly kind: "clock-read" }
  /** The code of the job cannot be loaded; the process is of no more use. */
  | { readonly kind: "load-failed"; readonly failure: Failure }
  /** At most a few ms after the attempt has ended; several at once when attempts are short. */
  | { readonly kind: "reports"; readonly reports: readonly TaskReport[] }
  /** The same for items of `tasks` that are done and counted nothing, in columns: there may be
   *  hundreds of thousands a second. */
  | ({ readonly kind: "results" } & ResultColumns)
  | {
      readonly kind: "log";
      readonly task: number;
      readonly attempt: number;
      readonly lines: readonly string[];
    }
  | {
      readonly kind: "progress";
      readonly task: number;
      readonly attempt: number;
      readonly inputBytes: number;
    };
