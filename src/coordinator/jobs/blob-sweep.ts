/** Forgets blobs that no job names any more: outputs of lost attempts, uploads that were never
 *  submitted, and what removed jobs leave behind.
 *
 *  1. A blob that was touched (uploaded, or asked for) within the grace stays: somebody may be
 *     about to name it.
 *  2. Nothing goes in the first grace after a start: who touched what before is not known.
 *  3. Only the coordinator that has the log sweeps.
 *  4. When the plan of a job cannot be read, nothing goes at all: what it names is not known. */
import type { CoordinatorState } from "../../core/coordinator.ts";
import type { Hash, JobId } from "../../core/ids.ts";
import { jobSpec, jobSummaries, referencedBlobs } from "../../core/view.ts";
import type { Blobs } from "../../store/blob/blob.ts";
import { hit } from "../../store/failpoint.ts";
import type { Timers } from "../loop/timers.ts";

export type BlobSweepOptions = {
  readonly blobs: Pick<Blobs, "list" | "delete">;
  readonly stateNow: () => CoordinatorState;
  /** Hashes that a plan names. */
  readonly namedBy: (plan: Hash) => Promise<readonly Hash[]>;
  readonly timers: Timers;
  /** Resolves when all that is in the log up to now is in the state, and rejects when somebody else
   *  has the log. Default: nobody else can. */
  readonly confirm?: () => Promise<unknown>;
  /** Default 1 h. */
  readonly graceMs?: number;
  /** Between two sweeps. Default 1 h. */
  readonly everyMs?: number;
  /** Touched blobs remembered; while there are more, nothing is swept. Default 1,000,000. */
  readonly touchedMax?: number;
};

export class BlobSweep {
  readonly #options: Required<BlobSweepOptions>;
  readonly #startedAtMs: number;
  /** When each was last touched, oldest first. */
  readonly #touched = new Map<Hash, number>();
  #cancel = () => {};
  #running: Promise<number> | null = null;

  constructor(options: BlobSweepOptions) {
    const hourMs = 3_600_000;
    const confirm = async () => {};
    const defaults = { graceMs: hourMs, everyMs: hourMs, touchedMax: 1_000_000, confirm };
    this.#options = { ...defaults, ...options };
    this.#startedAtMs = options.timers.monotonicMs();
    this.#arm();
  }

  touch(hash: Hash): void {
    this.#touched.delete(hash);
    this.#touched.set(hash, this.#options.timers.monotonicMs());
  }

  /** How many blobs went. One sweep at a time; a second call shares the one under way. */
  sweep(): Promise<number> {
    this.#running ??= this.#sweep().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  stop(): void {
    this.#cancel();
  }

  #arm(): void {
    this.#cancel = this.#options.timers.after(this.#options.everyMs, () => {
      // What could not be read or deleted now is tried again in the next round.
      this.sweep().catch(() => {});
      this.#arm();
    });
  }

  async #sweep(): Promise<number> {
    const { blobs, graceMs, stateNow, timers, touchedMax } = this.#options;
    const cutMs = timers.monotonicMs() - graceMs;
    if (this.#startedAtMs > cutMs) return 0;
    for (const [hash, atMs] of this.#touched) {
      if (atMs > cutMs) break;
      this.#touched.delete(hash);
    }
    if (this.#touched.size > touchedMax) return 0;
    const names: Hash[] = [];
    for await (const hash of blobs.list()) names.push(hash);
    // A coordinator that was paused may have a successor, of whose jobs it knows nothing.
    await this.#options.confirm();
    const kept = await this.#inPlans();
    // After the plans, so that jobs which came meanwhile count; their own blobs were touched.
    for (const hash of referencedBlobs(stateNow())) kept.add(hash);
    let gone = 0;
    for (const hash of names) {
      if (kept.has(hash) || this.#touched.has(hash)) continue;
      hit("sweep.delete", "before");
      await blobs.delete(hash);
      hit("sweep.delete", "after");
      gone += 1;
    }
    return gone;
  }

  async #inPlans(): Promise<Set<Hash>> {
    const { namedBy, stateNow, timers } = this.#options;
    const state = stateNow();
    const plans = new Set<Hash>();
    for (const { job } of jobSummaries(state, timers.wallMs())) {
      const spec = jobSpec(state, job as JobId);
      if (spec !== null) plans.add(spec.planHash);
    }
    const kept = new Set<Hash>();
    for (const plan of plans) for (const hash of await namedBy(plan)) kept.add(hash);
    return kept;
  }
}
