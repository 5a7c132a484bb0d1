/** Attempts in columns, one lane for each worker and slot: what a timeline draws. Grows as attempts
 *  end. */
import { type Attempts, attemptNumbers } from "../../wire/api/attempts.ts";

/** Lanes of one worker at most; further overlapping bars share the last one. */
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
  running: Bar[] = [];
  readonly tally: Tally = { done: 0, failed: 0, lost: 0, stopped: 0, backups: 0 };
  /** Times of the first and the last event, ms since the origin. */
  lastMs = 0;
  originMs = 0;
  partial = false;
  /** Grows with every change. */
  version = 0;
  #next = 0;
  #workers = new Map<number, Lane[]>();

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
    for (let at = 0; at < answer.ended.length; at += attemptNumbers) {
      this.#add(barOf(answer.ended, at));
    }
    this.running = [];
    for (let at = 0; at < answer.running.length; at += attemptNumbers) {
      const bar = barOf(answer.running, at);
      this.running.push(bar);
      this.lastMs = Math.max(this.lastMs, bar.fromMs + bar.lengthMs);
      if (!this.#workers.has(bar.worker)) this.#lanesOf(bar.worker);
    }
    this.version++;
  }

  get workerCount(): number {
    return this.#workers.size;
  }

  *bars(): Generator<Bar, void> {
    for (const lane of this.lanes) for (let at = 0; at < lane.count; at++) yield lane.bar(at);
  }

  /** The lane in which a running bar would be drawn. */
  laneOfRunning(bar: Bar): Lane | undefined {
    const lanes = this.#workers.get(bar.worker) ?? [];
    return lanes.find((lane) => lane.lastMs <= bar.fromMs + 1) ?? lanes.at(-1);
  }

  #clear(): void {
    this.lanes = [];
    this.#workers.clear();
    this.#next = 0;
    this.lastMs = 0;
    Object.assign(this.tally, { done: 0, failed: 0, lost: 0, stopped: 0, backups: 0 });
  }

  #add(bar: Bar): void {
    const lanes = this.#lanesOf(bar.worker);
    // Bars come in the order of their ends: take the fullest lane that is free at its start.
    let best: Lane | null = null;
    for (const lane of lanes) {
      if (lane.lastMs <= bar.fromMs + 1 && (best === null || lane.lastMs > best.lastMs)) {
        best = lane;
      }
    }
    if (best === null && lanes.length < lanesPerWorker) best = this.#newLane(bar.worker, lanes);
    (best ?? (lanes.at(-1) as Lane)).add(bar);
    this.lastMs = Math.max(this.lastMs, bar.fromMs + bar.lengthMs);
    const { tally } = this;
    if (bar.outcome === outcomeDone) tally.done++;
    else if (bar.outcome === outcomeFailed) tally.failed++;
    else if (bar.outcome === outcomeLost) tally.lost++;
    else tally.stopped++;
    if (bar.backup) tally.backups++;
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

function barOf(numbers: readonly number[], at: number): Bar {
  const [stage, task, attempt, worker, fromMs, lengthMs, last] = numbers.slice(
    at,
    at + attemptNumbers,
  ) as [number, number, number, number, number, number, number];
  const backup = (last & backupBit) !== 0;
  return { stage, task, attempt, worker, fromMs, lengthMs, outcome: last & 7, backup };
}
