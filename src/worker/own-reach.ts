/** Whether the coordinator can connect to this worker's address. Where it cannot, because of NAT or
 *  a firewall, it could not pass outputs on to workers that cannot connect either: so they are left
 *  with it as well, and workers nearby still read them here. */
/** Rejects when the coordinator cannot say. */
export type AskReach = (signal: AbortSignal) => Promise<boolean>;

/** For the question and its answer, ms. */
const answerMs = 10_000;

export class OwnReach {
  readonly #ask: AskReach | null;
  #isReached: Promise<boolean> = Promise.resolve(true);

  /** `ask` null: it has no address. */
  constructor(ask: AskReach | null) {
    this.#ask = ask;
  }

  /** To be called at each join: it may be from another network. */
  look(): void {
    if (this.#ask === null) return;
    const before = this.#isReached;
    // An older coordinator has no such call.
    this.#isReached = this.#ask(AbortSignal.timeout(answerMs)).catch(() => before);
  }

  /** Whether outputs are to be left with the coordinator, too. */
  async leavesOutputs(): Promise<boolean> {
    return this.#ask === null || !(await this.#isReached);
  }
}
