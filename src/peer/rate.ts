/** Holds a stream of bytes to a rate, shared by all who pass. */
import { setTimeout as delay } from "node:timers/promises";

/** Bytes may run ahead of the rate for so long, ms. */
const burstMs = 50;

export class RateLimit {
  readonly #bytesPerS: number;
  /** When all that has passed would have passed at the rate, on the monotonic clock. */
  #dueMs = 0;

  /** Infinity: no limit. */
  constructor(bytesPerS: number) {
    this.#bytesPerS = bytesPerS;
  }

  async pass(sizeBytes: number, signal?: AbortSignal): Promise<void> {
    if (this.#bytesPerS === Number.POSITIVE_INFINITY) return;
    const nowMs = performance.now();
    this.#dueMs = Math.max(this.#dueMs, nowMs - burstMs) + (sizeBytes / this.#bytesPerS) * 1000;
    const waitMs = this.#dueMs - nowMs;
    if (waitMs > 1) await delay(waitMs, undefined, signal === undefined ? {} : { signal });
  }
}
