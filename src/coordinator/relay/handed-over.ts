/** Takes over map outputs of workers that leave. Apart from the relay's files and the HTTP edge, so
 *  that the simulation has the same rules.
 *
 *  1. A worker is asked for what is needed still and would be lost with it, the dearest first. What
 *     the relay has already is not asked for.
 *  2. An output counts as taken over when the relay has all of it, with the root that was
 *     committed, and that is in the log. */
import { ClusterError } from "../../core/error.ts";
import { type AttemptRef, attemptKey, type Hash, type WorkerId } from "../../core/ids.ts";
import { neededOutputs, neededRoot } from "../../core/view.ts";
import type { Loop } from "../loop/loop.ts";

export type HandOverOptions = {
  readonly loop: Pick<Loop, "post" | "state">;
  /** Root of an output that the relay has; null = it has it not. */
  readonly rootOf: (ref: AttemptRef) => Hash | null;
};

/** Outputs in one answer: a worker asks again for more. */
const askedMax = 1_024;

export class HandOver {
  readonly #options: HandOverOptions;

  constructor(options: HandOverOptions) {
    this.#options = options;
  }

  /** What the worker is to hand over; none = it may go. */
  async needed(worker: WorkerId): Promise<AttemptRef[]> {
    const { loop, rootOf } = this.#options;
    const missing: AttemptRef[] = [];
    const there: AttemptRef[] = [];
    for (const { ref, root } of neededOutputs(loop.state, worker)) {
      (rootOf(ref) === root ? there : missing).push(ref);
    }
    await this.#take(worker, there);
    return missing.slice(0, askedMax);
  }

  /** What the output must be that this worker hands over; null = it is not needed from there. */
  expected(worker: WorkerId, ref: AttemptRef): Hash | null {
    return neededRoot(this.#options.loop.state, worker, ref);
  }

  /** After the relay has all of it. Throws `bad-request` for another output than is needed. */
  async kept(worker: WorkerId, ref: AttemptRef, root: Hash): Promise<void> {
    const expected = this.expected(worker, ref);
    // The report of a running attempt follows; or the job went on without this output.
    if (expected === null) return;
    if (expected !== root) {
      const text = `${attemptKey(ref)} is not the output that was reported; it is computed again`;
      throw new ClusterError("bad-request", text);
    }
    await this.#take(worker, [ref]);
  }

  async #take(worker: WorkerId, refs: readonly AttemptRef[]): Promise<void> {
    const stages = Map.groupBy(refs, ({ job, stage }) => `${job}/${stage}`);
    await Promise.all(
      [...stages.values()].map(async (group) => {
        const { job, stage } = group[0] as AttemptRef;
        const outputs = group.map(({ attempt, task }) => [task, attempt] as const);
        const event = { kind: "outputs-handed-over", worker, job, stage, outputs } as const;
        await this.#options.loop.post(event);
      }),
    );
  }
}
