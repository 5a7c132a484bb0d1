/** One writer of a file at a time. Readers need no lock: they read the blob that the name stood for
 *  when they began, so readers and writers never delay each other. */

type Waiter = () => void;

export class Locks {
  readonly #held = new Map<string, Set<Waiter>>();

  /** Null while another call writes it. The returned function unlocks it; it may be called
   *  twice. */
  take(name: string): (() => void) | null {
    if (this.#held.has(name)) return null;
    const waiters = new Set<Waiter>();
    this.#held.set(name, waiters);
    return () => {
      if (this.#held.get(name) !== waiters) return;
      this.#held.delete(name);
      for (const wake of waiters) wake();
    };
  }

  isHeld(name: string): boolean {
    return this.#held.has(name);
  }

  /** Whether any file of the job is being written. */
  isHeldBelow(job: string): boolean {
    return [...this.#held.keys()].some((name) => name.startsWith(`${job}/`));
  }

  /** Waits until no call writes it, or for `waitMs`; returns whether it is unlocked now. */
  async free(name: string, waitMs: number): Promise<boolean> {
    const endMs = performance.now() + waitMs;
    for (;;) {
      const waiters = this.#held.get(name);
      if (waiters === undefined) return true;
      const leftMs = endMs - performance.now();
      if (leftMs <= 0) return false;
      await new Promise<void>((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          waiters.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, leftMs);
        waiters.add(wake);
      });
    }
  }

  /** Waits for the lock, then takes it; null when `waitMs` were not enough. */
  async takeWithin(name: string, waitMs: number): Promise<(() => void) | null> {
    const endMs = performance.now() + waitMs;
    for (;;) {
      const release = this.take(name);
      if (release !== null) return release;
      if (!(await this.free(name, endMs - performance.now()))) return null;
    }
  }
}
