/** The state as plain JSON and back. Whatever decides the next step is kept in its order, so that
 *  replay from a snapshot and replay from the first event give the same (I19). */

import { loadSharing, type SavedSharing, saveSharing } from "../sharing/snapshot.ts";
import { Deadlines } from "../structures/deadlines.ts";
import { Durations } from "../structures/durations.ts";
import { IntQueue } from "../structures/queue.ts";
import { count, countAnnounced } from "./leases.ts";
import { loadRetained, type SavedRetained, saveRetained } from "./retention/retained.ts";
import { loadShares, type SavedShares, saveShares } from "./shares/snapshot.ts";
import { ownerOf } from "./shares.ts";
import {
  type ClockJump,
  type CoordinatorState,
  type JobRecord,
  type Lease,
  newStage,
  nothingHeld,
  type Stage,
  type Unfit,
  type WorkerRecord,
} from "./state.ts";
import { loadAudits, type SavedAudits, saveAudits } from "./trust/audit.ts";
import { loadCanaries, type SavedCanaries, saveCanaries } from "./trust/canaries.ts";
import { loadOpinions, type SavedOpinions, saveOpinions } from "./trust/opinion.ts";
import { loadTrust, type SavedTrust, saveTrust } from "./trust/trust.ts";

/** Grows with every change of this shape, together with a function that reads the shape before
 *  it. */
export const snapshotVersion = 1;

/** Columns are mostly zeros: kept as [index, value] pairs, flat. */
type Sparse = number[];

type SavedStage = {
  state: Sparse;
  attempts: Sparse;
  userErrors: Sparse;
  setbacks: Sparse;
  holder: Sparse;
  /** Absent when there are none. */
  astray?: Array<[number, number]>;
  committed: Sparse;
  outputs: Array<[number, unknown]>;
  killers: Array<[number, number[]]>;
  backoffs: number[];
  /** Absent when there are none. */
  arriving?: number[];
  leases: Array<[number, Lease[]]>;
  queues: number[][];
  counts: Stage["counts"];
  durations: ReturnType<Durations["save"]>;
  sourcesVersion: number;
  tally: Stage["tally"];
  /** Absent where no volunteers take part. */
  opinions?: SavedOpinions;
};

type SavedJob = Omit<JobRecord, "stages" | "workers"> & { stages: SavedStage[]; workers: number[] };
type SavedWorker = Omit<WorkerRecord, "leases" | "held" | "opened" | "sources" | "unfit"> & {
  leases: Array<[job: number, stage: number, task: number, attempt: number]>;
  opened: number[];
  sources: Array<[string, number]>;
  /** Absent when there are none. */
  unfit?: Array<[number, Unfit]>;
};

type Saved = {
  version: number;
  epoch: number;
  atMs: number;
  startedAtMs: number;
  /** Absent in snapshots from before jumps of the clock were remembered. */
  jumps?: readonly ClockJump[];
  jobsSubmitted: number;
  workersJoined: number;
  jobs: SavedJob[];
  active: number[];
  workers: SavedWorker[];
  hungry: number[];
  /** These two came later than the first snapshots. */
  choosy?: number[];
  shares?: SavedShares;
  keys: Array<[string, number]>;
  tokens: unknown[];
  /** Absent when the coordinator that wrote the snapshot did not support members. */
  sharing?: SavedSharing;
  /** Absent in snapshots from before ended jobs were kept by time and bytes. */
  retained?: SavedRetained;
  /** Absent in snapshots from before there were volunteers. */
  trust?: SavedTrust;
  /** Absent in snapshots from before there were audits. */
  audits?: SavedAudits;
  canaries?: SavedCanaries;
  deadlines: ReturnType<Deadlines["save"]>;
  slots: number;
};

