/** Keeps a lease: performs what core/lease.ts decides, on a register and the clock of this
 *  machine. */
import { ClusterError } from "../core/error.ts";
import {
  holdsLease,
  type LeaseEffect,
  type LeaseEntry,
  type LeaseEvent,
  type LeaseRules,
  type LeaseState,
  newLease,
  nextLeaseWakeMs,
  stepLease,
} from "../core/lease.ts";
import type { LeaseRegister } from "./engine.ts";

export type LeaseTimers = {
  monotonicMs(): number;
  wallMs(): number;
  after(delayMs: number, fire: () => void): () => void;
};

export type LeaseKeeperOptions = {
  readonly register: LeaseRegister;
  /** Id of this node, the same at each of its starts. */
  readonly self: string;
  readonly note: string;
  readonly rules: LeaseRules;
  readonly timers: LeaseTimers;
  /** For messages. */
  readonly name: string;
};

type Untimed<E> = E extends LeaseEvent ? Omit<E, "atMs"> : never;

export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions;
  readonly #state: LeaseState;
  readonly #leading = Promise.withResolvers<void>();
  readonly #lost = Promise.withResolvers<ClusterError>();
  readonly #released = Promise.withResolvers<void>();
  /** By the wall clock, when the newest successful renewal was sent: the monotonic clock may stand
   *  still while the machine sleeps. */
  #renewedAtWallMs = 0;
  #cancelTimer = () => {};
  #isStopped = false;

  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
    this.#state = newLease(options.self, options.note, options.rules);
    // It may be rejected before it is awaited.
    this.#leading.promise.catch(() => {});
    this.#post({ kind: "time-passed" });
  }

  /** Resolves when this node leads. Rejects with `conflict` when another node does and this one is
   *  no standby, and with `unavailable` when it was released before. */
  get leading(): Promise<void> {
    return this.#leading.promise;
  }

  /** Resolves with the reason when another node has taken over. */
  get lost(): Promise<ClusterError> {
    return this.#lost.promise;
  }

  /** The entry that was seen last. */
  get entry(): LeaseEntry | null {
    return this.#state.entry;
  }

  /** The note of this node from the next renewal on. */
  set note(text: string) {
    this.#state.note = text;
  }

  /** Whether no other node can lead now. */
  holds(): boolean {
    const { rules, timers } = this.#options;
    const wallMs = timers.wallMs() - this.#renewedAtWallMs;
    return wallMs < rules.leaseMs && holdsLease(this.#state, timers.monotonicMs());
  }

  /** Gives it up, so that another node leads at once. Resolves after `limitMs` at the latest. */
  async release(limitMs: number): Promise<void> {
    this.#post({ kind: "release-asked" });
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#options.timers.after(limitMs, resolve);
    await Promise.race([this.#released.promise, this.#lost.promise, promise]);
    cancel();
  }

  /** Renews it no more; the lease runs out by itself. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelTimer();
    await this.#options.register.close();
  }

  #post(event: Untimed<LeaseEvent>): void {
    if (this.#isStopped) return;
    const atMs = this.#options.timers.monotonicMs();
    for (const effect of stepLease(this.#state, { ...event, atMs } as LeaseEvent)) {
      this.#perform(effect);
    }
    this.#arm();
  }

  #arm(): void {
    this.#cancelTimer();
    const { timers } = this.#options;
    const wakeMs = nextLeaseWakeMs(this.#state);
    if (wakeMs === Infinity || this.#isStopped) return;
    const delayMs = Math.max(1, wakeMs - timers.monotonicMs());
    this.#cancelTimer = timers.after(delayMs, () => this.#post({ kind: "time-passed" }));
  }

  #perform(effect: LeaseEffect): void {
    switch (effect.kind) {
      case "read":
        void this.#read();
        break;
      case "swap":
        void this.#swap(effect.expected, effect.next);
        break;
      case "lead":
        this.#leading.resolve();
        break;
      case "released":
        this.#released.resolve();
        this.#leading.reject(new ClusterError("unavailable", "the lease was given up"));
        break;
      case "refused":
        this.#leading.reject(this.#refusal(effect.by));
        break;
      case "deposed": {
        const by = effect.by === null ? "the lease is gone" : `now ${noteText(effect.by)} leads`;
        const text = `${this.#options.name}: this coordinator was replaced, ${by}`;
        this.#lost.resolve(new ClusterError("fenced", text));
      }
    }
  }

  #refusal(by: LeaseEntry): ClusterError {
    const text = `${this.#options.name} has a leader, ${noteText(by)}: stop that one first`;
    return new ClusterError("conflict", `${text}, or wait beside it with --standby`);
  }

  async #read(): Promise<void> {
    try {
      const entry = await this.#options.register.read();
      this.#post({ kind: "read", entry });
    } catch {
      this.#post({ kind: "failed" });
    }
  }

  async #swap(expected: LeaseEntry | null, next: LeaseEntry): Promise<void> {
    const { register, timers } = this.#options;
    const sentAtMs = timers.monotonicMs();
    const sentAtWallMs = timers.wallMs();
    try {
      const isDone = await register.swap(expected, next);
      if (isDone) this.#renewedAtWallMs = sentAtWallMs;
      this.#post({ kind: "swapped", isDone, sentAtMs });
    } catch {
      this.#post({ kind: "failed" });
    }
  }
}

/** What the holder says of itself, or its id. */
function noteText({ holder, note }: LeaseEntry): string {
  return note === "" ? holder : note;
}
