/** Who is to get the next slot: owners share the workers evenly, and an owner's jobs share what is
 *  their owner's by weight and priority.
 *
 *  1. Every owner, and every job within its owner, has a rank: the worker time that it has used,
 *     per weight. The next task comes from the owner of the lowest rank, and there from the job of
 *     the lowest rank (start-time fair queueing, Goyal et al. 1996). So shares hold for time,
 *     however many slots there are and however long the tasks of each take.
 *  2. An attempt is charged when it is leased, with the mean time of its stage, and corrected when
 *     it ends. One that runs longer than it was charged for is charged as its time goes by.
 *  3. The rank at which the last task was taken is where those begin that have had nothing to give
 *     out: waiting without work earns nothing. No owner and no job is ahead of it or behind it by
 *     more than `memoryMs` of the whole cluster: after that time shares are what weights say.
 *  4. No decision looks at all owners or jobs: those with ready tasks are kept in order of rank. */
import type { JobSpec } from "../job.ts";
import { Ranking } from "../structures/ranking.ts";
import { mayRun } from "./placement/may-run.ts";
import { guessMs, type OwnerShare, type Share, type Shares } from "./shares/share.ts";
import type { CoordinatorState, JobRecord, Lease, Stage, WorkerRecord } from "./state.ts";

/** Work of one job that is given at once while others wait, ms. */
export const portionMs = 5;
/** How long past use counts, ms of all slots. */
const memoryMs = 5_000;
/** How much the newest stage counts in the guess, when it takes longer. */
const guessWeight = 0.25;
/** Charges are multiples of this, ms: sums of such are exact in any order. */
const chargeUnitMs = 1 / 1_024;
/** What is announced as running has run for about so long, ms. */
const announcedMs = 200;

const priorityFactor = { high: 4, normal: 1, low: 1 / 4 } as const;

export function weightOf({ priority = "normal", weight }: JobSpec): number {
  return weight * priorityFactor[priority];
}

export function ownerOf(state: CoordinatorState, job: JobRecord): OwnerShare {
  const known = state.shares.owners.get(job.owner);
  if (known !== undefined) return known;
  return addOwner(state.shares, {
    number: ++state.shares.ownersSeen,
    owner: job.owner,
    share: { usedMs: 0, accruing: 0, sinceMs: state.atMs },
    turnMs: 0,
  });
}

export function addOwner(
  shares: Shares,
  saved: Pick<OwnerShare, "number" | "owner" | "share" | "turnMs">,
): OwnerShare {
  const owner: OwnerShare = { ...saved, jobs: 0, slots: 0, ready: new Ranking() };
  shares.owners.set(owner.owner, owner);
  shares.byNumber.set(owner.number, owner);
  return owner;
}

/** The job has ended. */
export function leaveShares(state: CoordinatorState, job: JobRecord): void {
  place(state, job);
  const owner = ownerOf(state, job);
  owner.jobs--;
  if (owner.jobs > 0) return;
  state.shares.owners.delete(owner.owner);
  state.shares.byNumber.delete(owner.number);
}

/** To be called when a job has ready tasks, or has none any more. */
export function place(state: CoordinatorState, job: JobRecord): void {
  const owner = ownerOf(state, job);
  const stage = job.state === "running" ? firstReady(job) : null;
  const index = stage?.index ?? -1;
  const isNews = index !== job.readyStage;
  job.readyStage = index;
  if (stage === null) {
    if (!owner.ready.has(job.number)) return;
    owner.ready.delete(job.number);
    if (owner.ready.size === 0) state.shares.ready.delete(owner.number);
    return;
  }
  if (!owner.ready.has(job.number)) enter(state, owner, job);
  if (isNews) wakeChoosy(state, stage);
}

/** An owner or job that has had no ready tasks begins at the rank of the others. */
function enter(state: CoordinatorState, owner: OwnerShare, job: JobRecord): void {
  const { shares } = state;
  if (!shares.ready.has(owner.number)) {
    owner.share.usedMs = Math.max(owner.share.usedMs, turnOf(state));
    shares.ready.set(owner.number, rank(state, owner.share, 1));
  }
  job.share.usedMs = Math.max(job.share.usedMs, jobTurnOf(state, owner));
  owner.ready.set(job.number, rank(state, job.share, weightOf(job.spec)));
}

