/** What each attempt has under the judge as on a worker: its owner, its counters, its time limit,
 *  the beginning of its random numbers. */
import { ClusterError } from "../../core/error.ts";
import { beginTask } from "../../environment/install.ts";
import { steadyMs } from "../../environment/steady.ts";
import { Owner } from "../../environment/strays.ts";
import { turn } from "../../environment/turn.ts";
import { Counters } from "../../wire/content/counters.ts";
import type { Job } from "../job.ts";

export type Attempt = {
  readonly stage: "map" | "reduce" | "run";
  readonly task: number;
};

export class Attempts {
  readonly #timeoutMs: number;
  readonly #counters = new Counters();
  readonly #total: Record<string, number> = Object.create(null);

  constructor({ options }: Job) {
    this.#timeoutMs = options.timeoutMs ?? 0;
  }

  /** What the job has counted. */
  get total(): Record<string, number> {
    return { ...this.#total };
  }

  count(counter: string, by: number): void {
    this.#counters.add(counter, by);
  }

  /** Runs one. Rejects with `Strayed` when it leaves an error behind, with `timed-out` when it has
   *  taken too long: what computes without a break cannot be stopped before. */
  async run<T>({ stage, task }: Attempt, use: (owner: Owner) => T): Promise<Awaited<T>> {
    const owner = new Owner(stage, { task, attempt: 1 });
    const sinceMs = steadyMs();
    beginTask(stage, task);
    try {
      const value = await this.#inTime(owner.run(use, owner));
      if (stage !== "run") owner.endTimers();
      await turn();
      owner.check();
      if (this.#timeoutMs > 0 && steadyMs() - sinceMs > this.#timeoutMs) throw this.#late();
      for (const [counter, by] of Object.entries(this.#counters.take())) {
        this.#total[counter] = (this.#total[counter] ?? 0) + by;
      }
      return value;
    } finally {
      owner.settle();
    }
  }

  async #inTime<T>(value: T): Promise<Awaited<T>> {
    if (this.#timeoutMs === 0) return await value;
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(this.#late()), this.#timeoutMs);
    try {
      return await Promise.race([value, promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  #late(): ClusterError {
    const text = `it was stopped, since it had not ended after ${this.#timeoutMs} ms`;
    return new ClusterError("timed-out", text);
  }
}
