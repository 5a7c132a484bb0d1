/** Everything a coordinator remembers. Mutable, owned by `step`; others read it through
 *  `core/view.ts`.
 *
 *  Tasks live in columns (one array per property), since a job may have ten million of them. All
 *  collections keep their order over a snapshot: the next decision must not depend on a restart. */

import type { TokenRecord } from "../access/roles.ts";
import type { WorkerSpecs } from "../event.ts";
import type {
  CounterMap,
  Failure,
  JobSpec,
  JobState,
  KeptProfile,
  StageSpec,
  TaskOutput,
} from "../job.ts";
import { emptySharing, type Sharing } from "../sharing/members.ts";
import { Deadlines } from "../structures/deadlines.ts";
import { Durations } from "../structures/durations.ts";
import { IntQueue } from "../structures/queue.ts";
import { nothingRetained, type Retained } from "./retention/retained.ts";
import { noShares, type Share, type Shares } from "./shares/share.ts";
import { type Audits, type Difference, type JobAudit, noAudits } from "./trust/audit.ts";
import { type Canaries, loadCanaries } from "./trust/canaries.ts";
import { noOpinions, type Opinions } from "./trust/opinion.ts";
import { noTrust, type Trust } from "./trust/trust.ts";

/** Task states as small numbers, for the column. The order is part of the snapshot. */
export const WAITING = 0;
export const READY = 1;
export const RUNNING = 2;
export const DONE = 3;
/** The job ended without this task. */
export const DROPPED = 4;

/** In `Stage.holder`: the coordinator keeps the partitions, since other workers could not fetch
 *  them from the one that made them, or its object store does. They outlive that worker. */
export const RELAY = -1;

/** A promise that one worker runs one attempt; ended by its report, or by the loss of the worker.
 *
 *  1. A task has at most one lease, and one more while a backup attempt runs, on another worker.
 *  2. A lease that has ended never comes back: a late report of its attempt changes nothing. */
export type Lease = {
  readonly job: number;
  readonly stage: number;
  readonly task: number;
  readonly attempt: number;
  readonly worker: number;
  assignedAtMs: number;
  /** 0 until the worker says so; attempts that end quickly are never announced. */
  startedAtMs: number;
  readonly backup: boolean;
  /** What the job was charged for it, ms; see `shares.ts`. */
  readonly chargeMs: number;
  /** Since when its time is charged as it goes by; 0 = it is not. */
  accruesFromMs: number;
  /** The worker was asked to return it unless it has begun. */
  takenBack?: true;
};

export type Stage = {
  readonly job: number;
  readonly index: number;
  readonly spec: StageSpec;
  readonly state: Uint8Array;
  /** Last attempt number given out, per task. */
  readonly attempts: Uint32Array;
  readonly userErrors: Uint8Array;
  /** Times the task went back for reasons that are not the user's, per task. */
  readonly setbacks: Uint16Array;
  /** Worker number that holds the committed partitions; 0 = they are not needed, `RELAY` = the
   *  coordinator. */
  readonly holder: Int32Array;
  /** Outputs that are needed and whose worker is lost, by task: the number of that worker. It may
   *  come back with them before they are computed again. */
  readonly astray: Map<number, number>;
  /** Attempt that was committed. */
  readonly committed: Uint32Array;
  readonly outputs: Array<TaskOutput | null>;
  /** Distinct workers that were lost while running the task. */
  readonly killers: Map<number, number[]>;
  /** Tasks whose back-off has not ended; they are `waiting`. */
  readonly backoffs: Set<number>;
  /** Tasks whose input is on its way to the coordinator (`arriving.ts`); they are `waiting`. */
  readonly arriving: Set<number>;
  /** Leases by task: the first, then its backup. */
  readonly leases: Map<number, Lease[]>;
  /** Index 0: input anywhere; n + 1: input on `locality.hosts[n]`. */
  readonly queues: IntQueue[];
  readonly counts: { waiting: number; ready: number; running: number; done: number };
  readonly durations: Durations;
  readonly opinions: Opinions;
  /** Leases by machine; empty unless the stage has large input (`placement/spread.ts`). */
  readonly onMachines: Map<string, number>;
  /** Leases that workers, other than tabs, have announced. */
  announced: number;
  /** Grows whenever the place of a committed partition changes; workers are then informed again. */
  sourcesVersion: number;
  readonly tally: StageTally;
};

