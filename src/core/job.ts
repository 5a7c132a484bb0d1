/** The nouns: what a job is made of, as the coordinator sees it.
 *
 *  A *job* has *stages* (map, reduce, or tasks); a stage has *tasks*; a task has *attempts*; an
 *  attempt holds a *lease* on a worker. Map tasks read *splits* and write one *partition* per
 *  reduce task. User code and inputs are blobs (`codeHash`, `planHash`) that the core never
 *  opens. */
import type { ErrorCode } from "./error.ts";
import type { Hash, JobId } from "./ids.ts";

/** What the tasks of a stage do. `tasks` is a plain list whose results come back in order. */
export type StageKind = "map" | "reduce" | "tasks";

/** A task for people: `map task 3`, of a plain list `task 3`. */
export function taskName(kind: StageKind, task: number): string {
  return kind === "tasks" ? `task ${task}` : `${kind} task ${task}`;
}

/** waiting: a stage before it is not done · ready: may be given to a worker · running: leased ·
 *  done, failed, cancelled: final (a map task's `done` returns to `ready` when its output is
 *  lost). */
export type TaskState = "waiting" | "ready" | "running" | "done" | "failed" | "cancelled";

/** running: accepted, maybe still without workers · done, failed, cancelled: final. */
export const jobStates = ["running", "done", "failed", "cancelled"] as const;
export type JobState = (typeof jobStates)[number];

export type StageSpec = {
  readonly kind: StageKind;
  /** Tasks in the stage, 0 to 10,000,000. */
  readonly taskCount: number;
  /** Stage whose partitions this one reads: every reduce has one, others null. Always a lower
   *  index. */
  readonly inputStage: number | null;
  /** Partitions that each task's output is cut into, 1 to 100,000; 0 when the output is final. */
  readonly partitionCount: number;
  /** Limit of one attempt, in ms; 0 = none. */
  readonly timeoutMs: number;
  /** Bytes that the stage reads, for progress; 0 when unknown. */
  readonly inputBytes: number;
};

/** How a result is written: as JSON or text a line, as a table (CSV, Parquet, Arrow, or "rows": an
 *  object a line), or by operators that keep records as they are, "bytes". */
export const outputFormats = [
  "ndjson",
  "csv",
  "text",
  "bytes",
  "rows",
  "parquet",
  "arrow",
] as const;
export type OutputFormat = (typeof outputFormats)[number];

/** What the lines of a result are, for the client that makes a table of them.
 *
 *  pairs: `{"key":…,"value":…}` · rows: an object of its columns, or with output "text" their cells
 *  between tabs · tasks: the results of a list, of the items in the blob `items`, a JSON text a
 *  line · lines: texts as they are, of output "text". */
export type RowShape =
  | {
      readonly of: "pairs";
      /** Columns of a key: one is its value, several are its elements. Absent: "key". */
      readonly key?: readonly string[];
      /** Name of a value that is no object. Absent: "value". */
      readonly value?: string;
      /** All columns there are, in order; absent = those that the rows have. */
      readonly columns?: readonly string[];
    }
  | { readonly of: "rows"; readonly columns: readonly string[] }
  | { readonly of: "tasks"; readonly items?: Hash }
  | { readonly of: "lines" };

/** What may go wrong how often. Defaults in `defaultLimits`. */
export type RetryLimits = {
  /** Attempts that end in the user's own error before the job fails. 1 to 100. */
  readonly userErrorMax: number;
  /** Distinct workers that may die while running a task before it counts as poisoned. 1 to 100. */
  readonly workersKilledMax: number;
  /** Wait before the second attempt, in ms; doubles each time. */
  readonly backoffMs: number;
  /** The doubling ends here, in ms. */
  readonly backoffMaxMs: number;
};

export const defaultLimits: RetryLimits = {
  userErrorMax: 4,
  workersKilledMax: 3,
  backoffMs: 100,
  backoffMaxMs: 10_000,
};

/** Who may compute a job, and what is believed.
 *
 *  own: only own workers · audit: a share of the results is computed twice; with `share` volunteers
 *  compute it, too, without it at least one task of each stage is compared · quorum: what
 *  volunteers compute counts when enough of them agree. */
export const trusts = ["own", "audit", "quorum"] as const;
export type Trust = (typeof trusts)[number];

/** Where the partitions of map tasks lie until they are read.
 *
 *  workers: at the worker that made them; they are computed again when it is lost · s3: in the
 *  object store of the coordinator's blobs, whatever becomes of the worker. */
export const shuffles = ["workers", "s3"] as const;
export type Shuffle = (typeof shuffles)[number];

export const priorities = ["high", "normal", "low"] as const;
export type Priority = (typeof priorities)[number];