export function saveState(state: CoordinatorState): unknown {
  const saved: Saved = {
    version: snapshotVersion,
    epoch: state.epoch,
    atMs: state.atMs,
    startedAtMs: state.startedAtMs,
    jumps: [...state.jumps],
    jobsSubmitted: state.jobsSubmitted,
    workersJoined: state.workersJoined,
    jobs: [...state.jobs.values()].map(saveJob),
    active: [...state.active],
    workers: [...state.workers.values()].map(saveWorker),
    hungry: [...state.hungry],
    choosy: [...state.choosy],
    shares: saveShares(state.shares),
    keys: [...state.keys],
    tokens: [...state.tokens.values()],
    sharing: saveSharing(state.sharing),
    retained: saveRetained(state.retained),
    trust: saveTrust(state.trust),
    audits: saveAudits(state.audits),
    canaries: saveCanaries(state.canaries),
    deadlines: state.deadlines.save(),
    slots: state.slots,
  };
  return saved;
}

function saveJob(job: JobRecord): SavedJob {
  return { ...job, stages: job.stages.map(saveStage), workers: [...job.workers] };
}

function saveStage(stage: Stage): SavedStage {
  return {
    state: sparse(stage.state),
    attempts: sparse(stage.attempts),
    userErrors: sparse(stage.userErrors),
    setbacks: sparse(stage.setbacks),
    holder: sparse(stage.holder),
    ...(stage.astray.size === 0 ? {} : { astray: [...stage.astray] }),
    committed: sparse(stage.committed),
    outputs: stage.outputs.flatMap((o, task) => (o === null ? [] : [[task, o]])) as never,
    killers: [...stage.killers],
    backoffs: [...stage.backoffs],
    ...(stage.arriving.size === 0 ? {} : { arriving: [...stage.arriving] }),
    leases: [...stage.leases],
    queues: stage.queues.map((queue) => queue.toArray()),
    counts: stage.counts,
    durations: stage.durations.save(),
    sourcesVersion: stage.sourcesVersion,
    tally: stage.tally,
    ...savedOpinions(stage),
  };
}

function savedOpinions(stage: Stage): Pick<SavedStage, "opinions"> {
  const opinions = saveOpinions(stage.opinions);
  return opinions === undefined ? {} : { opinions };
}

function saveWorker({ held: _, unfit, ...worker }: WorkerRecord): SavedWorker {
  return {
    ...worker,
    ...(unfit === undefined || unfit.size === 0 ? {} : { unfit: [...unfit] }),
    leases: [...worker.leases].map((one) => [one.job, one.stage, one.task, one.attempt]),
    opened: [...worker.opened],
    sources: [...worker.sources],
  };
}

/** The state of a snapshot, which the caller gives away: read from bytes, or copied. Throws when it
 *  was written by a newer version. */
export function loadState(json: unknown): CoordinatorState {
  const saved = json as Saved;
  if (saved.version !== snapshotVersion) {
    throw new Error(`snapshot of version ${saved.version}, this software reads ${snapshotVersion}`);
  }
  const jobs = new Map(saved.jobs.map((job) => [job.number, loadJob(job)]));
  const state: CoordinatorState = {
    epoch: saved.epoch,
    atMs: saved.atMs,
    startedAtMs: saved.startedAtMs,
    jumps: [...(saved.jumps ?? [])],
    jobsSubmitted: saved.jobsSubmitted,
    workersJoined: saved.workersJoined,
    jobs,
    active: new Set(saved.active),
    workers: new Map(saved.workers.map((worker) => [worker.number, loadWorker(worker, jobs)])),
    hungry: new Set(saved.hungry),
    choosy: new Set(saved.choosy),
    shares: loadShares(saved.shares),
    touched: new Set(),
    wantBackups: new Set([...jobs.values()].filter((job) => job.wantsBackup).map((j) => j.number)),
    keys: new Map(saved.keys),
    tokens: new Map((saved.tokens as Array<{ id: string }>).map((t) => [t.id, t as never])),
    sharing: loadSharing(saved.sharing),
    retained: loadRetained(saved.retained, jobs),
    trust: loadTrust(saved.trust),
    audits: loadAudits(saved.audits),
    canaries: loadCanaries(saved.canaries),
    deadlines: Deadlines.load(saved.deadlines),
    slots: saved.slots,
  };
  recount(state);
  return state;
}