function turnOf(state: CoordinatorState): number {
  const first = firstOwner(state);
  const { turnMs } = state.shares;
  return first === undefined ? turnMs : Math.min(turnMs, rank(state, first.share, 1));
}

function jobTurnOf(state: CoordinatorState, owner: OwnerShare): number {
  const first = firstJob(state, owner);
  if (first === undefined) return owner.turnMs;
  return Math.min(owner.turnMs, rank(state, first.share, weightOf(first.spec)));
}

export function firstReady(job: JobRecord): Stage | null {
  return job.stages.find((stage) => stage.counts.ready > 0) ?? null;
}

export function firstOwner(state: CoordinatorState): OwnerShare | undefined {
  const { byNumber, ready } = state.shares;
  const number = ready.first((one) => ownerRank(state, one));
  return number === undefined ? undefined : byNumber.get(number);
}

export function firstJob(state: CoordinatorState, owner: OwnerShare): JobRecord | undefined {
  const number = owner.ready.first((one) => jobRank(state, one));
  return number === undefined ? undefined : state.jobs.get(number);
}

function ownerRank(state: CoordinatorState, number: number): number {
  return rank(state, (state.shares.byNumber.get(number) as OwnerShare).share, 1);
}

function jobRank(state: CoordinatorState, number: number): number {
  const { share, spec } = state.jobs.get(number) as JobRecord;
  return rank(state, share, weightOf(spec));
}

/** Who is before a job with ready tasks when a slot becomes free. Looks at all that wait. */
export function waitingBefore(
  state: CoordinatorState,
  job: JobRecord,
): { readonly owners: number; readonly jobs: number } {
  const owner = ownerOf(state, job);
  const before = (
    members: Iterable<number>,
    self: number,
    rankOf: (state: CoordinatorState, member: number) => number,
  ) => {
    const own = rankOf(state, self);
    return [...members].filter((one) => {
      const its = rankOf(state, one);
      return one !== self && (its < own || (its === own && one < self));
    });
  };
  const owners = before(state.shares.ready.values(), owner.number, ownerRank);
  const jobs = before(owner.ready.values(), job.number, jobRank);
  return { owners: owners.length, jobs: jobs.length };
}

/** Takes an owner, or one job of it (null = all), out of the order until `putBack`. */
export function setAside(state: CoordinatorState, owner: OwnerShare, job: JobRecord | null): void {
  if (job !== null) owner.ready.delete(job.number);
  if (job === null || owner.ready.size === 0) state.shares.ready.delete(owner.number);
}

export function putBack(state: CoordinatorState, what: JobRecord | OwnerShare): void {
  const owner = "jobs" in what ? what : ownerOf(state, what);
  if (!("jobs" in what)) {
    owner.ready.set(what.number, rank(state, what.share, weightOf(what.spec)));
  }
  state.shares.ready.set(owner.number, rank(state, owner.share, 1));
}

/** The next task is this job's. */
export function takeTurn(state: CoordinatorState, owner: OwnerShare, job: JobRecord): void {
  const { shares } = state;
  shares.turnMs = rank(state, owner.share, 1);
  owner.turnMs = rank(state, job.share, weightOf(job.spec));
}

/** Place in the order. Of those that have used about as much, the one that came first goes first: a
 *  job that has begun ends before the next one begins, and workers change jobs more rarely. */
export function rank(state: CoordinatorState, share: Share, weight: number): number {
  return Math.floor(used(state, share, weight) / portionMs) * portionMs;
}

/** Worker time used per weight, ms, now. */
function used(state: CoordinatorState, share: Share, weight: number): number {
  return share.usedMs + (share.accruing * (state.atMs - share.sinceMs)) / weight;
}

/** What one more attempt of the stage is expected to take, ms. */
export function expectedMs(state: CoordinatorState, stage: Stage): number {
  if (stage.durations.count > 0) return stage.durations.meanMs();
  // What a worker has announced takes longer than a moment, and the others perhaps as long.
  return stage.announced > 0 ? guessMs.max : state.shares.guessMs;
}

