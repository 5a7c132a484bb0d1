/** A replicated engine of a simulated world: the lease's register and the log of one cluster.
 *  Requests and answers travel apart from the processes that wait for them, so a request of a
 *  process that is paused or dead may still be carried out. */
import type { LeaseEntry } from "../../src/core/lease.ts";
import type { Random } from "../../src/core/random.ts";
import type { FollowedLog, LeaseRegister } from "../../src/engine/engine.ts";
import type { Log, LogRecord } from "../../src/store/log/log.ts";
import { emptyLog, openMemoryLog } from "../../src/store/log/memory.ts";
import { fencedLog, trimmedLog } from "../../src/store/log/rules.ts";
import type { SimClock } from "../world/clock.ts";
import type { SimProcess } from "../world/process.ts";

export type SimEngineOptions = {
  readonly clock: SimClock;
  readonly random: Random;
  readonly count: (what: string) => void;
  /** A batch is on a majority of the replicas; `writer` counts the openings of the log. */
  readonly onDurable: (records: readonly LogRecord[], writer: number) => void;
};

/** Of a request about the lease, ms. */
const answerMs = 1_500;
/** A replica is at most so far behind, ms. */
const lagMaxMs = 2_000;
const wayMs = 4;

export class SimEngine {
  readonly contents = emptyLog();
  /** Its leader is gone and there is no new one yet: nothing is carried out. */
  isDown = false;
  /** Factor on the time that a request and its answer travel. */
  slowFactor = 1;
  /** Processes that cannot reach it. */
  readonly cut = new Set<SimProcess>();
  entry: LeaseEntry | null = null;
  writers = 0;
  readonly #options: SimEngineOptions;
  /** Where the log ended, and when; the oldest one is older than any replica. */
  readonly #ends: Array<{ readonly atMs: number; readonly last: number }> = [
    { atMs: -Infinity, last: 0 },
  ];

  constructor(options: SimEngineOptions) {
    this.#options = options;
  }

  lease(process: SimProcess): LeaseRegister {
    return {
      read: () => this.#ask(process, () => this.entry),
      swap: (expected, next) =>
        this.#ask(process, () => {
          const { entry } = this;
          const isExpected = entry?.term === expected?.term && entry?.beat === expected?.beat;
          if (isExpected && (entry === null) === (expected === null)) this.entry = next;
          else return false;
          return true;
        }),
      async close() {},
    };
  }

  /** What some replica has of the log. */
  follow(process: SimProcess): FollowedLog {
    const { contents } = this;
    const last = () => this.#lastOf(this.#options.random.fraction() * lagMaxMs);
    return {
      last: () => this.#ask(process, last),
      loadSnapshot: () => this.#ask(process, () => contents.snapshot),
      read: (after) => this.#records(process, after, last),
      async close() {},
    };
  }

  /** Resolves once the new writer is known to all; the one before is fenced. */
  async openLog(process: SimProcess): Promise<{ readonly log: Log; readonly writer: number }> {
    const opened = await this.#patiently(process, async () => {
      const inner = openMemoryLog(this.contents);
      this.writers += 1;
      return { inner, writer: this.writers, generation: this.contents.generation };
    });
    const { inner, ...own } = opened;
    const log: Log = {
      ...inner,
      append: (records, after) => this.#append(process, { ...own, inner, records, after }),
      saveSnapshot: (...args) => this.#patiently(process, () => inner.saveSnapshot(...args)),
      trim: (position) => this.#patiently(process, () => inner.trim(position)),
      last: () => this.#patiently(process, () => inner.last()),
    };
    return { log, writer: own.writer };
  }

  async #append(process: SimProcess, batch: Batch): Promise<number> {
    const { after, generation, inner, records, writer } = batch;
    let wasStored = false;
    return this.#patiently(process, async () => {
      // The answer to an earlier try was lost.
      if (wasStored) {
        if (this.contents.generation !== generation) throw fencedLog("the log", "taken over");
        return after + records.length;
      }
      const last = await inner.append(records, after);
      wasStored = true;
      const appended = records.map((bytes, index) => ({ position: after + 1 + index, bytes }));
      this.#options.onDurable(appended, writer);
      this.#ends.push({ atMs: this.#options.clock.nowMs, last });
      this.#forgetOld();
      return last;
    });
  }

  async *#records(
    process: SimProcess,
    after: number,
    last: () => number,
  ): AsyncIterable<LogRecord> {
    const found = await this.#ask(process, () => {
      const { records, trimmed } = this.contents;
      if (after < trimmed) throw trimmedLog("the log", trimmed, after + 1);
      return records.slice(after - trimmed, Math.max(0, last() - trimmed));
    });
    let position = after;
    for (const bytes of found) {
      position += 1;
      yield { position, bytes };
    }
  }

  #lastOf(lagMs: number): number {
    const thenMs = this.#options.clock.nowMs - lagMs;
    return this.#ends.findLast(({ atMs }) => atMs <= thenMs)?.last ?? 0;
  }

  #forgetOld(): void {
    const oldMs = this.#options.clock.nowMs - lagMaxMs;
    while ((this.#ends[1]?.atMs ?? Infinity) < oldMs) this.#ends.shift();
  }

  /** Once, within a time limit. */
  #ask<T>(process: SimProcess, work: () => T): Promise<T> {
    const { clock } = this.#options;
    const { promise, reject, resolve } = Promise.withResolvers<T>();
    const late = () => reject(new Error(`the engine has not answered in ${answerMs} ms`));
    const timeout = clock.after(answerMs, process, late);
    void this.#travel(process, async () => work()).then((settle) => {
      timeout.fire = null;
      if (settle.isDone) resolve(settle.value);
      else reject(settle.error);
    });
    return promise;
  }

  /** Again while it cannot be reached, and after an answer that was lost. Never settles in a
   *  process that dies meanwhile. */
  #patiently<T>(process: SimProcess, work: () => Promise<T>): Promise<T> {
    const { clock } = this.#options;
    const { promise, reject, resolve } = Promise.withResolvers<T>();
    let isOver = false;
    const attempt = () => {
      const again = clock.after(answerMs, process, () => attempt());
      void this.#travel(process, work).then((settle) => {
        if (isOver) return;
        isOver = true;
        again.fire = null;
        if (settle.isDone) resolve(settle.value);
        else reject(settle.error);
      });
    };
    attempt();
    return promise;
  }

  /** Resolves in the process with what came of it; never when it or its answer was lost. */
  #travel<T>(process: SimProcess, work: () => Promise<T>): Promise<Settled<T>> {
    const { clock, count, random } = this.#options;
    const { promise, resolve } = Promise.withResolvers<Settled<T>>();
    const isCut = () => this.isDown || this.cut.has(process);
    const way = () => wayMs * (0.5 + random.fraction()) * this.slowFactor;
    // Now and then it arrives when its sender has given it up.
    const thereMs = random.chance(0.01) ? random.below(6_000) : way();
    if (this.cut.has(process)) return promise;
    clock.after(thereMs, null, () => {
      if (this.isDown) return;
      if (thereMs > answerMs) count("a request came late");
      if (process.life !== "up") count("a request of a process that is gone or paused");
      void settled(work).then((outcome) => {
        if (random.chance(0.01)) {
          count("an answer was lost");
          return;
        }
        clock.after(way(), process, () => {
          if (!isCut()) resolve(outcome);
        });
      });
    });
    return promise;
  }
}

type Batch = {
  readonly inner: Log;
  readonly writer: number;
  readonly generation: number;
  readonly records: readonly Uint8Array[];
  readonly after: number;
};

type Settled<T> =
  | { readonly isDone: true; readonly value: T }
  | { readonly isDone: false; readonly error: unknown };

async function settled<T>(work: () => Promise<T>): Promise<Settled<T>> {
  try {
    return { isDone: true, value: await work() };
  } catch (error) {
    return { isDone: false, error };
  }
}