/** What follows from the rest is not in the snapshot. */
function recount(state: CoordinatorState): void {
  for (const number of state.active) {
    const job = state.jobs.get(number) as JobRecord;
    const owner = ownerOf(state, job);
    owner.jobs++;
    if (job.readyStage < 0) continue;
    // Their true places are found when they are asked for.
    owner.ready.set(number, Number.NEGATIVE_INFINITY);
    state.shares.ready.set(owner.number, Number.NEGATIVE_INFINITY);
  }
  for (const worker of state.workers.values()) {
    for (const lease of worker.leases) {
      count(state, worker, lease, 1);
      if (lease.startedAtMs > 0) countAnnounced(state, lease, 1);
    }
  }
}

function loadJob(saved: SavedJob): JobRecord {
  const hosts = saved.spec.locality?.hosts.length ?? 0;
  const stages = saved.stages.map((stage, index) => {
    const spec = saved.spec.stages[index];
    if (spec === undefined) throw new Error(`snapshot of j-${saved.number} lacks stage ${index}`);
    return loadStage(newStage(saved.number, index, spec, index === 0 ? hosts : 0), stage);
  });
  const counters = Object.assign(Object.create(null), saved.counters);
  const wantsBackup = saved.state === "running" && (saved.wantsBackup ?? false);
  // The first snapshots had no shares: all begin anew.
  const share = saved.share ?? { usedMs: 0, accruing: 0, sinceMs: 0 };
  const isReady = (stage: Stage) => saved.state === "running" && stage.counts.ready > 0;
  const readyStage = stages.findIndex(isReady);
  const workers = new Set(saved.workers);
  // Absent in snapshots from before the clock of all jobs stood still.
  const clockMs = saved.clockMs ?? Math.floor(saved.submittedAtMs);
  return { ...saved, clockMs, stages, counters, wantsBackup, share, readyStage, workers };
}

function loadStage(empty: Stage, saved: SavedStage): Stage {
  dense(saved.state, empty.state);
  dense(saved.attempts, empty.attempts);
  dense(saved.userErrors, empty.userErrors);
  dense(saved.setbacks, empty.setbacks);
  dense(saved.holder, empty.holder);
  dense(saved.committed, empty.committed);
  for (const [task, output] of saved.outputs) empty.outputs[task] = output as never;
  return {
    ...empty,
    astray: new Map(saved.astray),
    killers: new Map(saved.killers),
    backoffs: new Set(saved.backoffs),
    arriving: new Set(saved.arriving),
    leases: new Map(saved.leases.map(([task, leases]) => [task, leases.map(loadLease)])),
    queues: saved.queues.map((queue) => IntQueue.from(queue)),
    counts: saved.counts,
    durations: Durations.load(saved.durations),
    sourcesVersion: saved.sourcesVersion,
    tally: saved.tally,
    opinions: loadOpinions(saved.opinions),
  };
}

function loadLease(saved: Lease): Lease {
  return { ...saved, chargeMs: saved.chargeMs ?? 0, accruesFromMs: saved.accruesFromMs ?? 0 };
}

/** Leases are the same objects in the stage and in the worker. */
function loadWorker(
  { unfit, ...saved }: SavedWorker,
  jobs: ReadonlyMap<number, JobRecord>,
): WorkerRecord {
  const leases = new Set<Lease>();
  for (const [job, stage, task, attempt] of saved.leases) {
    const held = jobs.get(job)?.stages[stage]?.leases.get(task);
    const lease = held?.find((one) => one.attempt === attempt);
    if (lease === undefined) throw new Error(`snapshot: w-${saved.number} holds an unknown lease`);
    leases.add(lease);
  }
  // Both came later than the first snapshots.
  const pause = saved.pause ?? null;
  const pace = saved.pace ?? 1;
  const opened = new Set(saved.opened);
  const sources = new Map(saved.sources);
  const held = nothingHeld();
  const kept = unfit === undefined ? {} : { unfit: new Map(unfit) };
  return { ...saved, ...kept, pause, pace, leases, held, opened, sources };
}

function sparse(column: ArrayLike<number>): Sparse {
  const pairs: Sparse = [];
  for (let at = 0; at < column.length; at++) {
    const value = column[at] as number;
    if (value !== 0) pairs.push(at, value);
  }
  return pairs;
}

function dense(pairs: Sparse, column: { [index: number]: number }): void {
  for (let at = 0; at < pairs.length; at += 2) {
    column[pairs[at] as number] = pairs[at + 1] as number;
  }
}
