/** Which worker gets which task, and when.
 *
 *  1. Jobs share the slots by weight: the next task comes from the job with the fewest leases per
 *     weight.
 *  2. In a job the earlier stage goes first; in a stage the tasks whose input lies on the worker's
 *     machine,
 *     then those whose input lies nowhere in particular, then the rest.
 *  3. A worker holds one task a slot, and a short queue more when tasks are shorter than 200 ms, so
 *     that no slot
 *     waits for the wire (about 50 ms of work); never more than its even share of what is ready. */
import type { Effect } from "../effect.ts";
import type { WorkerSpecs } from "../event.ts";
import { jobId, workerId } from "../ids.ts";
import { grant } from "./leases.ts";
import {
  type CoordinatorState,
  type JobRecord,
  READY,
  type Stage,
  type WorkerRecord,
} from "./state.ts";

/** Work that may wait at a worker, in ms. */
const queuedWorkMs = 50;
/** Attempts that may be at a worker for each of its slots: enough that one message of reports, and
 *  one commit to the disk, is about many of them. */
export const depthMax = 1_024;
/** And for all its slots together, well within what a worker takes. */
const heldMax = 32_768;
/** Above this mean duration nothing is sent ahead. */
const sendAheadBelowMs = 200;
/** The same for a browser tab: each message is a round trip through a gateway. */
const tabQueuedWorkMs = 10_000;
const tabSendAheadBelowMs = 5_000;
/** Program kinds: bundled JavaScript (wire/manager/messages.ts), and browsers that bring code of
 *  their own. */
const javascript = 100;
const ownCode = 200;
/** A tab is given no task whose input would take it longer than this to fetch, in seconds. */
const fetchMaxS = 60;

/** Hands out ready tasks until there are none or nobody has room. */
export function schedule(state: CoordinatorState, effects: Effect[]): void {
  for (const number of state.hungry) {
    const worker = state.workers.get(number) as WorkerRecord;
    const fed = feed(state, worker, effects);
    if (fed === "nothing is ready") return;
    // It asks again when one of its leases ends.
    state.hungry.delete(number);
  }
}

/** Fills one worker as far as it goes. */
function feed(
  state: CoordinatorState,
  worker: WorkerRecord,
  effects: Effect[],
): "full" | "nothing is ready" {
  const skipped = new Set<number>();
  for (;;) {
    const stage = nextStage(state, skipped);
    if (stage === null) return skipped.size > 0 ? "full" : "nothing is ready";
    if (!mayRun(state, worker, stage)) {
      skipped.add(stage.job);
      continue;
    }
    const count = roomFor(state, stage, worker);
    // Full for this job's tasks; another job may have shorter ones, of which more may queue.
    if (count <= 0 || assignSome(state, stage, { worker, count, effects }) === 0) {
      skipped.add(stage.job);
    }
  }
}

/** The first ready stage of the job that is furthest below its share. */
function nextStage(state: CoordinatorState, skipped: ReadonlySet<number>): Stage | null {
  let best: Stage | null = null;
  let bestShare = Number.POSITIVE_INFINITY;
  for (const number of state.active) {
    if (skipped.has(number)) continue;
    const job = state.jobs.get(number) as JobRecord;
    const share = job.running / job.spec.weight;
    if (share >= bestShare) continue;
    const stage = job.stages.find((one) => one.counts.ready > 0);
    if (stage === undefined) continue;
    best = stage;
    bestShare = share;
  }
  return best;
}

/** Whether tasks of this stage are for this worker at all. */
export function mayRun(state: CoordinatorState, worker: WorkerRecord, stage: Stage): boolean {
  const { inputKbps, kinds } = worker.specs;
  const { inputBytes, taskCount } = stage.spec;
  if (inputKbps !== undefined && inputBytes / taskCount / 1024 > inputKbps * fetchMaxS) {
    return false;
  }
  if (kinds.includes(javascript)) return true;
  const job = state.jobs.get(stage.job) as JobRecord;
  return kinds.includes(ownCode) && job.spec.bareBrowsers === true;
}

/** How many more attempts of this stage the worker may take now. */
function roomFor(state: CoordinatorState, stage: Stage, worker: WorkerRecord): number {
  const { slots } = worker.specs;
  // Everybody's even share of what is left, so that the end of a stage does not lie in one queue.
  const share = Math.max(1, Math.ceil(stage.counts.ready / Math.max(1, state.slots)));
  const isKnown = stage.durations.count > 0;
  const depth = isKnown
    ? depthOf(stage.durations.meanMs(), worker.specs)
    : firstDepth(worker.specs);
  const most = slots * Math.min(depth, depth === 1 || !isKnown ? share : share + 1);
  const room = Math.min(most, heldMax) - worker.leases.size;
  const competing = state.active.size > 1 ? Math.ceil(room / 2) : room;
  return Math.min(competing, stage.counts.ready, slots * share);
}

/** Before it is known how long tasks take: a tab fetches the next one while it computes. */
function firstDepth({ kinds, tab }: WorkerSpecs): number {
  return tab && !kinds.includes(ownCode) ? 2 : 1;
}

/** Tasks for one slot at a time. Browsers that know the document only have one and no more. */
function depthOf(meanMs: number, { kinds, tab }: WorkerSpecs): number {
  if (kinds.includes(ownCode)) return 1;
  const [aheadBelowMs, workMs] = tab
    ? [tabSendAheadBelowMs, tabQueuedWorkMs]
    : [sendAheadBelowMs, queuedWorkMs];
  if (meanMs > aheadBelowMs) return 1;
  return Math.min(depthMax, Math.max(2, Math.ceil(workMs / Math.max(meanMs, 0.01))));
}

function assignSome(
  state: CoordinatorState,
  stage: Stage,
  to: { worker: WorkerRecord; count: number; effects: Effect[] },
): number {
  const attempts: Array<{ task: number; attempt: number }> = [];
  while (attempts.length < to.count) {
    const task = takeReady(state, stage, to.worker.specs.host);
    if (task === undefined) break;
    const { attempt } = grant(state, stage, task, { worker: to.worker, backup: false });
    attempts.push({ task, attempt });
  }
  if (attempts.length > 0) sendAttempts(state, stage, { ...to, attempts });
  return attempts.length;
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

/** Takes a ready task out of its queue: own machine first, then anywhere, then the longest other
 *  queue. */
function takeReady(state: CoordinatorState, stage: Stage, host: string): number | undefined {
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
