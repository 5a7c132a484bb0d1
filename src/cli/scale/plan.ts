/** How many workers there should be: pure, from what was seen to a number.
 *
 *  1. Never more than `max`, never fewer than `min`, and never more slots than there are tasks.
 *  2. Up at once; down only to what was wanted at some time within the last `holdMs`, so that a
 *     queue that fills and empties does not start and end workers with each turn.
 *  3. A task whose stage has not been measured counts as `guessMs`. */
import type { JobSummary } from "../../core/summary.ts";

export type ScaleLimits = {
  readonly min: number;
  readonly max: number;
  /** Slots of one worker. */
  readonly slots: number;
  /** What waits is to be done within this, ms. */
  readonly withinMs: number;
  /** Workers are kept for so long after they were wanted last, ms. */
  readonly holdMs: number;
};

export type Load = {
  /** Tasks that may run now, or run: each is worth one slot at most. */
  readonly tasks: number;
  /** Time that those which wait take one slot, ms. */
  readonly waitingMs: number;
  /** Slots of workers that were started by others. */
  readonly otherSlots: number;
};

/** The time of a task of which nothing is known, ms: long enough that a first worker is worth its
 *  start. */
export const guessMs = 10_000;

export function loadOf(jobs: readonly JobSummary[], otherSlots: number): Load {
  let [tasks, waitingMs] = [0, 0];
  for (const { stages, state } of jobs) {
    if (state !== "running") continue;
    for (const { meanMs, ready, running } of stages) {
      tasks += ready + running;
      waitingMs += ready * (meanMs > 0 ? meanMs : guessMs) + (running * meanMs) / 2;
    }
  }
  return { tasks, waitingMs, otherSlots };
}

/** Workers that this load is worth, without regard to what was before. */
export function wantedNow({ otherSlots, tasks, waitingMs }: Load, limits: ScaleLimits): number {
  const { max, min, slots, withinMs } = limits;
  const enough = Math.min(waitingMs / withinMs, tasks);
  // Something waits: others may be busy with what they have, however many slots they have.
  const least = tasks > otherSlots ? 1 : 0;
  const own = Math.max(least, Math.ceil((enough - otherSlots) / slots));
  const useful = Math.ceil(Math.max(0, tasks - otherSlots) / slots);
  return Math.max(min, Math.min(max, own, Math.max(least, useful)));
}

type Wanted = { readonly atMs: number; readonly count: number };

export class ScalePlan {
  readonly #limits: ScaleLimits;
  /** The newest is last; counts fall, since an earlier one that is not higher no longer matters. */
  #wanted: Wanted[] = [];

  constructor(limits: ScaleLimits) {
    this.#limits = limits;
  }

  /** `atMs` never falls. */
  decide(load: Load, atMs: number): number {
    const count = wantedNow(load, this.#limits);
    const kept = this.#wanted.filter(
      (one) => one.count > count && atMs - one.atMs <= this.#limits.holdMs,
    );
    this.#wanted = [...kept, { atMs, count }];
    return this.#wanted[0]?.count ?? count;
  }
}
