/** What lies in `data.more` between our own tabs and our own coordinator. A gateway passes it on
 *  unread, but for `session`, `after`, `holding` and `ref`. */
import type { AttemptReport } from "../../core/event.ts";
import type { Failure, OutputFormat } from "../../core/job.ts";
import type { TaskType } from "./messages.ts";

/** In `connect`, from the tab. */
export type ConnectMore = {
  /** Of the page; another version than the coordinator's is told to reload. */
  readonly version: string;
  /** Random name of this life of the page: 32 hex digits. */
  readonly session: string;
  /** A new tab: the token of the link. "" when it comes back. */
  readonly token: string;
  /** A tab that comes back: what `welcome` gave it. "" when new. */
  readonly worker: string;
  readonly credential: string;
  /** For people: browser and system, at most 200 characters. */
  readonly name: string;
  /** Tasks at once: its Web Workers. */
  readonly slots: number;
  /** Program kinds, as those of workers (100 = JavaScript). */
  readonly kinds: readonly number[];
  /** What it holds; also told to a gateway that has never seen it. */
  readonly holding: ReadonlyArray<number | readonly [tid: number, type: TaskType, ref: string]>;
  /** Of a page that was loaded again: its session before. */
  readonly after?: string;
};

/** In `welcome`, from the coordinator. */
export type WelcomeMore = {
  /** `w-7`. */
  readonly worker: string;
  /** "" when it came back. */
  readonly credential: string;
  readonly version: string;
  /** Between two pongs that the tab sends on its own with what it does, ms. */
  readonly noteMs: number;
};

/** In `task`, from the coordinator. `url` holds what a browser that knows the document only can
 *  read: whole records of the split as text, or the partitions as NDJSON. */
export type TaskMore = {
  /** Names the attempts over restarts of either side: `j-1/0/5#2`, several joined by `,`. */
  readonly ref: string;
  readonly job: string;
  readonly jobName: string;
  readonly owner: string;
  readonly kind: "map" | "reduce" | "tasks";
  readonly stage: number;
  /** One of a map or reduce stage; of a list of tasks as many as take some seconds. */
  readonly attempts: ReadonlyArray<readonly [task: number, attempt: number]>;
  /** Where the data of these attempts lies, relative to the gateway: `/t/<ticket>`. Below it:
   *  `code`, `plan`, `file/<n>` (Range), `in/<map task>` (a partition's run), and by PUT `run`,
   *  `manifest`, `part`, `bad`. */
  readonly place: string;
  /** SHA-256 of code and plan: what the tab has, it need not fetch. */
  readonly codeHash: string;
  readonly planHash: string;
  /** Partitions of the output; 0 = the output is final. */
  readonly partitionCount: number;
  /** Map tasks whose partitions a reduce task reads. */
  readonly inputCount: number;
  readonly output: OutputFormat;
  /** Limit of one attempt, ms; 0 = none. */
  readonly timeoutMs: number;
  /** Of a list of tasks: bytes that the coordinator takes in one PUT of `reports`, a JSON list of
   *  reports that may come before the finish. Absent = it takes reports in the finish only. */
  readonly reportsMaxBytes?: number;
};

/** In `finish`, from the tab: a report for each attempt of the task that was not reported before;
 *  `root` is the SHA-256 of what was put. Failures of single attempts are among them, and attempts
 *  without a report are given back. */
export type FinishMore = { readonly reports: readonly AttemptReport[] };

/** In `error`, from the tab: the whole task failed. */
export type ErrorMore = {
  readonly tid: number;
  readonly failure: Failure;
  /** Map tasks whose partitions could not be fetched. */
  readonly lostTasks?: readonly number[];
};

/** In `pong` from the tab, and `note` to the coordinator. */
export type NoteMore = {
  /** Lines that job code logged. */
  readonly logs: ReadonlyArray<readonly [tid: number, task: number, line: string]>;
  /** Bytes read so far. */
  readonly progress: ReadonlyArray<readonly [tid: number, task: number, inputBytes: number]>;
  /** Tids that have begun. */
  readonly started: readonly number[];
  /** It takes nothing more now: hidden, paused by its user, on battery. "" = it works. */
  readonly paused: string;
  /** Tasks at once from now on; absent = as it said before. */
  readonly slots?: number;
};