/** Figures for people. */
export type StageTally = {
  attemptsFailed: number;
  attemptsLost: number;
  backups: number;
  inputBytesDone: number;
  outputBytes: number;
  outputRecords: number;
  /** Of a job that keeps going: tasks without a result; absent = none. */
  tasksFailed?: number;
  startedAtMs: number;
  endedAtMs: number;
};

export type JobRecord = {
  readonly number: number;
  readonly spec: JobSpec;
  readonly owner: string;
  readonly key: string | null;
  readonly digest: string;
  state: JobState;
  failure: Failure | null;
  submittedAtMs: number;
  /** The time that its code sees, ms since the epoch: that of the submission, which does not move
   *  when a wrong clock is corrected; of a recheck that of the earlier job. */
  clockMs: number;
  endedAtMs: number;
  readonly stages: Stage[];
  readonly counters: Record<string, number>;
  /** Leases that it holds. */
  running: number;
  /** What it has used of its owner's part of the workers. */
  readonly share: Share;
  /** The first stage with ready tasks; -1 = there is none. */
  readyStage: number;
  readonly errors: Array<Failure & { task: string; worker: `w-${number}` }>;
  /** Workers that the job was sent to, in order. */
  readonly workers: Set<number>;
  /** A `stragglers` deadline is set. */
  watched: boolean;
  /** A straggler waits for a worker to have room for its backup. */
  wantsBackup: boolean;
  /** Of the submission; see `trust/disguise.ts`. */
  disguise?: number;
  /** It computes doubtful tasks of an earlier job again. */
  recheck?: Recheck;
  /** The first tasks of which there were different results, where volunteers take part. */
  disputes?: readonly Difference[];
  /** Whether tasks give the same result twice; absent = none is to be compared. */
  audit?: JobAudit;
  /** Of its tasks, oldest first; absent = none was kept. */
  profiles?: readonly KeptProfile[];
};

export type Recheck = {
  /** Number of that job. */
  readonly of: number;
  readonly tasks: number;
  /** Those whose result was another. */
  changed: number;
};

export type WorkerRecord = {
  readonly number: number;
  specs: WorkerSpecs;
  readonly owner: string;
  live: boolean;
  joinedAtMs: number;
  /** The start of the coordinator in which it was last seen joining. */
  seenEpoch: number;
  /** How long coordinators have been up without it since then, in ms: restarts do not renew its
   *  lease. */
  absentMs: number;
  /** In the order of assignment. */
  readonly leases: Set<Lease>;
  /** The same, counted. */
  readonly held: Held;
  /** Jobs opened in this session. */
  readonly opened: Set<number>;
  /** `job/stage` → version of the sources that were last sent to it. */
  readonly sources: Map<string, number>;
  done: number;
  failed: number;
  /** Round trip of a message, ms, as measured; absent where it is not noticeable. */
  rttMs?: number;
  /** How many times as long as others it takes lately: 1 = as they do. See speculation.ts. */
  pace: number;
  /** Why it takes no new attempts. Null = it takes them. */
  pause: Pause | null;
  /** Of a volunteer; absent of an own worker. */
  volunteer?: Volunteer;
  /** By job, as `workers/unfit.ts` says; absent = none. */
  unfit?: Map<number, Unfit>;
  /** It returned what an own worker found wrong, or its person did: it gets nothing any more. */
  caught?: true;
  /** Of one that is not live, when that was noticed, and why; absent in logs and snapshots from
   *  before that was remembered. */
  lost?: Loss;
};

/** bye: it left · closed: its link closed, and it did not come back · silent: no heartbeat. */
export type Loss = {
  readonly atMs: number;
  readonly reason: "bye" | "closed" | "silent";
  /** It did not come back to this start of the coordinator: why it went is not known. */
  readonly isAway?: true;
};

export type Volunteer = {
  /** The owner of its token, or the tab itself: whose results it returns. */
  readonly person: string;
  /** Of its address: /24 of IPv4, /48 of IPv6; "" = not known. */
  readonly block: string;
};

/** It could not begin tasks of a job. */
export type Unfit = {
  readonly tries: number;
  /** When the last of them was noticed. */
  readonly sinceMs: number;
  /** It is given none before this. */
  readonly untilMs: number;
  /** What it did, after its name. */
  readonly reason: string;
};

export type Pause = {
  readonly reason: string;
  /** 0 = until the worker says so. */
  readonly untilMs: number;
  /** Its disk fails; absent: the disk is full, or the worker itself has reported the reason. */
  readonly isFailing?: true;
  /** It drains. */
  readonly isLeaving?: true;
};

