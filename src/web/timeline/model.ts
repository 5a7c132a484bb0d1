/** Attempts in columns, one lane for each slot of each worker: what a timeline draws. Grows as
 *  attempts end. */
import { type Attempts, attemptNumbers } from "../../wire/api/attempts.ts";

/** Lanes of a worker whose slots are not known, and of one with more slots: further bars that
 *  overlap share a lane. */
const lanesPerWorker = 64;
/** An index into attemptOutcomes, + 8 for a backup. */
export const outcomeRunning = 0;
export const outcomeDone = 1;
export const outcomeFailed = 2;
export const outcomeLost = 3;
export const outcomeStopped = 4;
export const backupBit = 8;

export type Bar = {
  readonly worker: number;
  readonly stage: number;
  readonly task: number;
  readonly attempt: number;
  readonly fromMs: number;
  readonly lengthMs: number;
  readonly outcome: number;
  readonly backup: boolean;
};

export class Lane {
  readonly worker: number;
  count = 0;
  /** Ends of the newest bar, ms. */
  lastMs = 0;
  from = new Float64Array(64);
  length = new Float64Array(64);
  /** Stage × 16 + outcome, with the backup's bit. */
  look = new Uint8Array(64);
  task = new Uint32Array(64);
  attempt = new Uint32Array(64);

  constructor(worker: number) {
    this.worker = worker;
  }

  add(bar: Bar): void {
    if (this.count === this.from.length) this.#grow();
    const at = this.count++;
    this.from[at] = bar.fromMs;
    this.length[at] = bar.lengthMs;
    this.look[at] = bar.stage * 16 + bar.outcome + (bar.backup ? backupBit : 0);
    this.task[at] = bar.task;
    this.attempt[at] = bar.attempt;
    this.lastMs = Math.max(this.lastMs, bar.fromMs + bar.lengthMs);
  }

  bar(at: number): Bar {
    const look = this.look[at] as number;
    return {
      worker: this.worker,
      stage: look >> 4,
      task: this.task[at] as number,
      attempt: this.attempt[at] as number,
      fromMs: this.from[at] as number,
      lengthMs: this.length[at] as number,
      outcome: look & 7,
      backup: (look & backupBit) !== 0,
    };
  }

  #grow(): void {
    const room = this.count * 2;
    this.from = copied(new Float64Array(room), this.from);
    this.length = copied(new Float64Array(room), this.length);
    this.look = copied(new Uint8Array(room), this.look);
    this.task = copied(new Uint32Array(room), this.task);
    this.attempt = copied(new Uint32Array(room), this.attempt);
  }
}

function copied<A extends { set(from: A): void }>(to: A, from: A): A {
  to.set(from);
  return to;
}

export type Tally = {
  done: number;
  failed: number;
  lost: number;
  stopped: number;
  backups: number;
};

export class TimelineModel {
  /** In the order of workers. */
  lanes: Lane[] = [];
  /** Those that are in a slot, each with its lane, and how many wait at their workers. */
  running: Array<{ readonly bar: Bar; readonly lane: Lane }> = [];
  waitingCount = 0;
  readonly tally: Tally = { done: 0, failed: 0, lost: 0, stopped: 0, backups: 0 };
  /** Times of the first and the last event, ms since the origin. */
  lastMs = 0;
  originMs = 0;
  partial = false;
  /** Grows with every change. */
  version = 0;
  #next = 0;
  #workers = new Map<number, Lane[]>();
  readonly #slots = new Map<number, number>();

  /** The next value for `?after=`. */
  get next(): number {
    return this.#next;
  }

  take(answer: Attempts): void {
    // The coordinator was restarted and counts from the start again.
    if (answer.next < this.#next || answer.originMs !== this.originMs) this.#clear();
    this.originMs = answer.originMs;
    this.partial = answer.partial;
    this.#next = answer.next;
    this.#know(answer.slots ?? []);
    let batch: Bar[] = [];
    for (let at = 0; at < answer.ended.length; at += attemptNumbers) {
      const bar = barOf(answer.ended, at);
      if (batch[0] !== undefined && !isOfBatch(batch[0], bar)) {
        this.#place(batch);
        batch = [];
      }
      batch.push(bar);
    }
    this.#place(batch);
    this.#takeRunning(answer.running);
    this.version++;
  }

  get workerCount(): number {
    return this.#workers.size;
  }

  *bars(): Generator<Bar, void> {
    for (const lane of this.lanes) for (let at = 0; at < lane.count; at++) yield lane.bar(at);
  }

  #know(slots: readonly number[]): void {
    for (let at = 0; at < slots.length; at += 2) {
      this.#slots.set(slots[at] as number, slots[at + 1] as number);
    }
  }