/** What one more attempt of the stage is charged at first, ms. Of a stage of which nothing is known
 *  no more than what it runs until it is announced, and then charged as it goes on. */
export function chargeOf(state: CoordinatorState, stage: Stage): number {
  const ms = expectedMs(state, stage);
  const charged = stage.durations.count > 0 ? ms : Math.min(ms, announcedMs);
  return Math.ceil(Math.max(charged, chargeUnitMs) / chargeUnitMs) * chargeUnitMs;
}

/** The first attempt of a stage has ended. */
export function learnFirst(state: CoordinatorState, durationMs: number): void {
  const { min, max } = guessMs;
  const { shares } = state;
  const ms = Math.min(max, Math.max(min, durationMs));
  const { guessMs: before } = shares;
  // Down by its ratio, in a dozen steps from the first guess to the least; up by its difference.
  const lower = before * Math.sqrt(Math.sqrt(ms / before));
  shares.guessMs = ms < before ? lower : before + guessWeight * (ms - before);
}

/** An attempt is leased: its expected time counts from now on. */
export function charge(state: CoordinatorState, job: JobRecord, lease: Lease): void {
  change(state, job, { ms: lease.chargeMs, accruing: 0 });
}

/** A worker says that the attempt runs for a while now. */
export function chargeOnwards(state: CoordinatorState, job: JobRecord, lease: Lease): void {
  const isKnown = job.stages[lease.stage]?.durations.count !== 0;
  const isTab = state.workers.get(lease.worker)?.specs.tab === true;
  // A tab announces all that it was given at once.
  if (lease.accruesFromMs > 0 || (isKnown && (isTab || lease.chargeMs >= announcedMs))) return;
  lease.accruesFromMs = Math.max(1, state.atMs);
  change(state, job, { ms: 0, accruing: 1 });
}

/** The lease has ended; `tookMs` null: it is not known how long it ran. */
export function correct(
  state: CoordinatorState,
  job: JobRecord,
  lease: Lease,
  tookMs: number | null,
): void {
  const { accruesFromMs, chargeMs, startedAtMs } = lease;
  const accrued = accruesFromMs > 0 ? state.atMs - accruesFromMs : 0;
  const ran = startedAtMs > 0 ? state.atMs - startedAtMs : 0;
  const took = tookMs !== null && Number.isFinite(tookMs) ? Math.max(0, tookMs) : ran;
  change(state, job, { ms: took - chargeMs - accrued, accruing: accruesFromMs > 0 ? -1 : 0 });
}

function change(
  state: CoordinatorState,
  job: JobRecord,
  by: { readonly ms: number; readonly accruing: number },
): void {
  const owner = ownerOf(state, job);
  const weight = weightOf(job.spec);
  changeOne(state, owner.share, { ...by, weight: 1, turnMs: state.shares.turnMs });
  changeOne(state, job.share, { ...by, weight, turnMs: owner.turnMs });
  if (owner.ready.has(job.number)) owner.ready.set(job.number, rank(state, job.share, weight));
  if (state.shares.ready.has(owner.number)) {
    state.shares.ready.set(owner.number, rank(state, owner.share, 1));
  }
}

function changeOne(
  state: CoordinatorState,
  share: Share,
  by: {
    readonly ms: number;
    readonly accruing: number;
    readonly weight: number;
    readonly turnMs: number;
  },
): void {
  const memory = (memoryMs * Math.max(1, state.slots)) / by.weight;
  const next = used(state, share, by.weight) + by.ms / by.weight;
  share.usedMs = Math.min(by.turnMs + memory, Math.max(by.turnMs - memory, next));
  share.sinceMs = state.atMs;
  share.accruing += by.accruing;
}

/** Workers that were there for none of what was ready may be for this stage. */
export function wakeChoosy(state: CoordinatorState, stage: Stage): void {
  for (const number of state.choosy) {
    const worker = state.workers.get(number) as WorkerRecord;
    if (!mayRun(state, worker, stage)) continue;
    state.choosy.delete(number);
    state.hungry.add(number);
  }
}
