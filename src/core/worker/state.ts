/** What one worker knows, what can happen to it and what it may want done. */
import type { AttemptReport } from "../event.ts";
import type { AttemptRef, JobId } from "../ids.ts";
import type { Failure, StageKind } from "../job.ts";
import { AttemptMap } from "../structures/attempt-map.ts";

/** Limits, each an option with its unit; defaults in `defaultRules`. */
export type WorkerRules = {
  /** Runs at once, 1 to 1,024. */
  readonly slots: number;
  /** Attempts held at once; those above it are given back. */
  readonly queueMax: number;
  /** Attempts of a `tasks` stage given to a slot at once. */
  readonly batchMax: number;
  /** How much work one batch should be, by the durations measured so far. */
  readonly batchTargetMs: number;
  /** Reports in one message, and how long one may wait for company while another is under way. */
  readonly reportGroupMax: number;
  readonly reportDelayMs: number;
  readonly reportsInFlightMax: number;
  /** An attempt that ends before this is never announced as started: half the messages saved. */
  readonly startedAfterMs: number;
  /** Limit for loading a job's code. */
  readonly loadTimeoutMs: number;
  /** Limit from dialling to being welcomed. */
  readonly joinTimeoutMs: number;
  /** Wait before the first new dial; doubles up to `backoffMaxMs`. */
  readonly backoffMs: number;
  readonly backoffMaxMs: number;
  /** Without any manager for this long, the worker ends; 0 = it never gives up. */
  readonly giveUpMs: number;
  /** Last wait, at shutdown, for the manager to take what is left. */
  readonly leaveMs: number;
  /** From the first event until the worker must be gone; 0 = no end. */
  readonly lifetimeMs: number;
  /** How long before that it drains at the latest; less than `lifetimeMs`. */
  readonly drainMs: number;
  /** Ends after so long without an attempt and without outputs that are needed; 0 = never. */
  readonly idleExitMs: number;
  /** Others fetch its map outputs from it; false: the coordinator keeps them. */
  readonly servesOutputs: boolean;
};

export const defaultRules: WorkerRules = {
  slots: 1,
  queueMax: 65_536,
  batchMax: 256,
  batchTargetMs: 50,
  reportGroupMax: 1_024,
  reportDelayMs: 5,
  reportsInFlightMax: 4,
  startedAfterMs: 200,
  loadTimeoutMs: 30_000,
  joinTimeoutMs: 10_000,
  backoffMs: 100,
  backoffMaxMs: 5_000,
  giveUpMs: 0,
  leaveMs: 1_000,
  lifetimeMs: 0,
  drainMs: 5_000,
  idleExitMs: 0,
  servesOutputs: true,
};

/** An attempt from its assignment until its report is acknowledged.
 *
 *  queued → running → reported; a shared crash or a killed batch leads back to queued. */
export type Held = {
  readonly ref: AttemptRef;
  readonly timeoutMs: number;
  state: "queued" | "running" | "reported" | "dropped";
  /** It was in a batch whose process died: it now runs alone, so that the blame is certain. */
  alone: boolean;
  startedAtMs: number;
  report: AttemptReport | null;
};

/** One batch on one slot. preparing: fetching or loading · computing: the job's code runs, the
 *  attempt's limit counts · storing: the output is being put away. */
export type Run = {
  readonly id: number;
  readonly slot: number;
  readonly job: JobId;
  readonly stage: number;
  readonly attempts: readonly Held[];
  phase: "preparing" | "loading" | "computing" | "storing";
  /** Index of the attempt that runs now: the first without a report. */
  current: number;
  /** When the current one (or the phase) began. */
  sinceMs: number;
  toldStarted: boolean;
};

export type WorkerJob = {
  readonly kinds: readonly StageKind[];
  /** Mean duration of an attempt by stage, ms; NaN until one has ended. */
  readonly meanMs: number[];
  /** The output of a map attempt lies here, and is acknowledged: reduce tasks may fetch it until
   *  the job is closed, or the manager has it. */
  hasOutputs: boolean;
};

export type Slot = { run: Run | null; lastJob: JobId | null };

/** apart: no link, dials at `atMs` · dialling · joining: link up, not yet welcomed · joined ·
 *  leaving: Bye sent, waits for its Ack · ended: final. */
