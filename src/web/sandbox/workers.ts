/** The Workers of a frame: one for each group of tasks, kept from task to task. A new one costs
 *  more than most tasks: its code is evaluated, runs unoptimised, and loads the job, or Python. */
import type { PythonFiles } from "../../wire/browser/python-index.ts";
import type {
  PythonSnapshot,
  PythonStart,
  TaskOrder,
  ToWorker,
} from "../../worker/browser/contract.ts";
import { buffersOf } from "../../worker/browser/handing-over.ts";

type Start = {
  readonly id: number;
  readonly order: TaskOrder;
  readonly port: MessagePort;
};

/** `ids` of tasks that it has and that have not ended. */
type Kept = {
  readonly worker: Worker;
  readonly group: string;
  readonly ids: Set<number>;
  idle: ReturnType<typeof setTimeout> | undefined;
  /** What ends one without a task, ms. */
  readonly idleMaxMs: number;
};

/** A Worker without a task is kept for so long, ms: one that runs Python holds some 100 MB, and
 *  takes seconds to start. */
const idleMaxMs = { python: 60_000, javascript: 10_000 } as const;
/** With these, and the spare one, the frame has enough: the one that computes, and the next. */
const keptMax = 2;

export class FrameWorkers {
  readonly #newWorker: () => Worker;
  readonly #failed: (id: number, message: string, isUnable: boolean) => void;
  /** Its code is evaluated when a task arrives. */
  #spare: Worker | null = null;
  #files: Omit<PythonFiles, "wasm" | "snapshot"> | null = null;
  #module: Promise<WebAssembly.Module> | null = null;
  /** The gateway's, else of a Worker before it had any job code: the first one is taken. */
  #snapshot: Uint8Array | null = null;
  #kept: Kept[] = [];
  /** Tasks whose Worker is not there yet. */
  readonly #coming = new Set<number>();
  /** Orders in Python come one after the other, also while the engine is being compiled. */
  #last: Promise<unknown> = Promise.resolve();

  /** `failed`: of the task `id` nothing more will come. */
  constructor(
    newWorker: () => Worker,
    failed: (id: number, message: string, isUnable: boolean) => void,
  ) {
    this.#newWorker = newWorker;
    this.#failed = failed;
    this.#spare = newWorker();
  }

  prepare({ snapshot, wasm, ...files }: PythonFiles): void {
    this.#files = files;
    this.#snapshot = snapshot;
    this.#module = WebAssembly.compile(wasm as Uint8Array<ArrayBuffer>);
    // A start with it reports the failure.
    this.#module.catch(() => {});
  }

  start(given: Start): void {
    if (given.order.python === undefined) {
      this.#give(given);
      return;
    }
    this.#coming.add(given.id);
    this.#last = this.#last
      .then(() => this.#startPython(given))
      .catch((error: unknown) => {
        this.#failed(given.id, `Python cannot start here: ${error}`, true);
      });
  }

  /** `keep`: nothing of it runs. */
  stop(id: number, keep: boolean): void {
    if (this.#coming.delete(id)) return;
    const kept = this.#kept.find(({ ids }) => ids.has(id));
    if (kept === undefined) return;
    kept.ids.delete(id);
    if (keep) this.#keep(kept, id);
    else this.#end(kept);
  }

  #keep(kept: Kept, id: number): void {
    kept.worker.postMessage({ kind: "forget", id } satisfies ToWorker);
    if (kept.ids.size > 0) return;
    clearTimeout(kept.idle);
    kept.idle = setTimeout(() => {
      if (kept.ids.size === 0) this.#end(kept);
    }, kept.idleMaxMs);
  }

  async #startPython(given: Start): Promise<void> {
    const isKnown = this.#kept.some(({ group }) => group === given.order.group);
    const start = isKnown ? undefined : await this.#startOf();
    if (this.#coming.delete(given.id)) this.#give(given, start);
  }

  #give({ id, order, port }: Start, start?: PythonStart): void {
    const known = this.#kept.find(({ group }) => group === order.group);
    const kept = known ?? this.#add(order);
    kept.ids.add(id);
    const message: ToWorker = { kind: "order", id, order, ...(start && { start }) };
    kept.worker.postMessage(message, [port, ...buffersOf(order)]);
    if (known === undefined) this.#restock();
  }

  #add({ group, python }: TaskOrder): Kept {
    for (const idle of this.#kept.filter(({ ids }) => ids.size === 0)) this.#end(idle);
    const worker = this.#spare ?? this.#newWorker();
    this.#spare = null;
    const ms = idleMaxMs[python === undefined ? "javascript" : "python"];
    const made: Kept = { worker, group, ids: new Set(), idle: undefined, idleMaxMs: ms };
    this.#kept.push(made);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#end(made);
      const message = event.message || "its Worker could not start";
      for (const one of made.ids) this.#failed(one, message, false);
    };
    // Others have nothing to say: what they post is job code's.
    if (python !== undefined) {
      worker.onmessage = ({ data }: MessageEvent<PythonSnapshot>) => this.#take(data);
    }
    return made;
  }

  #restock(): void {
    setTimeout(() => {
      if (this.#kept.length < keptMax) this.#spare ??= this.#newWorker();
    });
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
    clearTimeout(kept.idle);
    kept.worker.terminate();
    this.#kept = this.#kept.filter((one) => one !== kept);
    this.#restock();
  }
}
