/** The contents of `data.more` between Tequio's tabs and coordinators. A gateway passes it on
 *  unread, except `session`, `after`, `holding` and `ref`. */
import type { AttemptReport, PythonSpecs } from "../../core/event.ts";
import type { Failure, JobEnvironment, OutputFormat } from "../../core/job.ts";
import type { TaskType } from "./messages.ts";

/** In `connect`, from the tab. */
export type ConnectMore = {
  /** Version of the page; with another version than the coordinator's it has to reload. */
  readonly version: string;
  /** Random name of this load of the page: 32 hex digits. */
  readonly session: string;
  /** A new tab: the token of the link. "" when it comes back. */
  readonly token: string;
  /** A tab that comes back: the id from its `welcome`. "" when new. */
  readonly worker: string;
  readonly credential: string;
  /** For people: browser and system, at most 200 characters. */
  readonly name: string;
  /** Tasks at once: its Web Workers. */
  readonly slots: number;
  /** Program kinds, as those of workers (100 = JavaScript). */
  readonly kinds: readonly number[];
  /** Of a tab that runs Python: version of the language, and what is installed. */
  readonly python?: PythonSpecs;
  /** Tids of the tasks that it holds; a gateway that does not know the tab reads them, too. */
  readonly holding: ReadonlyArray<number | readonly [tid: number, type: TaskType, ref: string]>;
  /** From the gateway, whatever the tab says: the address that it came from, `host:port`. */
  readonly from?: string;
  /** Of a reloaded page: its previous session. */
  readonly after?: string;
};

/** In `welcome`, from the coordinator. */
export type WelcomeMore = {
  /** `w-7`. */
  readonly worker: string;
  /** Secret to come back with; "" when it came back. */
  readonly credential: string;
  readonly version: string;
  /** Interval of the pongs in which the tab reports its state, ms. */
  readonly noteMs: number;
};

/** In `task`, from the coordinator. `url` holds data that a basic browser can read: whole records
 *  of the split as text, or the partitions as NDJSON. */
export type TaskMore = JobEnvironment & {
  /** Identifies the attempts across restarts of tab and coordinator: `j-1/0/5#2`, several joined by
   *  `,`. */
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
  /** SHA-256 of code and plan: what the tab has already, it need not fetch. */
  readonly codeHash: string;
  readonly planHash: string;
  /** What the code is; absent = JavaScript. */
  readonly programKind?: number;
  /** Partitions of the output; 0 = the output is final. */
  readonly partitionCount: number;
  /** Map tasks whose partitions a reduce task reads. */
  readonly inputCount: number;
  readonly output: OutputFormat;
  /** Limit of one attempt, ms; 0 = none. */
  readonly timeoutMs: number;
  /** Of a list of tasks: bytes that the coordinator accepts in one PUT of `reports`, a JSON list of
   *  reports that may come before the finish. Absent = it accepts reports in the finish only. */
  readonly reportsMaxBytes?: number;
};

/** In `finish`, from the tab: a report for each attempt of the task that was not reported before;
 *  `root` is the SHA-256 of what was put. Failures of single attempts are among them, and attempts
 *  without a report are returned. */
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
  /** It accepts no tasks now: hidden, paused by its user, on battery. "" = it works; absent =
   *  unchanged. */
  readonly paused?: string;
  /** Tasks at once from now on; absent = unchanged. */
  readonly slots?: number;
  /** It leaves by itself: its disconnect follows. */
  readonly left?: true;
};