export type Relation = {
  state: "apart" | "dialling" | "joining" | "joined" | "leaving" | "ended";
  /** apart: when to dial; dialling, joining, leaving: when to give up. */
  atMs: number;
  /** Failures in a row, for the back-off. */
  failures: number;
  /** When a manager was last there; NaN before the first dial. */
  lastJoinedMs: number;
  /** The manager is an existing one: it is sent a Bye when it is given up. */
  isExisting: boolean;
  heartbeatMs: number;
  leaseMs: number;
  nextPingAtMs: number;
  /** Until when the manager surely counts this worker as alive; Infinity when fenced or never
   *  joined. */
  leaseUntilMs: number;
};

export type Stop = {
  /** When running attempts are given up, then when the last reports are. */
  atMs: number;
  graceOver: boolean;
  /** Whether it was reported over this link. */
  isTold: boolean;
  readonly isDrain: boolean;
  /** For people. */
  readonly why: string;
  /** The manager is being given the outputs that it needs. */
  isHandingOver: boolean;
  /** `outputsMade` when that last began. */
  handedTo: number;
};

export type WorkerState = {
  readonly rules: WorkerRules;
  readonly relation: Relation;
  readonly slots: readonly Slot[];
  readonly jobs: Map<JobId, WorkerJob>;
  /** Everything not yet acknowledged. */
  readonly held: AttemptMap<Held>;
  /** Acknowledged lately, in two generations: a task message that comes twice is ignored. */
  settled: AttemptMap<true>;
  settledBefore: AttemptMap<true>;
  /** To be run, in order; `again` before `queue`. Dropped ones are skipped when met. */
  again: Held[];
  queue: Held[];
  queueHead: number;
  /** Reports not under way, oldest first, and since when the oldest waits. */
  outbox: Held[];
  outboxSinceMs: number;
  readonly inFlight: Map<number, readonly Held[]>;
  nextRun: number;
  nextBatch: number;
  /** Map outputs that were kept here and acknowledged. */
  outputsMade: number;
  /** Null = it stays. See `leaving.ts`. */
  stop: Stop | null;
  /** Time of the first event; NaN before. */
  startedAtMs: number;
  /** When it must be gone; Infinity = never. */
  endsAtMs: number;
  /** Since when it holds no attempt; Infinity = it does. */
  idleSinceMs: number;
  /** Why nothing new is taken: the disk is nearly full; "" = there is room. */
  pausedFor: string;
};

export type WorkerEvent = { readonly atMs: number } & (
  | { readonly kind: "link-opened" }
  /** Also a dial that failed. `chance`: a random number in [0, 1) for the jitter. */
  | { readonly kind: "link-lost"; readonly reason: string; readonly chance: number }
  /** `isExisting`: by a manager that knows the base protocol alone. */
  | {
      readonly kind: "welcomed";
      readonly leaseMs: number;
      readonly heartbeatMs: number;
      readonly isExisting?: true;
    }
  /** `final`: no new try can help (token, version, another process with this id). */
  | {
      readonly kind: "refused";
      readonly final: boolean;
      readonly failure: Failure;
      readonly chance: number;
    }
  /** The manager answered a request that was sent at `sentAtMs`. */
  | { readonly kind: "heard"; readonly sentAtMs: number }
  /** NotMine or Bye from the manager: the relation is over, a new one is sought. */
  | { readonly kind: "relation-broken"; readonly chance: number }
  | {
      readonly kind: "job-opened";
      readonly job: JobId;
      readonly stageKinds: readonly StageKind[];
    }
  | { readonly kind: "job-closed"; readonly job: JobId }
  | {
      readonly kind: "assigned";
      readonly attempts: readonly AttemptRef[];
      readonly timeoutMs: number;
    }
  | { readonly kind: "aborted"; readonly attempts: readonly AttemptRef[] }
  /** The manager wants back what has not begun. */
  | { readonly kind: "asked-back"; readonly attempts: readonly AttemptRef[] }
  | { readonly kind: "run-phase"; readonly run: number; readonly phase: Run["phase"] }
  | {
      readonly kind: "run-reported";
      readonly run: number;
      readonly reports: readonly AttemptReport[];
    }
  /** The run ended without a report for what is left. `blame` all: nothing of the job can run so
   *  (its code does not load); current: the process died while it ran. */
  | {
      readonly kind: "run-died";
      readonly run: number;
      readonly blame: "all" | "current";
      readonly failure: Failure;
    }
  | { readonly kind: "reports-acked"; readonly batch: number }
  /** How the disk is: why nothing new is to be taken, or "" = there is room again. */
  | { readonly kind: "disk-changed"; readonly reason: string }
  /** `isDrain`: also until its map outputs are not needed any more. */
  | { readonly kind: "stop-asked"; readonly graceMs: number; readonly isDrain?: boolean }
  /** `isWhole`: the manager has all outputs that it needed when that was asked last. */
  | {
      readonly kind: "handed-over";
      readonly isWhole: boolean;
      readonly outputs: number;
      readonly sizeBytes: number;
    }
  | { readonly kind: "bye-acked" }
  /** `nextWakeMs` has come. */
  | { readonly kind: "time-passed"; readonly chance: number }
);

