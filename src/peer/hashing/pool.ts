/** Hashes and writes off the main thread. Small work is done on the calling thread: starting a
 *  thread takes longer than hashing a megabyte. */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { Order, Report } from "./thread.ts";
import { type Batch, type HashOrder, hashPieces, verifyAndWrite } from "./work.ts";

/** The source (run by type stripping) or its build: the same layout. */
const entry = new URL(`./thread${import.meta.url.slice(-3)}`, import.meta.url);

export type Verified = {
  /** The batch's own buffer, to be used again. */
  readonly buffer: ArrayBuffer;
  /** Indexes of pieces with a wrong hash. */
  readonly bad: readonly number[];
};

type Waiting = { readonly resolve: (report: Report) => void; readonly thread: Thread };
type Thread = { readonly worker: Worker; load: number };

export class HashPool {
  readonly #threadsMax: number;
  readonly #threads: Thread[] = [];
  readonly #waiting = new Map<number, Waiting>();
  #ids = 0;
  #closed = false;

  /** `threadsMax` 0: everything on the calling thread. */
  constructor(threadsMax = Math.min(4, availableParallelism())) {
    this.#threadsMax = threadsMax;
  }

  /** Verifies and writes; `small` work stays on this thread. */
  async verify(batch: Batch, small: boolean): Promise<Verified> {
    if (small || this.#threadsMax === 0) {
      return { buffer: batch.buffer, bad: verifyAndWrite(batch) };
    }
    const report = await this.#post({ ...batch, kind: "verify", id: this.#nextId() }, [
      batch.buffer,
    ]);
    return { buffer: report.buffer!, bad: report.bad! };
  }

  async hash(order: HashOrder, small: boolean): Promise<Uint8Array> {
    if (small || this.#threadsMax === 0) return hashPieces(order);
    const report = await this.#post({ ...order, kind: "hash", id: this.#nextId() }, []);
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

  async #post(order: Order, moved: ArrayBuffer[]): Promise<Report> {
    if (this.#closed) throw new Error("the hashing threads are closed");
    const thread = this.#idlest();
    thread.load += 1;
    const report = await new Promise<Report>((resolve) => {
      this.#waiting.set(order.id, { resolve, thread });
      thread.worker.ref();
      thread.worker.postMessage(order, moved);
    });
    if (report.error === undefined) return report;
    throw Object.assign(new Error(report.error.message), { code: report.error.code });
  }

  /** A thread without work, a new one while there may be more, else the least loaded. */
  #idlest(): Thread {
    const [first] = this.#threads.toSorted((a, b) => a.load - b.load);
    if (first !== undefined && (first.load === 0 || this.#threads.length >= this.#threadsMax)) {
      return first;
    }
    const worker = new Worker(entry);
    const thread = { worker, load: 0 };
    worker.on("message", (report: Report) => this.#done(report));
    // An error event fails all work of that thread: it is a bug.
    worker.on("error", (error) => this.#lost(thread, error));
    this.#threads.push(thread);
    return thread;
  }

  #done(report: Report): void {
    const waiting = this.#waiting.get(report.id);
    if (waiting === undefined) return;
    this.#waiting.delete(report.id);
    waiting.thread.load -= 1;
    // Threads without work do not keep the process alive.
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
