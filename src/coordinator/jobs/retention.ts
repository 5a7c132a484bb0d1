/** Removes ended jobs when they expire or their space is needed: asks the core periodically, and
 *  posts the events by which it decides. Tracks which jobs are followed, and which are fetched. */
import type { CoordinatorState } from "../../core/coordinator.ts";
import type { RetentionLimits } from "../../core/event.ts";
import type { JobId } from "../../core/ids.ts";
import { isRetentionDue, jobState } from "../../core/view.ts";
import type { NewEvent } from "../loop/journal.ts";
import type { Timers } from "../loop/timers.ts";

/** Options of the operator. */
export type RetentionOptions = {
  /** Time since the end of a job, ms; 0 = unlimited. Default 7 days. */
  readonly keepMs: number;
  /** Results of all ended jobs together. Default: half of the disk. */
  readonly resultBytes: number;
  /** Memory for the records of ended jobs, bytes. Default 256 MiB: about 100,000 small jobs, or two
   *  with a million tasks each. */
  readonly recordBytes: number;
  /** How long the idempotency key of a removed job still names it, ms; 0 = unlimited. Default 30
   *  days. */
  readonly keysMs: number;
};

export const defaultRetention: Omit<RetentionOptions, "resultBytes"> = {
  keepMs: 7 * 86_400_000,
  recordBytes: 256 * 1024 * 1024,
  keysMs: 30 * 86_400_000,
};

export type RetentionParts = {
  readonly loop: {
    readonly state: CoordinatorState;
    readonly isOpen: boolean;
    nowMs(): number;
    post(event: NewEvent): Promise<unknown>;
  };
  readonly timers: Timers;
  readonly options: RetentionOptions;
  /** Whether the disk is nearly full; called in each round. */
  readonly isPressed: () => boolean;
  /** Called while the disk is nearly full, before any job is removed for it. */
  readonly makeRoom: () => Promise<unknown>;
  /** Interval between two rounds, ms. Default 1 s. */
  readonly everyMs?: number;
};

/** Fetched jobs in one event. */
const fetchedMax = 10_000;

export class Retention {
  readonly #parts: RetentionParts;
  readonly #followers = new Map<JobId, number>();
  #fetched = new Set<JobId>();
  #cancel = () => {};
  #isStopped = false;

  constructor(parts: RetentionParts) {
    this.#parts = parts;
    this.#arm();
  }

  /** The job stays until the returned function is called. */
  follow(job: JobId): () => void {
    this.#followers.set(job, (this.#followers.get(job) ?? 0) + 1);
    let follows = true;
    return () => {
      if (!follows) return;
      follows = false;
      const left = (this.#followers.get(job) ?? 1) - 1;
      if (left === 0) this.#followers.delete(job);
      else this.#followers.set(job, left);
    };
  }

  /** A client has the whole result. Written to the log together with others, within a second. */
  fetched(job: JobId): void {
    this.#fetched.add(job);
  }

  /** Runs one round now. */
  async look(): Promise<void> {
    const { isPressed, loop, makeRoom } = this.#parts;
    await this.#tellFetched();
    const pressed = isPressed();
    // Delete what no job holds before removing jobs.
    if (pressed) await makeRoom();
    const limits = this.#limits(pressed && isPressed());
    if (!isRetentionDue(loop.state, limits, loop.nowMs())) return;
    await loop.post({ kind: "retention-passed", limits });
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }

  #limits(pressed: boolean): RetentionLimits {
    const { loop, options } = this.#parts;
    const isKept = (job: JobId) => jobState(loop.state, job) !== null;
    return {
      ...options,
      followed: [...this.#followers.keys()].filter(isKept),
      pressed,
      byOwner: true,
    };
  }

  async #tellFetched(): Promise<void> {
    while (this.#fetched.size > 0) {
      const jobs = [...this.#fetched].slice(0, fetchedMax);
      await this.#parts.loop.post({ kind: "results-fetched", jobs });
      for (const job of jobs) this.#fetched.delete(job);
    }
  }

  #arm(): void {
    const { everyMs = 1_000, loop, timers } = this.#parts;
    this.#cancel = timers.after(everyMs, async () => {
      // What the log refuses now is retried.
      if (loop.isOpen) await this.look().catch(() => {});
      if (!this.#isStopped) this.#arm();
    });
  }
}
