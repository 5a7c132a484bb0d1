/** Limits on uploads to the coordinator's disk for running jobs, counted while they arrive: tabs
 *  are not trusted, and must not fill the disk with alleged results.
 *
 *  1. Bytes count from the moment they arrive; those of a failed upload are subtracted again.
 *  2. Every upload counts as at least one block of a disk: empty files fill disks, too.
 *  3. Uploads of tabs stop at half of the low-water mark: the rest is for the jobs' own workers.
 *  4. The counts are in memory: a restart resets them. */
import { ClusterError } from "../../core/error.ts";
import type { JobId } from "../../core/ids.ts";
import type { LowWater } from "../upkeep/low-water.ts";

export type UploadLimits = {
  /** All uploads of one task of a tab, bytes. Default 8 GiB: twice the largest result. */
  readonly taskMaxBytes: number;
  /** Of one tab within `windowMs`. Default 64 GiB. */
  readonly tabMaxBytes: number;
  /** Default 1 h. */
  readonly windowMs: number;
  /** All uploads of tabs and unreachable workers for one job as long as it runs, bytes. Default 1
   *  TiB. */
  readonly jobMaxBytes: number;
};

const gib = 1024 ** 3;

export const defaultUploadLimits: UploadLimits = {
  taskMaxBytes: 8 * gib,
  tabMaxBytes: 64 * gib,
  windowMs: 3_600_000,
  jobMaxBytes: 1024 * gib,
};

export type Uploader = {
  /** The tab that uploads; null = a worker, whose uploads are not counted. */
  readonly tab: string | null;
  /** Null = it names no job. */
  readonly job: JobId | null;
  /** The task's ticket; null = its uploads are limited elsewhere. */
  readonly task: string | null;
};

type Account = { readonly sinceMs: number; bytes: number };

/** An account with its limit, and the error for exceeding it. */
type Bound = { readonly account: Account; readonly maxBytes: number; readonly text: string };

const blockBytes = 4_096;
const tabShare = 0.5;

export class Uploads {
  readonly #limits: UploadLimits;
  readonly #nowMs: () => number;
  readonly #lowWater: LowWater;
  readonly #tasks = new Map<string, Account>();
  /** The oldest window first. */
  readonly #tabs = new Map<string, Account>();
  readonly #jobs = new Map<JobId, Account>();

  constructor(lowWater: LowWater, nowMs: () => number, limits: Partial<UploadLimits> = {}) {
    this.#lowWater = lowWater;
    this.#nowMs = nowMs;
    this.#limits = { ...defaultUploadLimits, ...limits };
  }

  /** `store` reads the chunks to their end. Rejects with `limit-exceeded`, or `storage-full`, which
   *  may be retried. */
  async count<T>(
    of: Uploader,
    chunks: AsyncIterable<Uint8Array>,
    store: (chunks: AsyncIterable<Uint8Array>) => Promise<T>,
  ): Promise<T> {
    const bounds = this.#boundsOf(of);
    const counted = { bytes: 0 };
    try {
      add(bounds, counted, blockBytes);
      if (of.tab === null) return await store(counting(chunks, bounds, counted));
      this.#lowWater.mustBeAbove("an upload of a browser", tabShare);
      const guarded = this.#lowWater.guarded(chunks, "an upload of a browser", tabShare);
      return await store(counting(guarded, bounds, counted));
    } catch (error) {
      for (const { account } of bounds) account.bytes -= counted.bytes;
      throw error;
    }
  }

  taskEnded(task: string): void {
    this.#tasks.delete(task);
  }

  jobEnded(job: JobId): void {
    this.#jobs.delete(job);
  }

  #boundsOf({ job, tab, task }: Uploader): Bound[] {
    const { jobMaxBytes, tabMaxBytes, taskMaxBytes, windowMs } = this.#limits;
    const bounds: Bound[] = [];
    if (task !== null) {
      const text = `the task uploads more than uploads.taskMaxBytes (${taskMaxBytes})`;
      bounds.push({ account: this.#open(this.#tasks, task), maxBytes: taskMaxBytes, text });
    }
    if (tab !== null) {
      this.#dropOldTabs();
      const limit = `uploads.tabMaxBytes (${tabMaxBytes}) in ${windowMs / 1_000} s`;
      const text = `${tab} uploads more than ${limit}, see --tab-uploads`;
      bounds.push({ account: this.#open(this.#tabs, tab), maxBytes: tabMaxBytes, text });
    }
    if (job !== null) {
      const limit = `uploads.jobMaxBytes (${jobMaxBytes}), see --job-uploads`;
      const text = `uploads for ${job} exceed ${limit}`;
      bounds.push({ account: this.#open(this.#jobs, job), maxBytes: jobMaxBytes, text });
    }
    return bounds;
  }

  #open<K>(accounts: Map<K, Account>, key: K): Account {
    const account = accounts.get(key) ?? { sinceMs: this.#nowMs(), bytes: 0 };
    accounts.set(key, account);
    return account;
  }

  #dropOldTabs(): void {
    const endedMs = this.#nowMs() - this.#limits.windowMs;
    for (const [tab, { sinceMs }] of this.#tabs) {
      if (sinceMs > endedMs) return;
      this.#tabs.delete(tab);
    }
  }
}

async function* counting(
  chunks: AsyncIterable<Uint8Array>,
  bounds: readonly Bound[],
  counted: { bytes: number },
): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of chunks) {
    add(bounds, counted, chunk.length);
    yield chunk;
  }
}

function add(bounds: readonly Bound[], counted: { bytes: number }, bytes: number): void {
  counted.bytes += bytes;
  for (const { account } of bounds) account.bytes += bytes;
  for (const { account, maxBytes, text } of bounds) {
    if (account.bytes <= maxBytes) continue;
    throw new ClusterError("limit-exceeded", `${text}; make results smaller, or raise the limit`);
  }
}
