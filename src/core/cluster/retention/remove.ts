/** Which ended jobs are kept, for how long, and what is remembered of those that are not.
 *
 *  1. A job goes when its time since its end is over, or when the results or the records of all
 *     ended jobs are larger than their bound; then the one that ended first goes first, of owners
 *     that have more than an equal share of that bound.
 *  2. It never goes while a client follows it, nor before its result was fetched or a day has
 *     passed since its end. A job that failed or was cancelled has no result to wait for.
 *  3. Its idempotency key outlives it: the same key still names the same job.
 *
 *  The bounds come with each event, so a replay decides as the coordinator did then. */
import type { Effect } from "../../effect.ts";
import type { CoordinatorEvent, RetentionLimits } from "../../event.ts";
import { idNumber, type JobId, jobId } from "../../ids.ts";
import type { CoordinatorState, JobRecord } from "../state.ts";
import { forgetAudits } from "../trust/audit-end.ts";
import { visitBlobs } from "./blobs.ts";
import { OwnerShares } from "./owners.ts";
import type { EndedJob, RemovedJob, RemovedWhy } from "./retained.ts";
import { addEnded, type Retained } from "./retained.ts";

type Of<K extends CoordinatorEvent["kind"]> = Extract<CoordinatorEvent, { kind: K }>;

/** Logs from before there were bounds keep so many ended jobs, in order of submission. */
const untimedJobsMax = 1_000;
/** A result that no client has fetched stays at least so long, in ms. */
export const unfetchedMs = 86_400_000;
/** Removed jobs that are remembered: those with a key of the user's own, and the rest. */
export const keyedMax = 100_000;
export const unkeyedMax = 10_000;
/** How a client begins a key that it made up for one submission: it goes with its job. */
export const onceKey = "once:";
/** Of those that may go, the share that goes at once when the disk is nearly full. */
const pressedShare = 0.25;

/** Called once for each job, when it ends. */
export function keepEnded(state: CoordinatorState, job: JobRecord, effects: Effect[]): void {
  addEnded(state.retained, job);
  if (!state.retained.isTimed) removeUntimed(state, effects);
}

/** A client has its whole result. */
export function markFetched(state: CoordinatorState, jobs: readonly JobId[]): void {
  for (const job of jobs) {
    const number = idNumber(job);
    if (state.retained.ended.has(number)) state.retained.fetched.add(number);
  }
}

export type Due = { readonly job: JobRecord; readonly why: RemovedWhy };

/** What may go now, the job that ended first first. */
export function dueJobs(state: CoordinatorState, limits: RetentionLimits, atMs: number): Due[] {
  const { retained } = state;
  const followed = new Set<number>(limits.followed.map(idNumber));
  const left = { resultBytes: retained.resultBytes, recordBytes: retained.recordBytes };
  let shares: OwnerShares | null = null;
  const due: Due[] = [];
  /** Kept but for the disk. */
  const spared: Due[] = [];
  for (const [number, size] of retained.ended) {
    const job = state.jobs.get(number) as JobRecord;
    const sinceMs = atMs - job.endedAtMs;
    const agesCount = atMs >= retained.ageFromMs;
    const isOld = agesCount && limits.keepMs > 0 && sinceMs >= limits.keepMs;
    const over = boundsPassed(left, limits);
    if (!isOld && over.length === 0 && !limits.pressed) break;
    if (followed.has(number) || !mayGo(retained, job, agesCount ? sinceMs : 0)) continue;
    if (over.length > 0 && limits.byOwner) shares ??= new OwnerShares(state);
    const kept = { owner: job.owner, size, limits, shares };
    const why = isOld ? "age" : over.find((bound) => freesRoom(bound, kept));
    if (why === undefined) {
      spared.push({ job, why: "disk" });
      continue;
    }
    due.push({ job, why });
    left.resultBytes -= size.resultBytes;
    left.recordBytes -= size.recordBytes;
    shares?.without(job.owner, size);
  }
  if (!limits.pressed || due.length > 0) return due;
  // Some now, more when that was not enough.
  return spared.slice(0, Math.ceil(spared.length * pressedShare));
}

type Kept = {
  readonly owner: string;
  readonly size: EndedJob;
  readonly limits: RetentionLimits;
  /** Null: those of all owners go in one order. */
  readonly shares: OwnerShares | null;
};

