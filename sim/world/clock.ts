/** Time of a simulated world: it moves only from one event to the next, and only when all promises
 *  have settled. */
import { rest, turn } from "./host.ts";

/** A process, as far as the clock uses it. */
export interface Owner {
  readonly name: string;
  /** False when the event does not happen now: later, or never. */
  take(entry: Entry): boolean;
}

export type Entry = {
  readonly atMs: number;
  readonly order: number;
  /** The process in which it happens; null = it does not depend on a process. */
  readonly owner: Owner | null;
  /** Null once it is cancelled. */
  fire: (() => void) | null;
};

/** Limit on the events at one moment: more are an endless loop. */
const sameMomentMax = 20_000;

/** Events between two turns of the platform's loop, which reports unhandled rejections then. */
const turnEvery = 256;

export class SimClock {
  nowMs = 0;
  /** Events that have happened. */
  count = 0;
  /** Called after each event, when all promises have settled again. */
  onEvent: () => void = () => {};
  readonly #heap: Entry[] = [];
  #order = 0;
  #stopped = false;
  #sameMoment = 0;

  at(atMs: number, owner: Owner | null, fire: () => void): Entry {
    const entry = { atMs: Math.max(atMs, this.nowMs), order: this.#order++, owner, fire };
    this.#insert(entry);
    return entry;
  }

  after(delayMs: number, owner: Owner | null, fire: () => void): Entry {
    return this.at(this.nowMs + delayMs, owner, fire);
  }

  /** Ends `run` after the event that is happening now. */
  stop(): void {
    this.#stopped = true;
  }

  /** Runs everything that is due until then. An error ends it. */
  async run(untilMs: number): Promise<void> {
    this.#stopped = false;
    while (!this.#stopped) {
      const first = this.#heap[0];
      if (first === undefined || first.atMs > untilMs) break;
      this.#takeFirst();
      const { fire, owner } = first;
      if (fire === null) continue;
      this.#sameMoment = first.atMs > this.nowMs ? 0 : this.#sameMoment + 1;
      this.nowMs = first.atMs;
      if (this.#sameMoment > sameMomentMax) {
        const who = owner?.name ?? "the world";
        throw new Error(`L: ${who} spins: ${sameMomentMax} events without time passing`);
      }
      if (owner === null) fire();
      else if (!owner.take(first)) continue;
      this.count += 1;
      await (this.count % turnEvery === 0 ? turn() : rest());
      this.onEvent();
    }
    await turn();
    if (!this.#stopped) this.nowMs = Math.max(this.nowMs, untilMs);
  }

  #insert(entry: Entry): void {
    this.#rise(entry, this.#heap.push(entry) - 1);
  }

  /** Places the entry there or above. */
  #rise(entry: Entry, from: number): void {
    const heap = this.#heap;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(entry, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  #takeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    const { length } = heap;
    if (length === 0) return;
    // The gap moves all the way down, and the last entry rises from there: it nearly always stays,
    // so this takes half the comparisons of sinking it.
    let at = 0;
    for (let child = 1; child < length; child = at * 2 + 1) {
      if (child + 1 < length && before(heap[child + 1]!, heap[child]!)) child += 1;
      heap[at] = heap[child]!;
      at = child;
    }
    this.#rise(last, at);
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
