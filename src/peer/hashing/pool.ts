/** Hashes and writes off the main thread. Small work is done where it is asked for: a thread takes
 *  longer to start than a megabyte to hash. */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { SlabPool } from "./slabs.ts";
import type { Order, Report } from "./thread.ts";
import { type Batch, type HashOrder, hashPieces, verifyAndWrite } from "./work.ts";

/** The source (run by type stripping) or what was built of it: the same layout. */
const entry = new URL(`./thread${import.meta.url.slice(-3)}`, import.meta.url);

type Waiting = { readonly resolve: (report: Report) => void; readonly thread: Thread };
type Thread = {
  readonly worker: Worker;
  load: number;
  /** Slabs that it has been shown. */
  readonly slabs: Set<number>;
};

export class HashPool {
  /** Memory that the threads see too. */
  readonly slabs = new SlabPool((slab) => this.#drop(slab));
  readonly #threadsMax: number;
  readonly #threads: Thread[] = [];
  readonly #waiting = new Map<number, Waiting>();
  #ids = 0;
  #closed = false;

  /** `threadsMax` 0: everything on the calling thread. */
  constructor(threadsMax = Math.min(4, availableParallelism())) {
    this.#threadsMax = threadsMax;
  }

  /** Writes the pieces that are what they must be; returns the indexes of the others. `small` work
   *  stays on this thread. */
  async verify(batch: Batch, small: boolean): Promise<readonly number[]> {
    if (small || this.#threadsMax === 0) return verifyAndWrite(batch);
    const thread = this.#idlest();
    const slab = this.slabs.numberOf(batch.buffer);
    const buffer = thread.slabs.has(slab) ? null : batch.buffer;
    thread.slabs.add(slab);
    const report = await this.#post(thread, {
      ...batch,
      kind: "verify",
      id: this.#nextId(),
      slab,
      buffer,
    });
    return report.bad!;
  }

  async hash(order: HashOrder, small: boolean): Promise<Uint8Array> {
    if (small || this.#threadsMax === 0) return hashPieces(order);
    const thread = this.#idlest();
    const report = await this.#post(thread, { ...order, kind: "hash", id: this.#nextId() });
    return report.layer!;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#threads.splice(0).map(({ worker }) => worker.terminate()));
  }

  #nextId(): number {
    this.#ids += 1;
    return this.#ids;
  }

  async #post(thread: Thread, order: Exclude<Order, { kind: "drop" }>): Promise<Report> {
    thread.load += 1;
    const report = await new Promise<Report>((resolve) => {
      this.#waiting.set(order.id, { resolve, thread });
      thread.worker.ref();
      thread.worker.postMessage(order);
    });
    if (report.error === undefined) return report;
    throw Object.assign(new Error(report.error.message), { code: report.error.code });
  }

  /** One that has nothing to do, a new one while there may be more, else the least loaded. */
  #idlest(): Thread {
    if (this.#closed) throw new Error("the hashing threads are closed");
    const [first] = this.#threads.toSorted((a, b) => a.load - b.load);
    if (first !== undefined && (first.load === 0 || this.#threads.length >= this.#threadsMax)) {
      return first;
    }
    const worker = new Worker(entry);
    const thread: Thread = { worker, load: 0, slabs: new Set() };
    worker.on("message", (report: Report) => this.#done(report));
    // Work that can break a thread breaks its users too: a bug, told as one.
    worker.on("error", (error) => this.#lost(thread, error));
    this.#threads.push(thread);
    return thread;
  }

  #drop(slab: number): void {
    for (const { worker, slabs } of this.#threads) {
      if (slabs.delete(slab)) worker.postMessage({ kind: "drop", slab } satisfies Order);
    }
  }

  #done(report: Report): void {
    const waiting = this.#waiting.get(report.id);
    if (waiting === undefined) return;
    this.#waiting.delete(report.id);
    waiting.thread.load -= 1;
    // Threads without work do not keep the process.
    if (waiting.thread.load === 0) waiting.thread.worker.unref();
    waiting.resolve(report);
  }

  #lost(thread: Thread, error: Error): void {
    this.#threads.splice(this.#threads.indexOf(thread), 1);
    for (const [id, waiting] of this.#waiting) {
      if (waiting.thread !== thread) continue;
      this.#done({ id, error: { message: `a hashing thread ended: ${error.message}`, code: "" } });
    }
  }
}
