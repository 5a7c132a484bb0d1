/** Calls of a function for the items of any iterable, as jobs of a bounded size: items are taken as
 *  results are, so that an endless list takes the memory of a few thousand. */
import type { BuiltJob } from "../../sdk/bundle.ts";
import type { Client } from "../../sdk/client.ts";
import type { AnyTasks } from "../../sdk/job.ts";
import { planLines } from "../../sdk/plan/of-found.ts";
import type { Outcome } from "../../sdk/ship/calls.ts";
import { submitJob } from "../../sdk/submit.ts";
import { failureOf, returned } from "../failure.ts";
import { Batch, type BatchLimits } from "./batch.ts";
import { type Call, Window } from "./window.ts";

export type MappingSettings = BatchLimits & {
  readonly client: Client;
  readonly built: BuiltJob;
  /** Of its jobs. */
  readonly name: string;
  readonly ordered: boolean;
  readonly signal?: AbortSignal;
};

export type MappedItems = Iterable<unknown> | AsyncIterable<unknown>;

/** How long an item waits for others, ms. */
const gatherMs = 5;
const jobsAtOnce = 8;
/** Items that were taken and whose results were not, as a multiple of the window. */
const windowsAhead = 2;
/** Jobs whose results were taken, and that stay to be looked at. */
const jobsKept = 8;

/** What the function returns for each item. Leaving it cancels what is under way. */
export async function* mapped(
  settings: MappingSettings,
  items: MappedItems,
): AsyncGenerator<unknown, void> {
  settings.signal?.throwIfAborted();
  const mapping = new Mapping(settings);
  try {
    mapping.start(items);
    for (;;) {
      const call = await mapping.next();
      if (call === null) return;
      yield returned(call.outcome, call.index);
    }
  } finally {
    await mapping.close();
  }
}

class Mapping {
  readonly #settings: MappingSettings;
  readonly #windows: Window[] = [];
  /** Of the windows whose jobs may still run. */
  readonly #running = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  readonly #takenJobs: string[] = [];
  #source: Iterator<unknown> | AsyncIterator<unknown> | null = null;
  #batch: Batch;
  /** Until the batch goes, full or not; null when it is empty, or waits for a job to end. */
  #timer: NodeJS.Timeout | null = null;
  #isDue = false;
  #askedCount = 0;
  #givenCount = 0;
  #isSourceDone = false;
  /** What the items ended with: thrown behind the results of those before it. */
  #sourceFailure: { readonly error: unknown } | null = null;
  #failure: { readonly error: unknown } | null = null;
  #waiters: Array<() => void> = [];

