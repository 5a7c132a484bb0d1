/** Workers that come, come back and go, and what that does to their leases and outputs. */
import type { Effect } from "../effect.ts";
import { ClusterError } from "../error.ts";
import type { CoordinatorEvent, WorkerSpecs } from "../event.ts";
import { attemptKey, idNumber, jobId, workerId } from "../ids.ts";
import { giveUp } from "./give-up.ts";
import { count, endLease, jobOf } from "./leases.ts";
import { afterLoss, again } from "./retry.ts";
import { loseOutputsOf, moveOutputsOf, regainOutputsOf } from "./shuffle.ts";
import {
  type CoordinatorState,
  type JobRecord,
  type Lease,
  nothingHeld,
  type Stage,
  type WorkerRecord,
} from "./state.ts";
import { loseAudits } from "./trust/audit-end.ts";
import { loseCanaries } from "./trust/canary-end.ts";
import { releaseOwn } from "./trust/distrust.ts";
import { isCaught } from "./trust/standing.ts";
import { refOf } from "./workers/ref.ts";

type Of<K extends CoordinatorEvent["kind"]> = Extract<CoordinatorEvent, { kind: K }>;

/** A worker that reports more slots than this counts with this many. */
export const slotsMax = 1_024;
/** Lost workers that are remembered for the lists, oldest forgotten first. */
const lostWorkersMax = 1_000;

/** A new worker, or one that comes back after its link or the coordinator was gone. */
export function joinWorker(
  state: CoordinatorState,
  event: Of<"worker-joined">,
  effects: Effect[],
): void {
  const known = event.worker === null ? undefined : state.workers.get(idNumber(event.worker));
  if (event.worker !== null && (known === undefined || known.owner !== event.owner)) {
    const text = `there is no worker ${event.worker} here any more; join again as a new one`;
    effects.push({ kind: "refuse", error: new ClusterError("not-found", text) });
    return;
  }
  const person = known?.volunteer?.person ?? event.volunteer?.person ?? "";
  if (isCaught(state, person)) {
    const text = `results of ${person} were found wrong here; it is not given tasks any more`;
    effects.push({ kind: "refuse", error: new ClusterError("forbidden", text) });
    return;
  }
  const worker = known ?? newWorker(state, event);
  if (event.volunteer !== undefined) {
    const { block, person: owner = workerId(worker.number) } = event.volunteer;
    worker.volunteer = { person: worker.volunteer?.person ?? owner, block };
  }
  if (worker.live) state.slots -= worker.specs.slots;
  const hasMoved = worker.specs.exchangeUrl !== event.specs.exchangeUrl;
  respecify(state, worker, believed(event.specs));
  worker.live = true;
  delete worker.lost;
  worker.seenEpoch = state.epoch;
  worker.absentMs = 0;
  // A worker whose disk is still full says so again.
  worker.pause = null;
  state.slots += worker.specs.slots;
  state.choosy.delete(worker.number);
  state.hungry.add(worker.number);
  effects.push({ kind: "reply", value: { worker: workerId(worker.number) } });
  // Whatever was on its way when the link broke may be lost: send everything again.
  worker.opened.clear();
  worker.sources.clear();
  loseAudits(state, worker.number);
  loseCanaries(state, worker.number);
  if (known === undefined) return;
  reconcile(state, worker, event, effects);
  if (hasMoved) moveOutputsOf(state, worker.number, effects);
}

function newWorker(state: CoordinatorState, event: Of<"worker-joined">): WorkerRecord {
  const worker: WorkerRecord = {
    number: ++state.workersJoined,
    specs: event.specs,
    owner: event.owner,
    live: false,
    joinedAtMs: state.atMs,
    seenEpoch: state.epoch,
    absentMs: 0,
    leases: new Set(),
    held: nothingHeld(),
    opened: new Set(),
    sources: new Map(),
    done: 0,
    failed: 0,
    pace: 1,
    pause: null,
  };
  state.workers.set(worker.number, worker);
  return worker;
}

/** It has other slots from now on: what owners take of them is counted anew. */
export function respecify(state: CoordinatorState, worker: WorkerRecord, specs: WorkerSpecs): void {
  for (const lease of worker.leases) count(state, worker, lease, -1);
  worker.specs = specs;
  for (const lease of worker.leases) count(state, worker, lease, 1);
}

/** Claims within what can be true; placement goes by measured durations. */
export function believed(specs: WorkerSpecs): WorkerSpecs {
  const slots = Number.isFinite(specs.slots) ? Math.floor(specs.slots) : 1;
  const memory = Number.isFinite(specs.memoryBytes) ? Math.max(0, specs.memoryBytes) : 0;
  return {
    ...specs,
    slots: Math.min(slotsMax, Math.max(1, slots)),
    memoryBytes: memory,
    name: specs.name.slice(0, 200),
  };
}

