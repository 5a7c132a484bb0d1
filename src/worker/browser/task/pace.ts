/** Keeps a task to its share of the time from within: it works for a moment, then stands still.
 *
 *  1. It can stand still between items of a list, and wherever job code calls us: at each record,
 *     pair, key, line of the log and block of a file. A stretch of job code that calls nothing
 *     cannot be interrupted: what it took too much, the next rests make good, and what is left when
 *     the task is over its slot does (`tab/slots/rests.ts`).
 *  2. Inside job code it stands still by `Atomics.wait`. The memory that takes is WebAssembly's:
 *     pages that are not isolated from other origins may not share it, which is not wanted here,
 *     but may wait on it. A browser that has none makes all of it good afterwards. */

import { steadyMs } from "../../../environment/steady.ts";
import type { JobRuntime, MapReduceJob } from "../../task/job.ts";
import { whenUsed } from "../node-shims/fs.ts";

/** How long it works at a stretch, ms: short beside what people notice, long beside a timer. */
const stretchMs = 50;
/** One rest lasts no longer, ms; what is due beyond it is due with the next. */
const restMaxMs = 10_000;

export class Pace {
  /** Of the time, how much it may compute; above 0 to 1. */
  readonly share: number;
  /** Called before each rest with its length, ms. */
  readonly #resting: (ms: number) => void;
  /** Null: it rests never, or cannot stand still. */
  readonly #cell: Int32Array | null;
  #workingSinceMs = steadyMs();
  #dueMs = 0;

  constructor(share: number, resting: (ms: number) => void) {
    this.share = share;
    this.#resting = resting;
    this.#cell = this.isFull ? null : cellToWaitOn();
    whenUsed(this.isFull ? () => {} : () => this.breathe());
  }

  get isFull(): boolean {
    return this.share >= 1;
  }

  /** Job code has called us: stands still when it has worked for long enough. */
  breathe(): void {
    if (this.#cell === null) return;
    const ms = this.#restMs();
    if (ms === 0) return;
    Atomics.wait(this.#cell, 0, 0, ms);
    this.#workingSinceMs = steadyMs();
  }

  /** Between two items. */
  async rest(): Promise<void> {
    const ms = this.#restMs();
    if (ms === 0) return;
    await new Promise((resolve) => setTimeout(resolve, ms));
    this.#workingSinceMs = steadyMs();
  }

  /** How long to rest now; 0 = not yet. */
  #restMs(): number {
    const nowMs = steadyMs();
    const workedMs = nowMs - this.#workingSinceMs;
    if (this.isFull || workedMs < stretchMs) return 0;
    this.#workingSinceMs = nowMs;
    this.#dueMs += (workedMs * (1 - this.share)) / this.share;
    const ms = Math.min(restMaxMs, this.#dueMs);
    this.#dueMs -= ms;
    this.#resting(ms);
    return ms;
  }

  /** The job with a call of `breathe` before each record, pair and key. */
  paced(job: MapReduceJob): MapReduceJob {
    if (this.isFull) return job;
    const inputs = Object.entries(job.inputs).map(([name, input]) => [name, this.#input(input)]);
    const { reduce } = job.options as unknown as { readonly reduce?: AnyFunction };
    const slower = reduce === undefined ? {} : { reduce: this.#before(reduce) as never };
    return { ...job, inputs: Object.fromEntries(inputs), options: { ...job.options, ...slower } };
  }

  runtime({ count, log }: JobRuntime): JobRuntime {
    return { count: this.#before(count), log: this.#before(log) };
  }

  #input<T extends MapReduceJob["inputs"][string]>(input: T): T {
    const map = input.map as unknown as AnyFunction;
    /** One for all records of a task. */
    const emits = new Map<unknown, AnyFunction>();
    const slower = (record: unknown, emit: AnyFunction, context: unknown) => {
      this.breathe();
      const slowerEmit = emits.get(emit) ?? this.#before(emit);
      emits.set(emit, slowerEmit);
      return map(record, slowerEmit, context);
    };
    return { ...input, map: slower as never };
  }

  #before<A extends readonly unknown[], R>(call: (...args: A) => R): (...args: A) => R {
    return (...args) => {
      this.breathe();
      return call(...args);
    };
  }
}

type AnyFunction = (...args: unknown[]) => unknown;

/** No other code has a reference to it, so a wait on it ends only with its timeout. */
function cellToWaitOn(): Int32Array | null {
  try {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    const cell = new Int32Array(memory.buffer);
    Atomics.wait(cell, 0, 0, 0);
    return cell;
  } catch {
    return null;
  }
}
