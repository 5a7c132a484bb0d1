/** A process of the simulated world: its due events wait while it is paused, and never happen once
 *  it is dead. Between two events a process does nothing, so a crash can come between any two of
 *  them. */
import type { Entry, Owner, SimClock } from "./clock.ts";

export type Life = "up" | "paused" | "dead";

export class SimProcess implements Owner {
  /** Name of the machine, kept over restarts: network cuts refer to it. */
  readonly name: string;
  readonly clock: SimClock;
  life: Life = "up";
  /** When it last resumed after a pause, ms. */
  resumedAtMs = Number.NEGATIVE_INFINITY;
  /** Called once, when it dies. `said`: the machine stays up and closes its connections. */
  readonly onDeath: Array<(said: boolean) => void> = [];
  #held: Entry[] = [];
  #wallSkewMs: number;

  constructor(name: string, clock: SimClock, wallSkewMs = 0) {
    this.name = name;
    this.clock = clock;
    this.#wallSkewMs = wallSkewMs;
  }

  get up(): boolean {
    return this.life === "up";
  }

  // The ports of the loops: `Timers` of the coordinator, `WorkerTimers` of the worker.

  wallMs(): number {
    return Math.floor(1_700_000_000_000 + this.clock.nowMs + this.#wallSkewMs);
  }

  monotonicMs(): number {
    return this.clock.nowMs;
  }

  after(delayMs: number, fire: () => void): () => void {
    const entry = this.clock.after(Math.max(0, delayMs), this, fire);
    return () => {
      entry.fire = null;
    };
  }

  soon(fire: () => void): void {
    this.clock.after(0, this, fire);
  }

  /** Never resolves in a process that dies before. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  take(entry: Entry): boolean {
    if (this.life === "up") {
      entry.fire!();
      return true;
    }
    if (this.life === "paused") this.#held.push(entry);
    return false;
  }

  pause(): void {
    if (this.life === "up") this.life = "paused";
  }

  resume(): void {
    if (this.life !== "paused") return;
    this.life = "up";
    this.resumedAtMs = this.clock.nowMs;
    const held = this.#held;
    this.#held = [];
    for (const entry of held) {
      // By then it may have been cancelled by an earlier one.
      this.clock.after(0, this, () => entry.fire?.());
    }
  }

  /** kill -9 when `said`; else the machine loses its power. */
  kill(said: boolean): void {
    if (this.life === "dead") return;
    this.life = "dead";
    this.#held = [];
    for (const tell of this.onDeath) tell(said);
  }
}
