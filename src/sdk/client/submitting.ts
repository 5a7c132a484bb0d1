/** Submits once, however often that is tried: while the coordinator is unavailable the same is sent
 *  again, under the same idempotency key. */
import { setTimeout as delay } from "node:timers/promises";
import { ClusterError } from "../../core/error.ts";
import type { Submit } from "../../wire/api/messages.ts";

/** How long it goes on trying, in ms. */
const patienceMs = 15_000;
const backoffMs = 100;
const backoffMaxMs = 2_000;

export async function submitting<T>(
  submission: Submit,
  send: (submission: Submit) => Promise<T>,
): Promise<T> {
  const giveUpAtMs = performance.now() + patienceMs;
  for (let waitMs = backoffMs; ; waitMs = Math.min(waitMs * 2, backoffMaxMs)) {
    try {
      return await send(submission);
    } catch (error) {
      const mayRetry = error instanceof ClusterError && error.code === "unavailable";
      if (!mayRetry || performance.now() + waitMs > giveUpAtMs) throw error;
    }
    await delay(waitMs);
  }
}
