/** Holds a stream of bytes to a rate that all its users share. */
import { setTimeout as delay } from "node:timers/promises";

/** Bytes may run ahead of the rate for this long, ms. */
const burstMs = 50;

export class RateLimit {
  readonly #bytesPerS: number;
  /** The time, on the monotonic clock, when all bytes so far would have passed at the rate. */
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
