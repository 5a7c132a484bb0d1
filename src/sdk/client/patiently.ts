/** Follows what a coordinator sends for long, also while it restarts. */
import { setTimeout as delay } from "node:timers/promises";
import { ClusterError } from "../../core/error.ts";
import { steadyMs } from "../../environment/steady.ts";

export type FollowOptions = {
  readonly signal?: AbortSignal;
  /** How long the coordinator may be away before following ends with `unavailable`, in ms; default
   *  60,000. */
  readonly patienceMs?: number;
  /** Called at each try while the coordinator is away. */
  readonly onAway?: () => void;
};

const backoffMs = 100;
const backoffMaxMs = 2_000;

/** Reads again while the coordinator is away, and until a value is the last. */
export async function* patiently<T>(
  read: () => AsyncIterable<T>,
  { onAway, patienceMs = 60_000, signal }: FollowOptions,
  isLast: (value: T) => boolean,
): AsyncGenerator<T, void> {
  let heardAtMs = steadyMs();
  for (let waitMs = backoffMs; ; waitMs = Math.min(waitMs * 2, backoffMaxMs)) {
    try {
      for await (const value of read()) {
        heardAtMs = steadyMs();
        waitMs = backoffMs;
        yield value;
        if (isLast(value)) return;
      }
    } catch (error) {
      // The caller has left: that is no silence of the coordinator.
      signal?.throwIfAborted();
      const mayRetry = error instanceof ClusterError && error.code === "unavailable";
      if (!mayRetry || steadyMs() - heardAtMs > patienceMs) throw error;
      onAway?.();
    }
    signal?.throwIfAborted();
    await delay(waitMs, null, signal === undefined ? {} : { signal });
  }
}
