/** Counts wrong tokens per address, so that guessing is throttled; valid tokens are never
 *  delayed. */

export type FailureLimits = {
  /** Failures of one address in one window before it is throttled. */
  readonly failuresMax: number;
  readonly windowMs: number;
  /** Addresses that are kept; above it the oldest is evicted. */
  readonly addressesMax: number;
};

export const defaultFailureLimits: FailureLimits = {
  failuresMax: 30,
  windowMs: 60_000,
  addressesMax: 10_000,
};

export class FailureCounter {
  readonly #limits: FailureLimits;
  readonly #windows = new Map<string, { sinceMs: number; failures: number }>();

  constructor(limits: FailureLimits) {
    this.#limits = limits;
  }

  /** Records a failure; true when the address has had too many. */
  failed(address: string, atMs: number): boolean {
    const { addressesMax, failuresMax, windowMs } = this.#limits;
    let window = this.#windows.get(address);
    if (window === undefined || atMs - window.sinceMs >= windowMs) {
      window = { sinceMs: atMs, failures: 0 };
      this.#windows.delete(address);
      this.#windows.set(address, window);
    }
    if (this.#windows.size > addressesMax) {
      const oldest = this.#windows.keys().next();
      if (!oldest.done) this.#windows.delete(oldest.value);
    }
    window.failures += 1;
    return window.failures > failuresMax;
  }
}