/** A job as submitted: immutable, stored in the log, and everything that the core needs to know. */
export type JobSpec = {
  /** For people; 1 to 200 characters. */
  readonly name: string;
  /** Blob of the bundled job code (one ES module). */
  readonly codeHash: Hash;
  /** Blob of the plan: files, splits, items, parameters (see `wire/block/plan.ts`). */
  readonly planHash: Hash;
  /** In order; behind the first one or more reduce stages of a query. */
  readonly stages: readonly StageSpec[];
  /** Hosts that hold each task's input (stage 0 only): `taskHost[t]` indexes `hosts`, −1 =
   *  anywhere. */
  readonly locality: {
    readonly hosts: readonly string[];
    readonly taskHost: readonly number[];
  } | null;
  readonly limits: RetryLimits;
  /** Second attempts for stragglers. */
  readonly backupTasks: boolean;
  /** Share of the workers against other jobs, 1 to 1,000; default 1. */
  readonly weight: number;
  /** Within its owner's share, beside `weight`: high counts four times as much as normal, low a
   *  quarter; default normal. */
  readonly priority?: Priority;
  /** Default "own"; of jobs with `share` "audit", and never "own". "quorum" is for those alone. */
  readonly trust?: Trust;
  /** Volunteers may see its code and its data, and compute it; absent = they may not. */
  readonly share?: "volunteers";
  /** Of `trust: "quorum"`: so many volunteers must agree, 2 to 9; and results of one task before
   *  the job is given up, up to 99. Default 2 of 9. */
  readonly quorum?: { readonly agree: number; readonly of: number };
  /** Its results depend on the engine: they are compared within one only. */
  readonly sameEngine?: boolean;
  /** "real": its code sees the time that goes by, and not that of its submission; absent = that. */
  readonly clock?: "real";
  /** "real": its code may draw numbers that no attempt draws again, though results are compared;
   *  absent = jobs that volunteers compute are refused such numbers. */
  readonly chance?: "real";
  /** The largest share of the lines that may be bad, 0 to 1; absent = any. */
  readonly badShareMax?: number;
  /** Of a list of tasks: one that fails is left out of the result; absent = it fails the job. */
  readonly keepGoing?: true;
  /** Browsers that bring code of their own may run it, too; default false. */
  readonly bareBrowsers?: boolean;
  /** For the client that collects the result; default "ndjson". */
  readonly output?: OutputFormat;
  /** Set when the parts are NDJSON, of which the client makes the `output`, and of texts that are
   *  no pairs; absent = they are in it already. */
  readonly shape?: RowShape;
  /** What its code is: `javascript` (default) or `python`; only workers that have it run it. */
  readonly programKind?: number;
  /** Of Python: packages that its workers must have, as "numpy>=2"; see `cluster/requires.ts`. */
  readonly requires?: readonly string[];
  /** Of Python: the only engine that may run it; absent = any. */
  readonly engine?: PythonEngine;
  /** Of Python: the only version of the language, as "3.14"; absent = any. */
  readonly pythonVersion?: string;
  /** Blob of the WebAssembly module that its code runs once for each item: workers that run such
   *  modules (`wasm`) and no JavaScript may take its tasks, too. */
  readonly moduleHash?: Hash;
  /** Absent = as the coordinator was started. */
  readonly shuffle?: Shuffle;
};

/** Of a WebAssembly module, bytes: more is refused when a job is made of one, and not passed on. */
export const moduleMaxBytes = 32 * 1024 * 1024;

/** What the job's code has around it that neither its engine nor the code itself can know. */
export type JobEnvironment = {
  /** The time that it sees, ms since the epoch; absent = the time that goes by. */
  readonly frozenAtMs?: number;
  /** Results are compared, so that it is refused numbers that no attempt draws again. */
  readonly refusesChance?: true;
};

/** The part of a message that says so. */
export function environmentIn({ frozenAtMs, refusesChance }: JobEnvironment): JobEnvironment {
  return {
    ...(frozenAtMs === undefined ? {} : { frozenAtMs }),
    ...(refusesChance === undefined ? {} : { refusesChance }),
  };
}

/** CPython of a Node worker's machine, or Pyodide in a tab: texts hash differently there, and some
 *  functions of `math` differ in the last digit. */
export const pythonEngines = ["cpython", "pyodide"] as const;
export type PythonEngine = (typeof pythonEngines)[number];

/** Program kinds: the same numbers as on the wire. `ownCode`: browsers that bring code of their
 *  own. */
export const programKinds = { wasm: 0, javascript: 100, python: 101, ownCode: 200 } as const;

/** Where the text of a long result lies: in a blob that it shares with others of its job. */
export type ResultPage = {
  readonly blob: Hash;
  /** Its first byte; it has `sizeBytes` of its output. */
  readonly start: number;
};

/** What a finished attempt leaves behind; final once committed. */
export type TaskOutput = {
  /** Intermediate output: SHA-256 of the partition manifest. Final output: blob hash; with `page`
   *  the SHA-256 of the text there, which names no blob. "" = none. */
  readonly root: Hash;
  readonly sizeBytes: number;
  readonly records: number;
  /** The coordinator, or its object store, has the partitions: they outlive the worker. */
  readonly isStored?: true;
  /** Result of a `tasks` task as JSON text, when it is short; or long and of a log from before
   *  there were pages. */
  readonly value?: string;
  /** Of a result that is not short; set by the coordinator. */
  readonly page?: ResultPage;
  /** Blob of records set aside as bad (NDJSON). */
  readonly badRecords?: Hash;
  /** Why a task of a job that keeps going has no result; its message has at most 1,000
   *  characters. */
  readonly failure?: Failure;
};

/** Where one task spends its time, as its owner had it kept with the job. */
export type KeptProfile = {
  readonly stage: number;
  readonly task: number;
  /** Its blob. */
  readonly profile: Hash;
  /** Who had it kept. */
  readonly by: string;
  /** Coordinator's clock, ms. */
  readonly atMs: number;
};

/** Why an attempt or a job failed. */
export type Failure = {
  readonly code: ErrorCode;
  readonly message: string;
  /** Stack with the job file's own positions, at most 8 KiB. */
  readonly stack?: string;
  /** No further attempt can end otherwise, since the reason is the input: the task is not tried
   *  again. Set by workers; absent from older ones. */
  readonly isFinal?: true;
  /** The disk of its worker failed (I/O error, read-only): other workers may do better. Set by
   *  workers; absent from older ones. */
  readonly isDisk?: true;
  /** An existing worker could not have the module: others may. Set by the coordinator. */
  readonly noModule?: true;
};

export type CounterMap = Readonly<Record<string, number>>;

/** Names a job together with what became of it, for events to watchers. */
export type JobOutcome = {
  readonly job: JobId;
  readonly state: JobState;
  readonly failure?: Failure;
};