/** Compares what a returning worker holds with what it should: adopts, aborts, gives out again. */
function reconcile(
  state: CoordinatorState,
  worker: WorkerRecord,
  event: Of<"worker-joined">,
  effects: Effect[],
): void {
  const holding = new Set(event.holding.map(attemptKey));
  const mine = new Set<string>();
  for (const lease of [...worker.leases]) {
    const key = attemptKey(refOf(lease));
    mine.add(key);
    // It never arrived, so it costs the task nothing.
    if (!holding.has(key)) returnAttempt(state, lease);
  }
  const unwanted = event.holding.filter((ref) => !mine.has(attemptKey(ref)));
  if (unwanted.length > 0) {
    effects.push({ kind: "abort", worker: workerId(worker.number), attempts: unwanted });
  }
  const { serving } = event;
  if (serving === undefined) return;
  closeEnded(state, worker, serving, effects);
  const served = new Set<string>();
  for (const { job, stage, tasks } of serving) {
    for (const task of tasks) served.add(`${idNumber(job)}/${stage}/${task}`);
  }
  const serves = (...of: readonly number[]) => served.has(of.join("/"));
  const { number } = worker;
  loseOutputsOf(state, { number, isGone: false }, serves);
  regainOutputsOf(state, { number, effects }, serves);
}

/** Jobs that ended while it was away are closed now, others when they end. */
function closeEnded(
  state: CoordinatorState,
  worker: WorkerRecord,
  open: NonNullable<Of<"worker-joined">["serving"]>,
  effects: Effect[],
): void {
  for (const id of new Set(open.map(({ job }) => job))) {
    const job = state.jobs.get(idNumber(id));
    if (job?.state === "running") job.workers.add(worker.number);
    else effects.push({ kind: "close-job", worker: workerId(worker.number), job: id });
  }
}

function returnAttempt(state: CoordinatorState, lease: Lease): void {
  const job = jobOf(state, lease.job);
  const stage = job.stages[lease.stage] as Stage;
  endLease(state, lease);
  stage.tally.attemptsLost++;
  if (!stage.leases.has(lease.task)) again(state, job, stage, lease.task);
}

/** A coordinator has started: workers that did not come back to the one before have been away while
 *  it was up. */
export function startEpoch(
  state: CoordinatorState,
  { epoch, slotsPerOwner = 0 }: Of<"coordinator-started">,
  endedAtMs: number,
): void {
  const upMs = Math.max(0, endedAtMs - state.startedAtMs);
  for (const worker of state.workers.values()) {
    if (worker.live && worker.seenEpoch < state.epoch) worker.absentMs += upMs;
  }
  state.epoch = epoch;
  state.shares.slotsPerOwnerMax = slotsPerOwner;
  // Workers that were idle for the limit before may have work under this one.
  for (const number of state.choosy) state.hungry.add(number);
  state.choosy.clear();
  state.startedAtMs = state.atMs;
}

/** Existing workers have no relation with a coordinator that has started anew: what they were they
 *  cannot be again. */
export function loseExisting(state: CoordinatorState, effects: Effect[]): void {
  for (const { live, number, specs } of [...state.workers.values()]) {
    if (!live || specs.isBase !== true) continue;
    loseWorker(state, { worker: workerId(number), reason: "bye" }, effects);
  }
}

/** A worker is gone: its tasks move on, its partitions are computed again where they are needed. */
export function loseWorker(
  state: CoordinatorState,
  event: Pick<Of<"worker-lost">, "worker" | "reason">,
  effects: Effect[],
): void {
  const worker = state.workers.get(idNumber(event.worker));
  if (worker === undefined || !worker.live) return;
  worker.live = false;
  const isAway = event.reason !== "bye" && worker.seenEpoch < state.epoch;
  worker.lost = { atMs: state.atMs, reason: event.reason, ...(isAway ? { isAway } : {}) };
  state.slots -= worker.specs.slots;
  state.hungry.delete(worker.number);
  state.choosy.delete(worker.number);
  worker.opened.clear();
  worker.sources.clear();
  delete worker.unfit;
  loseAudits(state, worker.number);
  loseCanaries(state, worker.number);
  const touched = new Set<JobRecord>();
  for (const lease of [...worker.leases]) {
    // The loss of an earlier one may have ended its job.
    if (!worker.leases.has(lease)) continue;
    // Only what it had announced can have killed it; the others may not even have arrived.
    const isOwn = worker.volunteer === undefined;
    const ran = isOwn && event.reason !== "bye" && lease.startedAtMs > 0;
    const job = jobOf(state, lease.job);
    endLease(state, lease);
    touched.add(job);
    const failure = afterLoss(state, job, lease, ran);
    if (failure !== null) giveUp(state, job, { lease, failure, effects });
  }
  const isGone = event.reason !== "bye";
  loseOutputsOf(state, { number: worker.number, isGone }, () => false);
  if (worker.volunteer === undefined) releaseOwn(state);
  for (const job of touched) effects.push({ kind: "job-changed", job: jobId(job.number) });
  forgetLost(state);
}

function forgetLost(state: CoordinatorState): void {
  let over = -lostWorkersMax;
  for (const worker of state.workers.values()) if (!worker.live) over++;
  for (const worker of state.workers.values()) {
    if (over <= 0) return;
    if (worker.live) continue;
    state.workers.delete(worker.number);
    // Its credential admits no worker any more.
    state.tokens.delete(workerId(worker.number));
    over--;
  }
}
