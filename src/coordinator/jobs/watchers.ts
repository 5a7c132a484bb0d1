/** Wakes callers that wait for a change of a job. It does not hold the change: callers read the
 *  state. */
import type { JobId } from "../../core/ids.ts";

/** One waiting caller. A change between two calls of `next` is not missed. */
export type Watch = {
  /** Resolves at the next change, after `limitMs`, or when `signal` is aborted. */
  next(limitMs: number, signal: AbortSignal): Promise<void>;
  close(): void;
};

export class Watchers {
  readonly #jobs = new Map<JobId, Set<() => void>>();

  changed(job: JobId): void {
    for (const wake of this.#jobs.get(job) ?? []) wake();
  }

  open(job: JobId): Watch {
    let missed = false;
    let waiting: (() => void) | null = null;
    const wake = () => {
      missed = true;
      waiting?.();
    };
    const watches = this.#jobs.get(job) ?? new Set();
    this.#jobs.set(job, watches.add(wake));
    return {
      async next(limitMs, signal) {
        if (!missed && !signal.aborted) {
          await new Promise<void>((resolve) => {
            const done = () => {
              clearTimeout(timer);
              signal.removeEventListener("abort", done);
              resolve();
            };
            const timer = setTimeout(done, limitMs);
            waiting = done;
            signal.addEventListener("abort", done);
          });
          waiting = null;
        }
        missed = false;
      },
      close: () => {
        watches.delete(wake);
        if (watches.size === 0 && this.#jobs.get(job) === watches) this.#jobs.delete(job);
      },
    };
  }
}
