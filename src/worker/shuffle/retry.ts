/** Tries again what may succeed later, with a bounded number of waits in a bounded time. */
import { setTimeout as delay } from "node:timers/promises";
import { ClusterError } from "../../core/error.ts";

export type RetryOptions = {
  /** No new try begins after this, ms. */
  readonly limitMs: number;
  /** Wait before the second try, ms; doubles up to 2 s. */
  readonly firstWaitMs: number;
  readonly signal?: AbortSignal;
};

/** Repeats `attempt` while it fails retryably; the last failure is thrown. */
export async function retrying<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  const endMs = performance.now() + options.limitMs;
  for (let waitMs = options.firstWaitMs; ; waitMs = Math.min(2_000, waitMs * 2)) {
    try {
      return await attempt();
    } catch (error) {
      options.signal?.throwIfAborted();
      const again =
        error instanceof ClusterError && error.retryable && error.code !== "storage-full";
      if (!again || performance.now() + waitMs > endMs) throw error;
    }
    await waited(waitMs, options.signal);
  }
}

/** Between two tries, by the machine's clock; rejects when the signal ends it. */
export function waited(ms: number, signal?: AbortSignal): Promise<void> {
  return delay(ms, undefined, signal === undefined ? {} : { signal });
}
