/** Which worker gets which task, and when.
 *
 *  1. The next task comes from the owner, and there from the job, that is furthest below its share
 *     (`shares.ts`). An owner never takes more slots than it may.
 *  2. In a job the earlier stage goes first; in a stage the tasks whose input lies on the worker's
 *     machine, then those whose input lies nowhere in particular, then the rest.
 *  3. First every free slot gets a task. Then workers are sent some work ahead, so that no slot
 *     waits for the wire: of tasks shorter than 200 ms about 50 ms of work for each slot, and two
 *     round trips to the worker where they are longer (`workers/measured.ts`), whatever jobs it
 *     comes from, so that a new job waits for no more than that; never more than a worker's
 *     even share of what is ready.
 *  4. A small job goes to one worker as a whole. What shows to be long is taken back
 *     (`placement/take-back.ts`), and nothing is sent ahead to a worker whose slots all run what
 *     takes long.
 *  5. Tasks with large input are spread over the machines before a machine gets a second one
 *     (`placement/spread.ts`).
 *  6. A worker without room is looked at again when one of its leases ends; one for which nothing
 *     is that is ready, when something else becomes ready. */
import type { Effect } from "../effect.ts";
import type { WorkerSpecs } from "../event.ts";
import { jobId, workerId } from "../ids.ts";
import { grant } from "./leases.ts";
import { takeCheck } from "./placement/checks.ts";
import { ownCode } from "./placement/may-run.ts";
import { hasLargeInput, leavesToOthers } from "./placement/spread.ts";
import { isBlocked } from "./placement/take-back.ts";
import type { OwnerShare } from "./shares/share.ts";
import {
  chargeOf,
  expectedMs,
  firstJob,
  firstOwner,
  firstReady,
  place,
  portionMs,
  putBack,
  setAside,
  takeTurn,
} from "./shares.ts";
import {
  type CoordinatorState,
  type JobRecord,
  READY,
  type Stage,
  type WorkerRecord,
} from "./state.ts";
import { preempt } from "./trust/audit-end.ts";
import { addCanaries } from "./trust/canary.ts";
import { coverMs } from "./workers/measured.ts";
import { mayTake } from "./workers/unfit.ts";

/** Attempts that may be at a worker for each of its slots: enough that one message of reports, and
 *  one commit to the disk, is about many of them. */
export const depthMax = 1_024;
/** And for all its slots together, well within what a worker takes. */
const heldMax = 32_768;
/** Above this mean duration nothing is sent ahead. */
const sendAheadBelowMs = 200;
/** A worker is given so much of a stage at once, and so many attempts, however many others could
 *  take a part: a small job is then one message each way, and is opened by one worker. */
const togetherMs = 5;
const togetherMax = 64;
/** The same for a browser tab: each message is a round trip through a gateway, and what comes next
 *  is fetched while it computes. */
const tabQueuedWorkMs = 1_000;
/** Attempts that a slot of a tab computes at a stretch; as many wait for it, and are fetched
 *  meanwhile. It gets no more before one of the two is used up: each message to a tab, however
 *  small, costs it a round trip and a Worker. */
const tabPortion = 1_024;
const tabSendAheadBelowMs = 5_000;
/** Jobs that are passed over in looking for one whose tasks may be sent ahead. */
const passedOverMax = 8;

type Feeding = {
  readonly worker: WorkerRecord;
  /** Free slots get a task, or: what is sent ahead. */
  readonly ahead: boolean;
  /** Absent: nothing is left to other machines. */
  readonly round?: Round;
  readonly effects: Effect[];
};

/** One turn of all workers with free slots. */
type Round = { assigned: boolean; leftToOthers: boolean };

/** Hands out ready tasks until there are none or no worker has room. */
export function schedule(state: CoordinatorState, effects: Effect[]): void {
  const { ready } = state.shares;
  let round: Round;
  do {
    round = { assigned: false, leftToOthers: false };
    for (const number of state.hungry) {
      if (ready.size === 0) return;
      feed(state, {
        worker: state.workers.get(number) as WorkerRecord,
        ahead: false,
        round,
        effects,
      });
    }
  } while (round.assigned && round.leftToOthers);
  for (const number of state.hungry) {
    if (ready.size === 0) return;
    const worker = state.workers.get(number) as WorkerRecord;
    // None of the others took it.
    if (round.leftToOthers) feed(state, { worker, ahead: false, effects });
    feed(state, { worker, ahead: true, effects });
    if (ready.size === 0) continue;
    state.hungry.delete(number);
    if (worker.leases.size < worker.specs.slots) state.choosy.add(number);
  }
}