  #clear(): void {
    this.lanes = [];
    this.#workers.clear();
    this.#next = 0;
    this.lastMs = 0;
    Object.assign(this.tally, { done: 0, failed: 0, lost: 0, stopped: 0, backups: 0 });
  }

  /** Bars of one report: all have its time as their end, and most ended one after the other. They
   *  are moved back so that no two are in one slot at the same time. */
  #place(batch: readonly Bar[]): void {
    const [first] = batch;
    if (first === undefined) return;
    if (batch.length === 1) {
      const lane = this.#laneFor(first);
      // What was lost may have waited at its worker, behind others.
      const fromMs = hasRun(first) ? first.fromMs : Math.max(first.fromMs, lane.lastMs);
      this.#add(lane, { ...first, fromMs, lengthMs: Math.max(0, endOf(first) - fromMs) });
      return;
    }
    const lanes = this.#lanesOf(first.worker);
    const wanted = Math.min(this.#laneMax(first.worker), batch.length);
    while (lanes.length < wanted) this.#newLane(first.worker, lanes);
    const placed = lanes.map((lane) => ({ lane, freeMs: endOf(first), bars: [] as Bar[] }));
    for (const bar of batch.toReversed()) {
      let on = placed[0] as (typeof placed)[number];
      for (const one of placed) if (one.freeMs > on.freeMs) on = one;
      const fromMs = Math.max(0, on.freeMs - bar.lengthMs);
      on.bars.push({ ...bar, fromMs });
      on.freeMs = fromMs;
    }
    for (const { bars, lane } of placed) {
      for (const bar of bars.toReversed()) this.#add(lane, bar);
    }
  }

  /** Bars come in the order of their ends: the fullest lane that is free at its start. */
  #laneFor(bar: Bar): Lane {
    const lanes = this.#lanesOf(bar.worker);
    let free: Lane | null = null;
    let least = lanes[0] as Lane;
    for (const lane of lanes) {
      if (lane.lastMs < least.lastMs) least = lane;
      if (lane.lastMs > bar.fromMs + 1) continue;
      if (free === null || lane.lastMs > free.lastMs) free = lane;
    }
    if (free !== null) return free;
    return lanes.length < this.#laneMax(bar.worker) ? this.#newLane(bar.worker, lanes) : least;
  }

  #laneMax(worker: number): number {
    return Math.max(1, Math.min(lanesPerWorker, this.#slots.get(worker) ?? lanesPerWorker));
  }

  #add(lane: Lane, bar: Bar): void {
    lane.add(bar);
    this.lastMs = Math.max(this.lastMs, endOf(bar));
    const { tally } = this;
    if (bar.outcome === outcomeDone) tally.done++;
    else if (bar.outcome === outcomeFailed) tally.failed++;
    else if (bar.outcome === outcomeLost) tally.lost++;
    else tally.stopped++;
    if (bar.backup) tally.backups++;
  }

  /** In the order of their assignment: as many as a worker has slots run, the others wait. */
  #takeRunning(numbers: readonly number[]): void {
    this.running = [];
    this.waitingCount = 0;
    const taken = new Map<number, number>();
    for (let at = 0; at < numbers.length; at += attemptNumbers) {
      const bar = barOf(numbers, at);
      this.lastMs = Math.max(this.lastMs, endOf(bar));
      const lanes = this.#lanesOf(bar.worker);
      const index = taken.get(bar.worker) ?? 0;
      if (index >= this.#laneMax(bar.worker)) {
        this.waitingCount++;
        continue;
      }
      taken.set(bar.worker, index + 1);
      if (lanes.length <= index) this.#newLane(bar.worker, lanes);
      const lane = lanes[index] as Lane;
      // It began when the one before it in its slot had ended.
      const fromMs = Math.min(endOf(bar), Math.max(bar.fromMs, lane.lastMs));
      this.running.push({ bar: { ...bar, fromMs, lengthMs: endOf(bar) - fromMs }, lane });
    }
  }

  #lanesOf(worker: number): Lane[] {
    let lanes = this.#workers.get(worker);
    if (lanes === undefined) {
      lanes = [];
      this.#workers.set(worker, lanes);
      this.#newLane(worker, lanes);
    }
    return lanes;
  }

  #newLane(worker: number, lanes: Lane[]): Lane {
    const lane = new Lane(worker);
    lanes.push(lane);
    this.lanes.push(lane);
    this.lanes.sort((a, b) => a.worker - b.worker);
    return lane;
  }
}

function endOf({ fromMs, lengthMs }: Bar): number {
  return fromMs + lengthMs;
}

/** To its end, so that its length is its own. */
function hasRun({ outcome }: Bar): boolean {
  return outcome === outcomeDone || outcome === outcomeFailed;
}

function isOfBatch(one: Bar, other: Bar): boolean {
  if (!hasRun(one) || !hasRun(other)) return false;
  return one.worker === other.worker && endOf(one) === endOf(other);
}

function barOf(numbers: readonly number[], at: number): Bar {
  const [stage, task, attempt, worker, fromMs, lengthMs, last] = numbers.slice(
    at,
    at + attemptNumbers,
  ) as [number, number, number, number, number, number, number];
  const backup = (last & backupBit) !== 0;
  return { stage, task, attempt, worker, fromMs, lengthMs, outcome: last & 7, backup };
}
