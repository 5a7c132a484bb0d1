/** Deletes blobs that no job names any more: blobs of removed jobs, outputs of lost attempts,
 *  uploads that were never submitted.
 *
 *  1. A blob of a removed job, or that only its lost attempts reported, is deleted at once, unless
 *     another job names it, an upload of it may still be submitted, a report of another job may be
 *     about to name it, or a reader has it open: then it is deleted after that.
 *  2. Any other blob is deleted when it is older than the grace period and was not touched
 *     (uploaded, or checked for) within it, unless it is a file of the filesystem protocol.
 *  3. Only the coordinator that has the log sweeps.
 *  4. When the plan of a job cannot be read, its inputs are unknown. An ended job needs none: only
 *     blobs that the state names stay. While it runs, every blob stays that was stored before it
 *     was submitted, and with a store that does not know this, every blob. */

import { keepReferenced, plansInUse } from "../../core/blobs-in-use.ts";
import type { CoordinatorState } from "../../core/coordinator.ts";
import type { Hash, JobId } from "../../core/ids.ts";
import { jobState } from "../../core/view.ts";
import type { Blobs } from "../../store/blob/blob.ts";
import { hit } from "../../store/failpoint.ts";
import type { Timers } from "../loop/timers.ts";

export type BlobSweepOptions = {
  readonly blobs: Pick<Blobs, "list" | "delete" | "size" | "storedAtMs">;
  readonly stateNow: () => CoordinatorState;
  /** Hashes that a plan names. */
  readonly namedBy: (plan: Hash) => Promise<readonly Hash[]>;
  /** Hashes that are named by something other than a job: they stay. Default: none. */
  readonly otherNames?: () => readonly Hash[];
  readonly timers: Timers;
  /** Resolves when all that is in the log up to now is in the state, and rejects when another
   *  coordinator has the log. Default: no other can. */
  readonly confirm?: () => Promise<unknown>;
  /** Default 1 h. */
  readonly graceMs?: number;
  /** Interval between two sweeps, ms. Default 1 h. */
  readonly everyMs?: number;
  /** Touched blobs that are tracked; while there are more, nothing is swept. Default 1,000,000. */
  readonly touchedMax?: number;
};

export type Freed = { readonly blobs: number; readonly sizeBytes: number };

export type FreedByJob = Freed & {
  /** Of its blobs those that stay, since other jobs or files name them, too. */
  readonly sharedBytes: number;
  /** Those that are read now, or may be about to be named: they go with that. */
  readonly laterBytes: number;
};

/** Of a job that is gone. */
type Released = {
  readonly job: JobId;
  readonly blobs: ReadonlySet<Hash>;
  readonly plan: Hash;
};

/** Who may be about to name a blob: a submission, the report of a task of a job, or, of what a
 *  worker brings, a report that has not come yet and will say of which job it is. */
export type Holder = "submitter" | "worker" | { readonly job: JobId };

/** Until when each may name it, in ms; 0 = not at all. What is over stays until the next sweep: by
 *  it the blobs are known that only lost attempts of a job have reported. */
type Hold = { submitterMs: number; workerMs: number; reports?: Map<JobId, number> };

const nothing: FreedByJob = { blobs: 0, sizeBytes: 0, sharedBytes: 0, laterBytes: 0 };
/** The clock of a store and the cluster's may differ by so much, in ms. */
const skewMs = 86_400_000;
/** Longest time between the check of a report and its commit, ms. */
const reportMs = 60_000;

export class BlobSweep {
  readonly #options: Required<BlobSweepOptions>;
  readonly #startedAtMs: number;
  readonly #held = new Map<Hash, Hold>();
  readonly #readers = new Map<Hash, number>();
  /** The blobs that plans of jobs name; plans never change. */
  #inPlan = new Map<Hash, readonly Hash[]>();
  /** Released while they were read or held. */
  readonly #later = new Set<Hash>();
  #released: Released[] = [];
  #releasing: Promise<ReadonlyMap<JobId, FreedByJob>> | null = null;
  /** The deletion under way. */
  #deletion: Promise<unknown> = Promise.resolve();
  #cancel = () => {};
  #cancelLater = () => {};
  #running: Promise<Freed> | null = null;

