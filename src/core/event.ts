/** Everything that can happen to a coordinator. Facts in the past tense, plain JSON, each with
 *  `atMs`.
 *
 *  1. Events are appended to the log before `step` sees them; replaying the log gives the same
 *     state.
 *  2. `atMs` is the coordinator's clock (monotonic, carried over restarts, back only behind a
 *     `clock-corrected`), whole ms.
 *  3. Heartbeats and progress are not events: silence is (`worker-lost`). See decisions/0002. */

import type { Role } from "./access/roles.ts";
import type { MemberEvent } from "./catalogue.ts";
import type { DifferentRecord } from "./cluster/trust/audit.ts";
import type { AttemptRef, Hash, JobId, WorkerId } from "./ids.ts";
import type { CounterMap, Failure, JobSpec, PythonEngine, TaskOutput } from "./job.ts";

/** What a worker says of itself. Claims, not truths: placement uses measured durations. */
export type WorkerSpecs = {
  /** For people: host name or `--name`; at most 200 characters. */
  readonly name: string;
  /** Which machine: equal on all processes of one machine, used for locality. */
  readonly host: string;
  /** Attempts that may run at once, clamped to 1 … 1,024. */
  readonly slots: number;
  readonly memoryBytes: number;
  /** `programKinds` of job.ts. */
  readonly kinds: readonly number[];
  /** Of a worker with the kind `python`: what it is. */
  readonly python?: PythonSpecs;
  /** Where other workers fetch partitions from; "" when it cannot be reached: then the coordinator
   *  keeps its outputs. */
  readonly exchangeUrl: string;
  /** A browser tab: far away, so it is given enough work for some seconds at once. */
  readonly tab?: boolean;
  /** KB/s at which a tab gets its input, as it measured; absent = it lies near. */
  readonly inputKbps?: number;
  /** What computes, as "node 24" or "Chromium 156"; absent at older workers. */
  readonly engine?: string;
  /** It speaks the base manager protocol alone: it returns nothing when it is asked, and comes back
   *  as a new worker. Absent in logs from before this was remembered. */
  readonly isBase?: true;
  readonly version: string;
};

/** The Python of a worker, as it found it. */
export type PythonSpecs = {
  /** Absent = CPython. */
  readonly engine?: PythonEngine;
  /** As 3.11.7. */
  readonly version: string;
  /** Versions of installed packages by their normalized names, at most 2,000. */
  readonly packages: Readonly<Record<string, string>>;
};

export type AttemptReport = {
  readonly task: number;
  readonly attempt: number;
  /** Time the attempt itself took, in ms (fractions allowed): of map and reduce tasks with what
   *  they fetch and store. */
  readonly durationMs: number;
} & (
  | {
      readonly kind: "done";
      readonly output: TaskOutput;
      readonly counters?: CounterMap;
      readonly inputBytes?: number;
    }
  /** `lostTasks`: tasks of the input stage whose partitions could not be fetched
   *  (download-failed). */
  | { readonly kind: "failed"; readonly failure: Failure; readonly lostTasks?: readonly number[] }
  /** The worker gives the attempt back unstarted (shutdown), or confirms an abort. */
  | { readonly kind: "returned" }
);

/** How long and how much of ended jobs is kept; see cluster/retention. */
export type RetentionLimits = {
  /** Time since the end of a job, in ms; 0 = any. */
  readonly keepMs: number;
  /** Results of all ended jobs together. */
  readonly resultBytes: number;
  /** What the coordinator remembers of them, in memory and in snapshots. */
  readonly recordBytes: number;
  /** How long the key of a removed job still names it, in ms; 0 = any time. */
  readonly keysMs: number;
  /** Ended jobs that clients follow now. */
  readonly followed: readonly JobId[];
  /** The disk is nearly full: some of what may go goes, whatever the bounds. */
  readonly pressed: boolean;
  /** By a bound only owners lose jobs that have more than an equal share of it. Absent in older
   *  logs: the job that ended first goes first, of all owners. */
  readonly byOwner?: true;
};