  constructor(settings: MappingSettings) {
    this.#settings = settings;
    this.#batch = new Batch(0, settings);
    settings.signal?.addEventListener("abort", this.#onAbort);
  }

  start(items: MappedItems): void {
    this.#pump(items)
      .catch((error: unknown) => {
        this.#sourceFailure = { error };
        // An item that cannot be sent is the end of the list, which the list does not know.
        void this.#endSource();
      })
      .then(() => {
        this.#isSourceDone = true;
        if (this.#batch.count > 0 && !this.#stop.signal.aborted) this.#send();
        this.#changed();
      });
  }

  /** Null at the end of the items. */
  async next(): Promise<Call | null> {
    for (;;) {
      const call = this.#take();
      if (call !== null) {
        this.#givenCount++;
        this.#changed();
        return call;
      }
      if (this.#failure !== null) throw this.#failure.error;
      const isEmpty = this.#windows.length === 0 && this.#batch.count === 0;
      if (this.#isSourceDone && isEmpty) {
        if (this.#sourceFailure !== null) throw this.#sourceFailure.error;
        return null;
      }
      await this.#change();
    }
  }

  /** Cancels what is under way, and resolves when none of it is. */
  async close(): Promise<void> {
    this.#settings.signal?.removeEventListener("abort", this.#onAbort);
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#stop.abort();
    this.#changed();
    // Not awaited: a source that waits for its next item does not end before it.
    if (!this.#isSourceDone) void this.#endSource();
    await Promise.all(this.#windows.map((window) => this.#cancel(window)));
    await Promise.allSettled(this.#running);
  }

  readonly #onAbort = (): void => this.#fail(this.#settings.signal?.reason);

  async #endSource(): Promise<void> {
    try {
      await this.#source?.return?.();
    } catch {
      // What it throws at its end is its own affair: the mapping has ended.
    }
  }

  async #pump(items: MappedItems): Promise<void> {
    const source =
      Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
    this.#source = source;
    for (;;) {
      while (this.#askedCount - this.#givenCount >= windowsAhead * this.#settings.window) {
        if (this.#stop.signal.aborted) return;
        await this.#change();
      }
      const next = source.next();
      // Waiting for what is here would cost each item of a list a turn.
      const { done, value } = next instanceof Promise ? await next : next;
      if (done === true || this.#stop.signal.aborted || this.#failure !== null) return;
      this.#batch.add(value);
      this.#askedCount++;
      if (this.#batch.isFull) this.#send();
      else if (this.#batch.count === 1) this.#timer = setTimeout(() => this.#due(), gatherMs);
    }
  }

  #due(): void {
    this.#timer = null;
    this.#isDue = true;
    this.#sendIfDue();
  }

  /** While many jobs run the next one gathers more. */
  #sendIfDue(): void {
    if (this.#isDue && this.#batch.count > 0 && this.#running.size < jobsAtOnce) this.#send();
  }

  #send(): void {
    const batch = this.#batch;
    this.#batch = new Batch(this.#askedCount, this.#settings);
    this.#isDue = false;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const window = new Window(batch.first, batch.count);
    this.#windows.push(window);
    const run = this.#run(window, batch)
      .catch((error: unknown) => {
        window.failure = { error };
      })
      .finally(() => {
        window.hasEnded = true;
        this.#running.delete(run);
        this.#retire(window);
        this.#sendIfDue();
        this.#changed();
      });
    this.#running.add(run);
  }

  async #run(window: Window, batch: Batch): Promise<void> {
    const { built, chunk, client, name } = this.#settings;
    const planned = planLines(built.job as AnyTasks, batch.lines());
    const job = await submitJob(client, built, { ...planned, async remove() {} }, { name });
    window.job = job;
    const { signal } = this.#stop;
    if (signal.aborted) return this.#cancel(window);
    let tasksLeft = Math.ceil(window.count / chunk);
    for await (const [task, outcomes] of client.committedResults(job, { signal })) {
      window.put(task * chunk, outcomes as Outcome[]);
      tasksLeft--;
      this.#changed();
    }
    if (tasksLeft > 0) throw failureOf(await client.job(job));
  }

  #take(): Call | null {
    const { ordered } = this.#settings;
    for (const window of ordered ? this.#windows.slice(0, 1) : this.#windows) {
      const call = window.take(ordered);
      if (call === null) {
        this.#failure ??= window.failure;
        continue;
      }
      if (window.isTaken) {
        this.#windows.splice(this.#windows.indexOf(window), 1);
        this.#retire(window);
      }
      return call;
    }
    return null;
  }

  /** The jobs of an endless list must not fill the coordinator. */
  #retire({ hasEnded, isTaken, job }: Window): void {
    if (!hasEnded || !isTaken || job === null) return;
    this.#takenJobs.push(job);
    if (this.#takenJobs.length <= jobsKept) return;
    this.#settings.client.remove(this.#takenJobs.shift()!).catch(() => {});
  }

  async #cancel({ hasEnded, job }: Window): Promise<void> {
    if (job === null || hasEnded) return;
    // On the way out, why that is so counts more than that this fails.
    await this.#settings.client.cancel(job).catch(() => {});
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#changed();
  }

  #changed(): void {
    if (this.#waiters.length === 0) return;
    for (const wake of this.#waiters.splice(0)) wake();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }
}