/** Performed in order. */
export type WorkerEffect =
  /** Answered by `link-opened` or `link-lost`. */
  | { readonly kind: "dial" }
  /** Ask the manager for a relation; answered by `welcomed` or `refused`. */
  | { readonly kind: "join"; readonly holding: readonly AttemptRef[] }
  /** Answered by `heard`. */
  | { readonly kind: "ping" }
  | { readonly kind: "say-bye" }
  /** Close the link; no `link-lost` follows. */
  | { readonly kind: "hang-up"; readonly reason: string }
  /** Answered by `run-phase`, `run-reported` for every attempt, or `run-died`. */
  | {
      readonly kind: "start";
      readonly run: number;
      readonly slot: number;
      readonly job: JobId;
      readonly stage: number;
      readonly attempts: readonly AttemptRef[];
    }
  /** Ends the run's process now; nothing that it still says counts. */
  | { readonly kind: "kill"; readonly run: number; readonly slot: number }
  /** Answered by `reports-acked`; sent again after a lost link. */
  | {
      readonly kind: "report";
      readonly batch: number;
      readonly reports: ReadonlyArray<{ readonly ref: AttemptRef; readonly report: AttemptReport }>;
    }
  | { readonly kind: "tell-started"; readonly attempt: AttemptRef }
  /** Ask the manager to send no more attempts, until a further effect has the reason "". */
  | { readonly kind: "tell-pause"; readonly reason: string }
  /** Report that the worker will leave, and so is to be sent no more attempts. */
  | { readonly kind: "tell-leaving"; readonly reason: string }
  /** Give the manager the outputs that it needs, until the worker ends. Answered by
   *  `handed-over`. */
  | { readonly kind: "hand-over" }
  /** Forget the job's code and outputs. */
  | { readonly kind: "close-job"; readonly job: JobId }
  /** The worker is done; `failure` is the reason when it was not asked to stop. */
  | { readonly kind: "end"; readonly failure: Failure | null };

/** Attempts remembered after their acknowledgement: at least so many, at most twice as many. */
export const settledMin = 16_384;

export function newWorkerState(rules: WorkerRules): WorkerState {
  return {
    rules,
    relation: {
      state: "apart",
      atMs: 0,
      failures: 0,
      lastJoinedMs: Number.NaN,
      isExisting: false,
      heartbeatMs: 15_000,
      leaseMs: 60_000,
      nextPingAtMs: Infinity,
      leaseUntilMs: Infinity,
    },
    slots: Array.from({ length: rules.slots }, () => ({ run: null, lastJob: null })),
    jobs: new Map(),
    held: new AttemptMap(),
    settled: new AttemptMap(),
    settledBefore: new AttemptMap(),
    again: [],
    queue: [],
    queueHead: 0,
    outbox: [],
    outboxSinceMs: 0,
    inFlight: new Map(),
    nextRun: 1,
    nextBatch: 1,
    outputsMade: 0,
    stop: null,
    startedAtMs: Number.NaN,
    endsAtMs: Infinity,
    idleSinceMs: Infinity,
    pausedFor: "",
  };
}
