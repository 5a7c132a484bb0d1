/** What people see of the state: plain objects, made on demand, never stored. */
import type { RemovedWhy } from "./cluster/retention/retained.ts";
import type { DifferentRecord } from "./cluster/trust/audit.ts";
import type { JobId, WorkerId } from "./ids.ts";
import type { Failure, JobState, OutputFormat, PythonEngine, RowShape, StageKind } from "./job.ts";

export type StageSummary = {
  readonly kind: StageKind;
  readonly taskCount: number;
  readonly waiting: number;
  /** May run now, and have no slot yet: at the coordinator, or at a worker. */
  readonly ready: number;
  /** In a slot of a worker: never more than there are slots. */
  readonly running: number;
  readonly done: number;
  /** Attempts that ended without a result: errors, lost workers, lost races. */
  readonly attemptsFailed: number;
  readonly attemptsLost: number;
  readonly backups: number;
  /** Of the input files, as they are stored (compressed or not); 0 of stages without files. */
  readonly inputBytes: number;
  /** Read of them, in the same bytes; of a reduce stage, the outputs of the map stage. */
  readonly inputBytesDone: number;
  /** As stored; of a list of tasks, the JSON texts of the results without line ends. */
  readonly outputBytes: number;
  readonly outputRecords: number;
  /** Tasks that are done without a result, since the job keeps going; absent = none. */
  readonly tasksFailed?: number;
  /** Coordinator's clock, ms; 0 = not yet. */
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** Mean time of an attempt, ms; 0 = none done. */
  readonly meanMs: number;
};

export type JobSummary = {
  readonly job: JobId;
  readonly name: string;
  readonly owner: string;
  readonly state: JobState;
  readonly failure: Failure | null;
  readonly submittedAtMs: number;
  readonly endedAtMs: number;
  /** The coordinator's clock now, so that a reader can compute ages. */
  readonly atMs: number;
  /** By that clock, of a job that runs: when the coordinator has started anew since the submission;
   *  absent = it has not. No speed can be measured over the time before. */
  readonly upSinceMs?: number;
  readonly stages: readonly StageSummary[];
  readonly output: OutputFormat;
  /** Set when the parts are NDJSON, of which the client makes the `output`. */
  readonly shape?: RowShape;
  readonly counters: Readonly<Record<string, number>>;
  /** Why nothing runs, in words; "" when something does. */
  readonly waitingFor: string;
  /** Tasks with a result of a volunteer that is not decided; absent = none. */
  readonly undecided?: number;
  /** Of a finished job: tasks whose results come from caught volunteers alone; absent = none. */
  readonly doubtful?: number;
  /** It computes doubtful tasks of an earlier job again; `changed`: those whose result was
   *  another. */
  readonly recheck?: { readonly of: JobId; readonly tasks: number; readonly changed: number };
  /** Tasks of which volunteers and others gave different results, at most 10; absent = none. */
  readonly disputes?: readonly DisputeSummary[];
  /** Why nothing of it is compared by own workers, though its `trust` asks for it; absent = that is
   *  not so. */
  readonly unaudited?: UnauditedWhy;
  /** Tasks that were computed a second time, to compare; absent = none was. */
  readonly audit?: AuditSummary;
  /** The last few user errors, newest first (at most 10). */
  readonly errors: ReadonlyArray<Failure & { readonly task: string; readonly worker: WorkerId }>;
};

/** `tasks`: whose two results were compared · `differs`: the first task whose results differ, with
 *  the workers that computed them. */
export type AuditSummary = {
  readonly tasks: number;
  readonly differs?: TaskDifference;
};

export type TaskDifference = {
  readonly stage: StageKind;
  readonly task: number;
  readonly workers: readonly [WorkerId, WorkerId];
  /** The first record in which they differ, when that is known; see `DifferentRecord`. */
  readonly record?: DifferentRecord;
};

/** `isOpen`: it is not settled · `wrong`: those of the two workers that were caught. */
export type DisputeSummary = TaskDifference & {
  readonly isOpen?: true;
  readonly wrong: readonly WorkerId[];
};

/** one-worker: `trust: "audit"` compares two own workers, and there is one at most · no-own-worker:
 *  only volunteers are here, who can outvote each other. */
export type UnauditedWhy = "one-worker" | "no-own-worker";

/** Ended jobs that are kept no longer, by why they went. */
export type RemovedSummary = {
  readonly why: RemovedWhy;
  readonly count: number;
  /** Coordinator's clock, ms. */
  readonly firstAtMs: number;
  readonly lastAtMs: number;
};

export type MemberSummary = {
  readonly name: string;
  /** user: came by the console · peer: came by P4. */
  readonly kind: "user" | "peer";
  readonly owner: string;
  /** here: connected, and last sign of life within the TTL. */
  readonly state: "here" | "away";
  /** `host:port` where it serves its files; "" when it is not connected. */
  readonly address: string;
  readonly files: number;
  /** Silence after which it is gone; 0 = never. */
  readonly ttlMs: number;
  /** The coordinator's clock; null when it is not connected. */
  readonly heardAtMs: number | null;
};

export type WorkerSummary = {
  readonly worker: WorkerId;
  readonly name: string;
  readonly host: string;
  readonly state: "live" | "lost";
  readonly slots: number;
  /** Attempts in a slot, at most `slots`. */
  readonly running: number;
  /** Attempts that it was sent ahead, which wait for a slot; absent at older coordinators. */
  readonly queued?: number;
  readonly done: number;
  readonly failed: number;
  readonly joinedAtMs: number;
  readonly version: string;
  /** A browser tab. */
  readonly tab: boolean;
  /** Version of its Python; absent without one. */
  readonly python?: string;
  /** Absent = CPython, or none. */
  readonly pythonEngine?: PythonEngine;
  /** Why it takes no new tasks now, in words; "" when it does. */
  readonly paused: string;
  /** Absent for own workers. */
  readonly volunteer?: VolunteerSummary;
  /** Of one that is lost; absent at older coordinators. */
  readonly lost?: LostSummary;
  /** Set when other workers could not read from it lately. */
  readonly unreached?: UnreachedSummary;
  /** Set when large messages were lost on the way from or to it lately. */
  readonly narrow?: NarrowSummary;
};

/** A link that loses packets of full size. */
export type NarrowSummary = {
  /** The worker, or the address of one that could not join. */
  readonly who: string;
  readonly remote: string;
  /** The end at which nothing large arrives. */
  readonly towards: "worker" | "coordinator";
};

/** What went by the coordinator, since workers could not reach one another. */
export type UnreachedSummary = {
  /** Workers that could not reach it, at most 10 of `count`. */
  readonly by: readonly WorkerId[];
  readonly count: number;
  readonly relayedBytes: number;
};

export type LostSummary = {
  /** bye: it left · closed: its link closed, and it did not come back · silent: no heartbeat. */
  readonly reason: "bye" | "closed" | "silent";
  /** It did not come back after the coordinator had started anew: what became of it is not known,
   *  it may have left meanwhile. */
  readonly isAway?: true;
  /** Coordinator's clock, ms. */
  readonly atMs: number;
  /** Since then, ms. */
  readonly forMs: number;
};

export type VolunteerSummary = {
  /** Who answers for its results. */
  readonly person: string;
  /** Its results, by this engine, that were compared and found right, one after the other. */
  readonly valid: number;
  /** Share of its results that get a second opinion now, 0 to 1. */
  readonly checkedShare: number;
  /** The task that it was caught at; absent = it was not. */
  readonly caught?: { readonly job: JobId; readonly stage: number; readonly task: number };
};