  constructor(options: BlobSweepOptions) {
    const hourMs = 3_600_000;
    const confirm = async () => {};
    const otherNames = () => [];
    const limits = { graceMs: hourMs, everyMs: hourMs, touchedMax: 1_000_000 };
    const defaults = { ...limits, confirm, otherNames };
    this.#options = { ...defaults, ...options };
    this.#startedAtMs = options.timers.monotonicMs();
    this.#arm();
  }

  /** Call when the blob is uploaded, or when `by` checks for it and may be about to name it. */
  touch(hash: Hash, by: Holder = "submitter"): void {
    const { graceMs, timers } = this.#options;
    const nowMs = timers.monotonicMs();
    const known = this.#held.get(hash) ?? { submitterMs: 0, workerMs: 0 };
    this.#held.set(hash, known);
    if (by === "submitter") known.submitterMs = nowMs + graceMs;
    else if (by === "worker") known.workerMs = nowMs + graceMs;
    else {
      known.workerMs = 0;
      known.reports ??= new Map();
      known.reports.set(by.job, nowMs + Math.min(reportMs, graceMs));
    }
  }

  /** The same, for callers that will check whether it exists: resolves after a deletion that has
   *  begun. */
  async hold(hashes: readonly Hash[], by: Holder = "submitter"): Promise<void> {
    for (const hash of hashes) this.touch(hash, by);
    await this.#deletion;
  }

  /** A job names them from now on: their upload holds them no longer. */
  submitted(hashes: Iterable<Hash>): void {
    for (const hash of hashes) {
      const known = this.#held.get(hash);
      if (known === undefined) continue;
      known.submitterMs = 0;
      if (known.workerMs === 0 && known.reports === undefined) this.#held.delete(hash);
    }
  }

  /** The blob stays until the returned function is called. */
  reading(hash: Hash): () => void {
    this.#readers.set(hash, (this.#readers.get(hash) ?? 0) + 1);
    return () => {
      const left = (this.#readers.get(hash) ?? 1) - 1;
      if (left > 0) this.#readers.set(hash, left);
      else this.#readers.delete(hash);
      if (left === 0 && this.#later.has(hash)) this.#release([]).catch(() => {});
    };
  }

  /** A job is removed: deletes what only it named. Jobs that are removed together share one pass
   *  over the others; what several of them named is counted for the first. */
  async release(released: Released): Promise<Freed> {
    return (await this.#release([released])).get(released.job) ?? nothing;
  }

  /** Deletes all unneeded blobs. One sweep at a time; a second call shares the one in progress. */
  sweep(graceMs: number = this.#options.graceMs): Promise<Freed> {
    this.#running ??= this.#sweep(graceMs).finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  stop(): void {
    this.#cancel();
    this.#cancelLater();
  }

  #arm(): void {
    this.#cancel = this.#options.timers.after(this.#options.everyMs, () => {
      // What could not be read or deleted now is retried in the next round.
      this.sweep().catch(() => {});
      this.#arm();
    });
  }

  /** What went with a job that has just been removed. */
  async freedBy(job: JobId): Promise<FreedByJob> {
    const isPending = this.#released.some((one) => one.job === job);
    const freed = isPending ? await this.#releasing : null;
    return freed?.get(job) ?? nothing;
  }

