/** The Workers of a frame that run Python: one for a job, kept from task to task, since starting
 *  Python takes longer than most tasks. */
import type { PythonFiles } from "../../wire/browser/python-index.ts";
import type {
  PythonSnapshot,
  PythonStart,
  TaskOrder,
  ToPythonWorker,
} from "../../worker/browser/contract.ts";
import { buffersOf } from "../../worker/browser/handing-over.ts";

type Start = {
  readonly id: number;
  readonly order: TaskOrder;
  readonly port: MessagePort;
};

/** Of one job; `ids` of tasks that it has and that have not ended. */
type Kept = {
  readonly worker: Worker;
  readonly job: string;
  readonly ids: Set<number>;
  idle: ReturnType<typeof setTimeout> | undefined;
};

/** A Worker without a task is kept for so long, ms: it holds some 100 MB. */
const idleMaxMs = 60_000;

export class PythonWorkers {
  readonly #newWorker: () => Worker;
  readonly #failed: (id: number, message: string, isUnable: boolean) => void;
  #files: Omit<PythonFiles, "wasm"> | null = null;
  #module: Promise<WebAssembly.Module> | null = null;
  /** Of a Worker before it had any job code; the first one is taken. */
  #snapshot: Uint8Array | null = null;
  #kept: Kept[] = [];
  /** Tasks whose Worker is not there yet. */
  readonly #coming = new Set<number>();
  /** Orders come one after the other, also while the engine is being compiled. */
  #last: Promise<unknown> = Promise.resolve();

  /** `failed`: of the task `id` nothing more will come. */
  constructor(
    newWorker: () => Worker,
    failed: (id: number, message: string, isUnable: boolean) => void,
  ) {
    this.#newWorker = newWorker;
    this.#failed = failed;
  }

  prepare({ wasm, ...files }: PythonFiles): void {
    this.#files = files;
    this.#module = WebAssembly.compile(wasm as Uint8Array<ArrayBuffer>);
    // A start with it reports the failure.
    this.#module.catch(() => {});
  }

  start(given: Start): void {
    this.#coming.add(given.id);
    this.#last = this.#last
      .then(() => this.#started(given))
      .catch((error: unknown) => {
        this.#failed(given.id, `Python cannot start here: ${error}`, true);
      });
  }

  /** False when the task is not one of these. `keep`: nothing of it runs. */
  stop(id: number, keep: boolean): boolean {
    if (this.#coming.delete(id)) return true;
    const kept = this.#kept.find(({ ids }) => ids.has(id));
    if (kept === undefined) return false;
    kept.ids.delete(id);
    if (keep) this.#keep(kept, id);
    else this.#end(kept);
    return true;
  }

  #keep(kept: Kept, id: number): void {
    kept.worker.postMessage({ kind: "forget", id } satisfies ToPythonWorker);
    if (kept.ids.size > 0) return;
    clearTimeout(kept.idle);
    kept.idle = setTimeout(() => {
      if (kept.ids.size === 0) this.#end(kept);
    }, idleMaxMs);
  }

  async #started({ id, order, port }: Start): Promise<void> {
    const job = order.python?.job ?? "";
    const handedOver = [port, ...buffersOf(order)];
    const kept = this.#kept.find((one) => one.job === job);
    if (kept !== undefined) {
      if (!this.#coming.delete(id)) return;
      kept.ids.add(id);
      kept.worker.postMessage({ kind: "order", id, order } satisfies ToPythonWorker, handedOver);
      return;
    }
    for (const idle of this.#kept.filter(({ ids }) => ids.size === 0)) this.#end(idle);
    const start = await this.#startOf();
    if (!this.#coming.delete(id)) return;
    const worker = this.#newWorker();
    const made: Kept = { worker, job, ids: new Set([id]), idle: undefined };
    this.#kept.push(made);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#end(made);
      const message = event.message || "its Worker could not start";
      for (const one of made.ids) this.#failed(one, message, false);
    };
    worker.onmessage = ({ data }: MessageEvent<PythonSnapshot>) => this.#take(data);
    const first: ToPythonWorker = { kind: "order", id, order, start };
    worker.postMessage(first, handedOver);
  }

  async #startOf(): Promise<PythonStart> {
    if (this.#files === null || this.#module === null) throw new Error("it was not handed over");
    return { ...this.#files, module: await this.#module, snapshot: this.#snapshot };
  }

  /** Job code may post, too, but only after the first. */
  #take(data: PythonSnapshot): void {
    if (data?.kind === "snapshot" && data.bytes instanceof Uint8Array)
      this.#snapshot ??= data.bytes;
  }

  #end(kept: Kept): void {
    kept.worker.terminate();
    this.#kept = this.#kept.filter((one) => one !== kept);
  }
}
