/** A transfer over a line that may be cut: each part of it is tried again while the coordinator is
 *  unavailable, as long as something has moved not too long ago. */
import { setTimeout as delay } from "node:timers/promises";
import { ClusterError } from "../../core/error.ts";
import { steadyMs } from "../../environment/steady.ts";

export type TransferOptions = {
  /** Ends it; its reason is thrown. What has arrived at the coordinator stays there. */
  readonly signal?: AbortSignal;
  /** Called with the bytes that have arrived since the last call; below 0 when some have to be sent
   *  again. */
  readonly onBytes?: (bytes: number) => void;
  /** Called when the line is found cut, and when it is not any more. */
  readonly onAway?: (isAway: boolean) => void;
  /** How long nothing may move before it is given up with `unavailable`, ms; default 60,000. */
  readonly patienceMs?: number;
};

const backoffMs = 100;
const backoffMaxMs = 2_000;

export class Patience {
  readonly #options: TransferOptions;
  #movedAtMs = steadyMs();
  #isAway = false;

  constructor(options: TransferOptions) {
    this.#options = options;
  }

  /** Something has arrived. */
  moved(): void {
    this.#movedAtMs = steadyMs();
    if (this.#isAway) this.#options.onAway?.(false);
    this.#isAway = false;
  }

  /** Resolves when it is time to try again; throws what is no cut, or lasts too long. */
  async pause(error: unknown, tries: number): Promise<void> {
    const { onAway, patienceMs = 60_000, signal } = this.#options;
    signal?.throwIfAborted();
    const mayRetry = error instanceof ClusterError && error.code === "unavailable";
    if (!mayRetry || steadyMs() - this.#movedAtMs > patienceMs) throw error;
    if (!this.#isAway) onAway?.(true);
    this.#isAway = true;
    const waitMs = Math.min(backoffMaxMs, backoffMs * 2 ** Math.min(tries, 5));
    await delay(waitMs, null, signal === undefined ? {} : { signal }).catch(() => {});
    signal?.throwIfAborted();
  }

  /** What `work` resolves with, tried as often as that makes sense. */
  async until<T>(work: () => Promise<T>): Promise<T> {
    for (let tries = 0; ; tries++) {
      try {
        const result = await work();
        this.moved();
        return result;
      } catch (error) {
        await this.pause(error, tries);
      }
    }
  }
}