  #release(released: readonly Released[]): Promise<ReadonlyMap<JobId, FreedByJob>> {
    for (const one of released) this.#released.push(one);
    this.#releasing ??= this.#soon();
    return this.#releasing;
  }

  async #soon(): Promise<ReadonlyMap<JobId, FreedByJob>> {
    await new Promise<void>((resume) => this.#options.timers.soon(resume));
    const released = this.#released;
    this.#released = [];
    this.#releasing = null;
    return this.#free(released);
  }

  async #free(released: readonly Released[]): Promise<ReadonlyMap<JobId, FreedByJob>> {
    const jobs = new Map<Hash, JobId>();
    for (const { blobs, job, plan } of released) {
      // A plan that is damaged or missing names no blob that could be found.
      const named = await this.#namedBy(plan).catch(() => []);
      for (const hash of [...blobs, ...named]) if (!jobs.has(hash)) jobs.set(hash, job);
    }
    const gone = new Set(released.map(({ job }) => job));
    const reported = gone.size === 0 ? [] : this.#reportedBy(gone);
    for (const [hash, job] of reported) if (!jobs.has(hash)) jobs.set(hash, job);
    const names = new Set([...this.#later, ...jobs.keys()]);
    if (released.length > 0) await this.#options.confirm();
    await this.#withoutKept(names);
    for (const hash of names) this.#later.add(hash);
    const sizes = await this.#delete(names, gone);
    this.#armLater();
    const freed = new Map<JobId, FreedByJob>();
    for (const [hash, job] of jobs) {
      const one = freed.get(job) ?? { ...nothing };
      freed.set(job, added(one, sizes.get(hash), await this.#leftOf(hash, names, sizes)));
    }
    return freed;
  }

  *#reportedBy(jobs: ReadonlySet<JobId>): Generator<readonly [Hash, JobId], void> {
    for (const [hash, { reports }] of this.#held) {
      for (const job of reports?.keys() ?? []) if (jobs.has(job)) yield [hash, job];
    }
  }

  /** What is left since it may be about to be named goes when that is over. */
  #armLater(): void {
    const { confirm, timers } = this.#options;
    const nowMs = timers.monotonicMs();
    this.#cancelLater();
    let untilMs = Number.POSITIVE_INFINITY;
    for (const hash of this.#later) {
      const holdMs = this.#heldUntilMs(hash, new Set());
      if (holdMs > nowMs && !this.#readers.has(hash)) untilMs = Math.min(untilMs, holdMs);
    }
    if (untilMs === Number.POSITIVE_INFINITY) return;
    this.#cancelLater = timers.after(untilMs - nowMs, () => {
      // What cannot be deleted then is left to the next sweep.
      confirm()
        .then(() => this.#release([]))
        .catch(() => {});
    });
  }

  /** What of a blob is there after the deletion, and whether other jobs name it. */
  async #leftOf(hash: Hash, names: ReadonlySet<Hash>, gone: ReadonlyMap<Hash, number>) {
    if (gone.has(hash)) return { sharedBytes: 0, laterBytes: 0 };
    const sizeBytes = (await this.#options.blobs.size(hash).catch(() => null)) ?? 0;
    return names.has(hash)
      ? { sharedBytes: 0, laterBytes: sizeBytes }
      : { sharedBytes: sizeBytes, laterBytes: 0 };
  }

  async #sweep(graceMs: number): Promise<Freed> {
    const { blobs, timers, touchedMax } = this.#options;
    const nowMs = timers.monotonicMs();
    for (const [hash, { submitterMs, workerMs, reports }] of this.#held) {
      for (const [job, endMs] of reports ?? []) if (endMs <= nowMs) reports?.delete(job);
      const isOver = Math.max(submitterMs, workerMs) <= nowMs;
      if (isOver && (reports?.size ?? 0) === 0) this.#held.delete(hash);
    }
    if (this.#held.size > touchedMax) return nothing;
    const names = new Set<Hash>();
    for await (const hash of blobs.list()) names.add(hash);
    await this.#withoutKept(names);
    for (const hash of names) if (!(await this.#isOld(hash, graceMs))) names.delete(hash);
    if (names.size === 0) return nothing;
    // A coordinator that was paused may have a successor, whose jobs it does not know.
    await this.#options.confirm();
    await this.#withoutKept(names);
    const sizes = [...(await this.#delete(names, new Set())).values()];
    return { blobs: sizes.length, sizeBytes: sizes.reduce((sum, size) => sum + size, 0) };
  }

  /** A store that does not know when a blob was stored may have stored it just before this
   *  start. */
  async #isOld(hash: Hash, graceMs: number): Promise<boolean> {
    const { blobs, timers } = this.#options;
    if (blobs.storedAtMs === undefined) {
      return timers.monotonicMs() - this.#startedAtMs >= graceMs;
    }
    const storedAtMs = await blobs.storedAtMs(hash);
    return storedAtMs !== null && timers.wallMs() - storedAtMs >= graceMs;
  }

  /** Removes from `names` the blobs that some job names. */
  async #withoutKept(names: Set<Hash>): Promise<void> {
    const { stateNow } = this.#options;
    const known = new Map<Hash, readonly Hash[]>();
    const unreadable = new Set<Hash>();
    let unsureBeforeMs = Number.NEGATIVE_INFINITY;
    for (const { plan, runsSinceMs } of plansInUse(stateNow())) {
      if (!known.has(plan) && !unreadable.has(plan)) {
        const named = await this.#namedBy(plan).catch(() => null);
        if (named === null) unreadable.add(plan);
        else known.set(plan, named);
        for (const hash of named ?? []) names.delete(hash);
      }
      if (unreadable.has(plan) && runsSinceMs !== null) {
        unsureBeforeMs = Math.max(unsureBeforeMs, runsSinceMs + skewMs);
      }
    }
    this.#inPlan = known;
    for (const hash of names) {
      if (await this.#isFromBefore(hash, unsureBeforeMs)) names.delete(hash);
    }
    for (const hash of this.#options.otherNames()) names.delete(hash);
    // After the plans, so that jobs that arrived meanwhile count.
    keepReferenced(stateNow(), names);
  }

  async #isFromBefore(hash: Hash, beforeMs: number): Promise<boolean> {
    if (beforeMs === Number.NEGATIVE_INFINITY) return false;
    return ((await this.#options.blobs.storedAtMs?.(hash)) ?? 0) < beforeMs;
  }

  async #namedBy(plan: Hash): Promise<readonly Hash[]> {
    return this.#inPlan.get(plan) ?? (await this.#options.namedBy(plan));
  }

  /** `gone`: jobs whose pending reports no longer matter. Returns the sizes of what was deleted. */
  async #delete(
    names: ReadonlySet<Hash>,
    gone: ReadonlySet<JobId>,
  ): Promise<ReadonlyMap<Hash, number>> {
    const sizes = new Map<Hash, number>();
    for (const hash of names) {
      if (this.#isHeld(hash, gone)) continue;
      const deletion = this.#deleteOne(hash);
      this.#deletion = deletion.catch(() => {});
      const size = await deletion;
      this.#later.delete(hash);
      this.#held.delete(hash);
      if (size !== null) sizes.set(hash, size);
    }
    return sizes;
  }

  #isHeld(hash: Hash, gone: ReadonlySet<JobId>): boolean {
    const nowMs = this.#options.timers.monotonicMs();
    return this.#readers.has(hash) || this.#heldUntilMs(hash, gone) > nowMs;
  }

  /** Reports of jobs that are gone hold nothing. */
  #heldUntilMs(hash: Hash, gone: ReadonlySet<JobId>): number {
    const hold = this.#held.get(hash);
    if (hold === undefined) return 0;
    let untilMs = Math.max(hold.submitterMs, hold.workerMs);
    for (const [job, endMs] of hold.reports ?? []) {
      const isGone = gone.has(job) || jobState(this.#options.stateNow(), job) === null;
      if (!isGone) untilMs = Math.max(untilMs, endMs);
    }
    return untilMs;
  }

  /** Its size, or null when it did not exist. */
  async #deleteOne(hash: Hash): Promise<number | null> {
    const { blobs } = this.#options;
    const sizeBytes = await blobs.size(hash).catch(() => 0);
    if (sizeBytes === null) return null;
    hit("sweep.delete", "before");
    await blobs.delete(hash);
    hit("sweep.delete", "after");
    return sizeBytes;
  }
}

/** `goneBytes`: undefined when the blob was not deleted. */
function added(
  to: FreedByJob,
  goneBytes: number | undefined,
  left: Pick<FreedByJob, "sharedBytes" | "laterBytes">,
): FreedByJob {
  return {
    blobs: to.blobs + (goneBytes === undefined ? 0 : 1),
    sizeBytes: to.sizeBytes + (goneBytes ?? 0),
    sharedBytes: to.sharedBytes + left.sharedBytes,
    laterBytes: to.laterBytes + left.laterBytes,
  };
}
