/** Keeps slots to the share of the time that is lent: what a task did not rest while it ran, its
 *  slot rests after it. */

/** A slot, as far as this goes. */
type Slot = {
  /** How long the task at hand has stood still, ms. */
  readonly restedMs: number;
};

/** A slot rests no longer between two tasks, ms; what it owes beyond is due after the next. */
const restMaxMs = 60_000;
/** What it may owe at most, ms: a slot does not rest for hours because one task took an hour. */
const owedMaxMs = 5 * 60_000;

export class Rests {
  #share = 1;
  readonly #owedMs = new WeakMap<Slot, number>();
  readonly #wakes = new Set<() => void>();

  /** Of the time, how much slots may compute; above 0 to 1. */
  get share(): number {
    return this.#share;
  }

  /** When the share grows, slots that rest stop waiting: that rest was owed at the lower share. */
  lend(share: number): void {
    const isMore = share > this.#share;
    this.#share = share;
    if (!isMore) return;
    for (const wake of this.#wakes) wake();
  }

  /** A task ran for `tookMs`, of which it rested as long as `slot.restedMs` says. */
  ran(slot: Slot, tookMs: number): void {
    const restedMs = Math.min(slot.restedMs, tookMs);
    const dueMs = ((tookMs - restedMs) * (1 - this.#share)) / this.#share;
    const owedMs = (this.#owedMs.get(slot) ?? 0) + dueMs - restedMs;
    this.#owedMs.set(slot, Math.min(owedMaxMs, Math.max(0, owedMs)));
  }

  /** Resolves when the slot may compute again. */
  async rest(slot: Slot): Promise<void> {
    const owedMs = this.#owedMs.get(slot) ?? 0;
    const ms = Math.min(restMaxMs, owedMs);
    if (ms === 0) return;
    this.#owedMs.set(slot, owedMs - ms);
    await new Promise<void>((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#wakes.delete(wake);
        this.#owedMs.delete(slot);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#wakes.delete(wake);
        resolve();
      }, ms);
      this.#wakes.add(wake);
    });
  }
}
