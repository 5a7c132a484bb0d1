/** A clock that moves only when a test moves it. */
import type { Timers } from "../loop/timers.ts";

type Armed = { readonly atMs: number; readonly fire: () => void };

export class ManualTimers implements Timers {
  #wallMs: number;
  #monotonicMs = 0;
  readonly #armed = new Set<Armed>();

  constructor(wallMs = 1_000_000) {
    this.#wallMs = wallMs;
  }

  wallMs(): number {
    return this.#wallMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  after(delayMs: number, fire: () => void): () => void {
    const armed = { atMs: this.#monotonicMs + delayMs, fire };
    this.#armed.add(armed);
    return () => void this.#armed.delete(armed);
  }

  soon(fire: () => void): void {
    queueMicrotask(fire);
  }

  /** Sets the wall clock; the monotonic clock does not change. */
  setWallMs(wallMs: number): void {
    this.#wallMs = wallMs;
  }

  /** Fires what becomes due within `ms`, each at its own time. */
  pass(ms: number): void {
    const untilMs = this.#monotonicMs + ms;
    for (;;) {
      const [next] = [...this.#armed].sort((a, b) => a.atMs - b.atMs);
      if (next === undefined || next.atMs > untilMs) break;
      this.#armed.delete(next);
      this.#monotonicMs = Math.max(this.#monotonicMs, next.atMs);
      next.fire();
    }
    this.#monotonicMs = untilMs;
  }

  /** A pause of the whole process: time has passed, and timers that were due fire late, all at
   *  once. */
  freeze(ms: number): void {
    this.#monotonicMs += ms;
    this.pass(0);
  }

  /** Lets promises settle that need no time. */
  async settle(): Promise<void> {
    for (let n = 0; n < 3; n++) await new Promise((resolve) => setImmediate(resolve));
  }
}