export type CoordinatorEvent = {
  readonly atMs: number;
} /** First event of every start. `epoch` counts starts, from 1. `retains`: ended jobs go by
 *  `retention-passed` from now on; absent in older logs, in which 1,000 were kept. */ & (
  | {
      readonly kind: "coordinator-started";
      readonly epoch: number;
      readonly retains?: true;
      /** Slots that one owner may take at the same time; absent or 0 = any number. */
      readonly slotsPerOwner?: number;
      /** From it is drawn which results of volunteers are checked, so no worker may know it; absent
       *  in logs from before there were volunteers. Below 2^53. */
      readonly trustSeed?: number;
      /** Share of the tasks of own workers that are computed a second time where there is room, 0
       *  to 1; absent = 0. */
      readonly auditShare?: number;
      /** Share of the tasks of volunteers whose result is known; default 0. */
      readonly canaryShare?: number;
      /** Volunteers earn trust for each owner of jobs apart; absent in logs from before. */
      readonly trustsByOwner?: true;
      /** How far the wall clock was ahead of the newest record, when that was a day or more, in ms;
       *  absent in logs from before such jumps were remembered. */
      readonly aheadMs?: number;
    }
  /** The wall clock is back after such a jump: `atMs` is still by the old time, all later events
   *  are by the one that is `byMs` less. */
  | { readonly kind: "clock-corrected"; readonly byMs: number }
  | {
      readonly kind: "job-submitted";
      readonly owner: string;
      /** Idempotency key of the submitter; null = none. */
      readonly key: string | null;
      /** Hash of the whole submission, compared when the key comes again. */
      readonly digest: Hash;
      readonly spec: JobSpec;
      /** Its input files are still on their way: every task of the first stage waits for
       *  `inputs-arrived`. */
      readonly arriving?: true;
      /** Of a job that is shared with volunteers: from it follow the first attempt number of each
       *  task and the order in which tasks are given out, so no worker may know it. Below 2^53;
       *  absent in older logs, where both count up. */
      readonly disguise?: number;
    }
  /** The input of these tasks of the first stage is there. */
  | { readonly kind: "inputs-arrived"; readonly job: JobId; readonly tasks: readonly number[] }
  /** The submitter has stopped sending, or has sent other bytes than it named. */
  | { readonly kind: "inputs-missed"; readonly job: JobId; readonly reason: string }
  /** Computes those tasks of a finished job again that only volunteers vouch for who were caught,
   *  and what read them, as a job of its own. */
  | {
      readonly kind: "job-rechecked";
      readonly job: JobId;
      readonly owner: string;
      readonly digest: Hash;
    }
  | { readonly kind: "job-cancelled"; readonly job: JobId; readonly by: string }
  /** The job and its outputs are no longer wanted; only for a job that has ended. */
  | { readonly kind: "job-removed"; readonly job: JobId }
  | {
      readonly kind: "worker-joined";
      /** Null = a new worker, gets the next id. */
      readonly worker: WorkerId | null;
      readonly owner: string;
      readonly specs: WorkerSpecs;
      /** Of a volunteer; absent of own workers. `person`: who answers for its results; absent = the
       *  worker itself. `block`: of its address, "" = not known. */
      readonly volunteer?: { readonly person?: string; readonly block: string };
      /** Attempts that it holds, running or finished without an acknowledgement. */
      readonly holding: readonly AttemptRef[];
      /** Map outputs that it still serves, as [job, stage] with tasks; all others are lost. Names
       *  every job that is open there, if only without tasks: those that have ended are closed. */
      readonly serving?: ReadonlyArray<{
        readonly job: JobId;
        readonly stage: number;
        readonly tasks: readonly number[];
      }>;
    }
  | {
      readonly kind: "worker-lost";
      readonly worker: WorkerId;
      /** bye: it sent a Bye · closed: link closed and not back in time · silent: no heartbeat in
       *  the lease. */
      readonly reason: "bye" | "closed" | "silent";
    }
  /** It takes no new attempts: its disk is nearly full. Until `worker-resumed` or a new join.
   *  `isLeaving`: it drains, and will say Bye. */
  | {
      readonly kind: "worker-paused";
      readonly worker: WorkerId;
      readonly reason: string;
      readonly isLeaving?: true;
    }
  | { readonly kind: "worker-resumed"; readonly worker: WorkerId }
  /** It runs more attempts at once from now on, or fewer; what it has goes on. Clamped as those of
   *  its specs. */
  | { readonly kind: "worker-resized"; readonly worker: WorkerId; readonly slots: number }
  /** How long a message to it and its answer take, ms, where that is noticeable; 0 = it is not. */
  | { readonly kind: "worker-measured"; readonly worker: WorkerId; readonly rttMs: number }
  | {
      readonly kind: "attempts-started";
      readonly worker: WorkerId;
      readonly attempts: readonly AttemptRef[];
    }
  | {
      readonly kind: "attempts-reported";
      readonly worker: WorkerId;
      readonly job: JobId;
      readonly stage: number;
      readonly reports: readonly AttemptReport[];
    }
  /** The coordinator keeps these map outputs of a worker that leaves, whole and verified. */
  | {
      readonly kind: "outputs-handed-over";
      readonly worker: WorkerId;
      readonly job: JobId;
      readonly stage: number;
      readonly outputs: ReadonlyArray<readonly [task: number, attempt: number]>;
    }
  /** The first record in which two results of one task differ. */
  | {
      readonly kind: "outputs-compared";
      readonly job: JobId;
      readonly stage: number;
      readonly task: number;
      /** Of the two results; absent in older logs. */
      readonly attempts?: readonly [number, number];
      readonly record: DifferentRecord;
    }
  /** A profile of one of its tasks, which its owner made elsewhere, is kept with the job. */
  | {
      readonly kind: "profile-kept";
      readonly job: JobId;
      readonly stage: number;
      readonly task: number;
      /** Its blob. */
      readonly profile: Hash;
      readonly by: string;
    }
  /** Clients have the whole results of these jobs. */
  | { readonly kind: "results-fetched"; readonly jobs: readonly JobId[] }
  /** Time to see which ended jobs are kept no longer, by these bounds. */
  | { readonly kind: "retention-passed"; readonly limits: RetentionLimits }
  /** A deadline of the state (see `nextWakeMs`) has come. */
  | { readonly kind: "time-passed" }
  | {
      readonly kind: "token-issued";
      readonly id: string;
      readonly role: Role;
      readonly owner: string;
      /** SHA-256 of the whole token text. */
      readonly hash: Hash;
      /** Coordinator's clock; 0 = never. */
      readonly expiresAtMs: number;
      /** How many joins it allows; 0 = any number. */
      readonly usesMax: number;
      /** Of a worker's credential: id of the join token that let it in. */
      readonly by?: string;
    }
  | { readonly kind: "token-used"; readonly id: string }
  /** `members`: and the credentials of all workers that it let in. */
  | { readonly kind: "token-revoked"; readonly id: string; readonly members?: true }
  | MemberEvent
);