/** Leases of one worker, and their charges together, ms. */
export type Held = {
  /** How many of them the worker has announced: they take longer than a moment. */
  announced: number;
  readonly byJob: Map<number, number>;
  readonly byOwner: Map<string, number>;
  chargeMs: number;
};

export function nothingHeld(): Held {
  return { announced: 0, byJob: new Map(), byOwner: new Map(), chargeMs: 0 };
}

/** A start found the wall clock far ahead: from the newest record to the first one behind it. */
export type ClockJump = {
  readonly fromMs: number;
  readonly toMs: number;
  /** Deadlines that had been set before. */
  readonly deadlines: number;
};

export type CoordinatorState = {
  epoch: number;
  /** Time of the newest event. */
  atMs: number;
  /** Time of the newest `coordinator-started`. */
  startedAtMs: number;
  /** Starts that found the wall clock far ahead, the oldest first; see clock.ts. */
  readonly jumps: ClockJump[];
  jobsSubmitted: number;
  workersJoined: number;
  readonly jobs: Map<number, JobRecord>;
  /** Jobs in state `running`, in order of submission. */
  readonly active: Set<number>;
  readonly workers: Map<number, WorkerRecord>;
  /** Live workers, not paused, that may have room, in the order in which they found it. */
  readonly hungry: Set<number>;
  /** Live workers, not paused, that have free slots though tasks are ready, none of which is for
   *  them. */
  readonly choosy: Set<number>;
  readonly shares: Shares;
  /** Jobs of which something has changed in this step. */
  readonly touched: Set<number>;
  /** Jobs with `wantsBackup`. */
  readonly wantBackups: Set<number>;
  /** `owner\nkey` → job number. */
  readonly keys: Map<string, number>;
  readonly tokens: Map<string, TokenRecord>;
  readonly sharing: Sharing;
  readonly retained: Retained;
  readonly trust: Trust;
  readonly audits: Audits;
  readonly canaries: Canaries;
  readonly deadlines: Deadlines;
  /** Slots of all live workers. */
  slots: number;
};

export function emptyState(): CoordinatorState {
  return {
    epoch: 0,
    atMs: 0,
    startedAtMs: 0,
    jumps: [],
    jobsSubmitted: 0,
    workersJoined: 0,
    jobs: new Map(),
    active: new Set(),
    workers: new Map(),
    hungry: new Set(),
    choosy: new Set(),
    shares: noShares(),
    touched: new Set(),
    wantBackups: new Set(),
    keys: new Map(),
    tokens: new Map(),
    sharing: emptySharing(),
    retained: nothingRetained(),
    trust: noTrust(),
    audits: noAudits(),
    canaries: loadCanaries(),
    deadlines: new Deadlines(),
    slots: 0,
  };
}

export function newStage(job: number, index: number, spec: StageSpec, hosts: number): Stage {
  const n = spec.taskCount;
  return {
    job,
    index,
    spec,
    state: new Uint8Array(n),
    attempts: new Uint32Array(n),
    userErrors: new Uint8Array(n),
    setbacks: new Uint16Array(n),
    holder: new Int32Array(n),
    astray: new Map(),
    committed: new Uint32Array(n),
    outputs: new Array(n).fill(null),
    killers: new Map(),
    backoffs: new Set(),
    arriving: new Set(),
    leases: new Map(),
    queues: Array.from({ length: hosts + 1 }, () => new IntQueue()),
    counts: { waiting: n, ready: 0, running: 0, done: 0 },
    durations: new Durations(),
    opinions: noOpinions(),
    onMachines: new Map(),
    announced: 0,
    sourcesVersion: 0,
    tally: {
      attemptsFailed: 0,
      attemptsLost: 0,
      backups: 0,
      inputBytesDone: 0,
      outputBytes: 0,
      outputRecords: 0,
      startedAtMs: 0,
      endedAtMs: 0,
    },
  };
}

const countOf = ["waiting", "ready", "running", "done"] as const;

/** Moves a task to another state and keeps the counts; the only place that writes the column. */
export function setTask(stage: Stage, task: number, to: number): void {
  const from = stage.state[task] as number;
  const leaving = countOf[from];
  if (leaving !== undefined) stage.counts[leaving]--;
  const entering = countOf[to];
  if (entering !== undefined) stage.counts[entering]++;
  stage.state[task] = to;
}

export function addCounters(into: Record<string, number>, counters: CounterMap): void {
  for (const [name, by] of Object.entries(counters)) into[name] = (into[name] ?? 0) + by;
}