/** Fills one worker as far as it goes. */
function feed(state: CoordinatorState, feeding: Feeding): void {
  const { ahead, worker } = feeding;
  const aside: Aside = { owners: [], jobs: [] };
  let passedOver = 0;
  while (hasRoom(worker, ahead)) {
    const owner = firstOwner(state);
    if (owner === undefined) break;
    if (!mayTakeMore(state, owner, worker)) {
      setAside(state, owner, null);
      aside.owners.push(owner);
      continue;
    }
    const job = firstJob(state, owner) as JobRecord;
    const stage = firstReady(job) as Stage;
    const isForIt = mayTake(state, worker, stage);
    // It is this job's turn: what comes after it must not take the next free slot before it.
    if (isForIt && ahead && !mayWait(state, stage, worker)) break;
    const { round } = feeding;
    const isLeft = round !== undefined && isForIt && leavesToOthers(state, stage, worker);
    if (isLeft) round.leftToOthers = true;
    const count = isForIt && !isLeft ? roomFor(state, { stage, owner }, feeding) : 0;
    const first = count > 0 ? takeReady(state, stage, worker) : undefined;
    if (first !== undefined) {
      if (round !== undefined) round.assigned = true;
      takeTurn(state, owner, job);
      assignSome(state, stage, { ...feeding, first, count });
      place(state, job);
      continue;
    }
    setAside(state, owner, job);
    aside.jobs.push(job);
    passedOver++;
    if (ahead && passedOver > passedOverMax) break;
  }
  for (const job of aside.jobs) putBack(state, job);
  for (const owner of aside.owners) putBack(state, owner);
}

/** What is not for this worker now, but for others. */
type Aside = { readonly owners: OwnerShare[]; readonly jobs: JobRecord[] };

function hasRoom(worker: WorkerRecord, ahead: boolean): boolean {
  const { held, leases, specs } = worker;
  const { slots } = specs;
  if (ahead && isBlocked(worker)) return false;
  if (!ahead || specs.isBase === true || specs.kinds.includes(ownCode)) return leases.size < slots;
  if (leases.size >= depthOf(specs) - (specs.tab === true ? slots * tabPortion - 1 : 0))
    return false;
  return leases.size < 2 * slots || held.chargeMs < slots * workMs(worker);
}

/** Attempts that it may have. */
function depthOf({ slots, tab }: WorkerSpecs): number {
  return Math.min(heldMax, slots * (tab === true ? 2 * tabPortion : depthMax));
}

function workMs(worker: WorkerRecord): number {
  return worker.specs.tab ? tabQueuedWorkMs : coverMs(worker);
}

/** Whether one more attempt leaves the owner within its limit. */
function mayTakeMore(state: CoordinatorState, owner: OwnerShare, worker: WorkerRecord): boolean {
  const { slotsPerOwnerMax } = state.shares;
  if (slotsPerOwnerMax === 0 || owner.slots < slotsPerOwnerMax) return true;
  // All slots of this worker are its own already: what waits here takes no other.
  return (worker.held.byOwner.get(owner.owner) ?? 0) >= worker.specs.slots;
}

/** How many more attempts of this stage the worker may take now. */
function roomFor(
  state: CoordinatorState,
  { owner, stage }: { readonly stage: Stage; readonly owner: OwnerShare },
  { ahead, round, worker }: Feeding,
): number {
  const { slots } = worker.specs;
  const { ready } = stage.counts;
  const free = slots - worker.leases.size;
  const isAlone = state.shares.ready.size === 1 && owner.ready.size === 1;
  const turn = isAlone ? ready : Math.max(1, Math.floor(portionMs / chargeOf(state, stage)));
  const limited = Math.min(ready, turn, leftToTake(state, owner, worker));
  // One by one: after each, another machine may have fewer.
  if (!ahead && round !== undefined && hasLargeInput(stage)) return Math.min(1, free, limited);
  if (!ahead) {
    const share = Math.max(1, Math.ceil(ready / Math.max(1, state.slots)));
    const evenly = Math.min(free, slots * share);
    return Math.min(Math.max(evenly, togetherOf(state, stage, worker)), limited);
  }
  return Math.min(aheadOf(state, stage, worker), limited);
}

/** Attempts until the owner has as many slots as it may have. */
function leftToTake(state: CoordinatorState, owner: OwnerShare, worker: WorkerRecord): number {
  const { slotsPerOwnerMax } = state.shares;
  const mine = worker.held.byOwner.get(owner.owner) ?? 0;
  if (slotsPerOwnerMax === 0 || mine >= worker.specs.slots) return Number.POSITIVE_INFINITY;
  return Math.min(slotsPerOwnerMax - owner.slots, worker.specs.slots - mine);
}

/** Whether attempts of the stage are short enough to be sent ahead. */
function mayWait(state: CoordinatorState, stage: Stage, { specs }: WorkerRecord): boolean {
  if (specs.tab) return expectedMs(state, stage) <= tabSendAheadBelowMs;
  // A mere guess must be very short: what shows to be long would have taken every slot.
  const belowMs = stage.durations.count > 0 ? sendAheadBelowMs : togetherMs;
  return expectedMs(state, stage) <= belowMs;
}

