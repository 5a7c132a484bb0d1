/** Which addresses could not be reached lately, so that a black hole costs one wait and not one for
 *  each job. Pure: the caller dials, and says what came of it. */

/** An address that could not be reached. */
type Away = {
  readonly why: string;
  readonly sinceMs: number;
  /** In a row. */
  readonly failures: number;
  /** From then on it may be tried again, beside the work. */
  readonly againAtMs: number;
};

export type AwayAddress = {
  readonly address: string;
  readonly why: string;
  readonly sinceMs: number;
};

/** After the first failure it is left for so long, ms; twice as long after each further one. */
const leaveMs = 30_000;
const leaveMaxMs = 600_000;
/** Addresses that are remembered; the oldest is forgotten first. */
const addressesMax = 1_000;

export class Reach {
  readonly #away = new Map<string, Away>();

  /** Why it is not to be waited for, or null. */
  away(address: string): string | null {
    return this.#away.get(address)?.why ?? null;
  }

  /** Whether one that is away is to be tried again, beside the work; true once for each time. */
  mayTry(address: string, nowMs: number): boolean {
    const known = this.#away.get(address);
    if (known === undefined || nowMs < known.againAtMs) return false;
    this.#away.set(address, { ...known, againAtMs: nowMs + leaveOf(known.failures) });
    return true;
  }

  reached(address: string): void {
    this.#away.delete(address);
  }

  failed(address: string, why: string, nowMs: number): void {
    const known = this.#away.get(address);
    const failures = (known?.failures ?? 0) + 1;
    this.#away.delete(address);
    const [oldest] = this.#away.keys();
    if (this.#away.size >= addressesMax && oldest !== undefined) this.#away.delete(oldest);
    this.#away.set(address, {
      why,
      sinceMs: known?.sinceMs ?? nowMs,
      failures,
      againAtMs: nowMs + leaveOf(failures),
    });
  }

  list(): AwayAddress[] {
    return [...this.#away].map(([address, { sinceMs, why }]) => ({ address, why, sinceMs }));
  }
}

function leaveOf(failures: number): number {
  return Math.min(leaveMaxMs, leaveMs * 2 ** Math.min(10, failures - 1));
}