function freesRoom(bound: "bytes" | "records", { limits, owner, shares, size }: Kept): boolean {
  const kind = bound === "bytes" ? "resultBytes" : "recordBytes";
  return size[kind] > 0 && (shares?.isAbove(owner, kind, limits[kind]) ?? true);
}

function boundsPassed(
  kept: EndedJob,
  { recordBytes, resultBytes }: RetentionLimits,
): ReadonlyArray<"bytes" | "records"> {
  const passed: Array<"bytes" | "records"> = [];
  if (kept.recordBytes > recordBytes) passed.push("records");
  if (kept.resultBytes > resultBytes) passed.push("bytes");
  return passed;
}

function mayGo({ fetched }: Retained, job: JobRecord, sinceMs: number): boolean {
  return job.state !== "done" || fetched.has(job.number) || sinceMs >= unfetchedMs;
}

/** Whether a `retention-passed` at this time would change anything. */
export function isRetentionDue(
  state: CoordinatorState,
  limits: RetentionLimits,
  atMs: number,
): boolean {
  if (dueJobs(state, limits, atMs).length > 0) return true;
  const { keyed, unkeyed } = state.retained;
  return [keyed, unkeyed].some((removed) => {
    const [oldest] = removed.values();
    return oldest !== undefined && isKeyOver(state, oldest, limits, atMs);
  });
}

function isKeyOver(
  { retained }: CoordinatorState,
  { removedAtMs }: RemovedJob,
  { keysMs }: RetentionLimits,
  atMs: number,
): boolean {
  return keysMs > 0 && atMs >= retained.ageFromMs && atMs - removedAtMs >= keysMs;
}

export function passRetention(
  state: CoordinatorState,
  { limits }: Of<"retention-passed">,
  effects: Effect[],
): void {
  for (const { job, why } of dueJobs(state, limits, state.atMs)) {
    forgetJob(state, job, effects);
    remember(state, job, why);
  }
  const { keyed, unkeyed } = state.retained;
  for (const removed of [keyed, unkeyed]) {
    for (const [number, one] of removed) {
      const most = removed === keyed ? keyedMax : unkeyedMax;
      if (removed.size <= most && !isKeyOver(state, one, limits, state.atMs)) break;
      removed.delete(number);
      if (one.key !== null) state.keys.delete(`${one.owner}\n${one.key}`);
    }
  }
}

function remember(state: CoordinatorState, job: JobRecord, why: RemovedWhy): void {
  const isOwn = job.key !== null && !job.key.startsWith(onceKey);
  const { owner, digest, endedAtMs } = job;
  const key = isOwn ? job.key : null;
  const removed = { owner, key, digest, endedAtMs, removedAtMs: state.atMs, why };
  const { keyed, unkeyed } = state.retained;
  if (key === null) unkeyed.set(job.number, removed);
  else {
    keyed.set(job.number, removed);
    state.keys.set(`${owner}\n${key}`, job.number);
  }
}

/** Forgets an ended job with its key, and has its blobs dropped. */
export function forgetJob(state: CoordinatorState, job: JobRecord, effects: Effect[]): void {
  const { retained } = state;
  const size = retained.ended.get(job.number);
  if (size !== undefined) {
    retained.ended.delete(job.number);
    retained.resultBytes -= size.resultBytes;
    retained.recordBytes -= size.recordBytes;
  }
  retained.fetched.delete(job.number);
  forgetAudits(state, job, effects);
  state.jobs.delete(job.number);
  if (job.key !== null) state.keys.delete(`${job.owner}\n${job.key}`);
  const blobs = new Set<string>();
  visitBlobs(job, (hash) => blobs.add(hash));
  effects.push({ kind: "drop-blobs", job: jobId(job.number), blobs, plan: job.spec.planHash });
}

function removeUntimed(state: CoordinatorState, effects: Effect[]): void {
  let over = state.jobs.size - state.active.size - untimedJobsMax;
  for (const job of state.jobs.values()) {
    if (over <= 0) return;
    if (job.state === "running") continue;
    forgetJob(state, job, effects);
    over--;
  }
}

/** A clock this far ahead of the last event, in ms, may be wrong: ages count a day later. */
const jumpMs = 86_400_000;

/** The first event of a start that removes by time and bytes. */
export function startRetention(state: CoordinatorState, beforeMs: number): void {
  const { retained } = state;
  retained.isTimed = true;
  if (beforeMs > 0 && state.atMs - beforeMs >= jumpMs) retained.ageFromMs = state.atMs + jumpMs;
}