/** How many attempts of the stage may wait at a worker whose slots are taken. */
function aheadOf(state: CoordinatorState, stage: Stage, worker: WorkerRecord): number {
  const { held, leases, specs } = worker;
  const { slots, tab = false } = specs;
  const isKnown = stage.durations.count > 0;
  const oneMs = chargeOf(state, stage);
  const mine = held.byJob.get(stage.job) ?? 0;
  // An even share of the remaining tasks, so that the last tasks of a stage are not all in the
  // queue of one worker.
  const share = Math.ceil((stage.counts.ready + mine) / Math.max(1, state.slots));
  const evenly = slots * (isKnown ? share + 1 : Math.min(tab ? 2 : 1, share)) - mine;
  const together = togetherOf(state, stage, worker) - (isKnown ? mine : 0);
  const byTime = Math.ceil((slots * workMs(worker) - held.chargeMs) / oneMs);
  const room = Math.max(byTime, 2 * slots - leases.size);
  const portion = tab ? slots * tabPortion : Number.POSITIVE_INFINITY;
  const depth = depthOf(specs) - leases.size;
  return Math.min(room, Math.max(evenly, together), depth, portion);
}

/** How many attempts of the stage go to one worker at once, 0 = no more than each slot takes. */
function togetherOf(state: CoordinatorState, stage: Stage, { specs }: WorkerRecord): number {
  if (specs.tab === true || specs.isBase === true || specs.kinds.includes(ownCode)) return 0;
  if (stage.spec.kind !== "tasks") return 0;
  const many = Math.min(togetherMax, Math.floor(togetherMs / chargeOf(state, stage)));
  // Until the first has ended, no more than that in all: they may take longer than expected.
  return stage.durations.count > 0 ? many : Math.max(0, many - stage.leases.size);
}

function assignSome(
  state: CoordinatorState,
  stage: Stage,
  to: { worker: WorkerRecord; first: number; count: number; effects: Effect[] },
): void {
  const attempts: Array<{ task: number; attempt: number }> = [];
  for (let task: number | undefined = to.first; task !== undefined; ) {
    const { attempt } = grant(state, stage, task, { worker: to.worker, backup: false });
    attempts.push({ task, attempt });
    task = attempts.length < to.count ? takeReady(state, stage, to.worker) : undefined;
  }
  addCanaries(state, stage, to.worker, attempts);
  sendAttempts(state, stage, { ...to, attempts });
}

/** The orders that carry leases to a worker, with what it must know before. */
export function sendAttempts(
  state: CoordinatorState,
  stage: Stage,
  to: {
    worker: WorkerRecord;
    attempts: ReadonlyArray<{ task: number; attempt: number }>;
    effects: Effect[];
  },
): void {
  const record = state.jobs.get(stage.job) as JobRecord;
  const [job, worker] = [jobId(stage.job), workerId(to.worker.number)];
  preempt(state, to.worker, to.effects);
  if (!to.worker.opened.has(stage.job)) {
    to.worker.opened.add(stage.job);
    record.workers.add(to.worker.number);
    to.effects.push({ kind: "open-job", worker, job });
  }
  const input = stage.spec.inputStage;
  if (input !== null) {
    const version = (record.stages[input] as Stage).sourcesVersion;
    const told = `${stage.job}/${input}`;
    if (to.worker.sources.get(told) !== version) {
      to.worker.sources.set(told, version);
      to.effects.push({ kind: "send-sources", worker, job, stage: input });
    }
  }
  to.effects.push({ kind: "assign", worker, job, stage: stage.index, attempts: to.attempts });
}

/** Takes a ready task out of its queue: what waits for an opinion first, so that it is decided
 *  soon; then own machine, then anywhere, then the longest other queue. */
function takeReady(
  state: CoordinatorState,
  stage: Stage,
  worker: WorkerRecord,
): number | undefined {
  return takeCheck(state, stage, worker) ?? takeFirst(state, stage, worker.specs.host);
}

function takeFirst(state: CoordinatorState, stage: Stage, host: string): number | undefined {
  const hosts = stage.index === 0 ? state.jobs.get(stage.job)?.spec.locality?.hosts : undefined;
  const own = (hosts?.indexOf(host) ?? -1) + 1;
  return takeFrom(stage, own) ?? takeFrom(stage, 0) ?? takeFrom(stage, longest(stage));
}

function takeFrom(stage: Stage, place: number): number | undefined {
  const queue = stage.queues[place];
  for (let task = queue?.shift(); task !== undefined; task = queue?.shift()) {
    if (stage.state[task] === READY) return task;
  }
  return undefined;
}

function longest(stage: Stage): number {
  let best = 0;
  for (let place = 1; place < stage.queues.length; place++) {
    if ((stage.queues[place]?.size ?? 0) > (stage.queues[best]?.size ?? 0)) best = place;
  }
  return best;
}
