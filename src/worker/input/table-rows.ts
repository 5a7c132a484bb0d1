/** Rows of a piece of a table as bytes of lines of JSON. They are decoded by a thread, since that
 *  takes long, and this one has a heart that must beat. */
import { Worker } from "node:worker_threads";
import { ClusterError } from "../../core/error.ts";
import type { Range, TableFile, Wish } from "../../tables/file.ts";
import type { OpenInput } from "./file.ts";
import type { FromTableThread, TableOrder, ToTableThread } from "./table-thread.ts";

/** The source (run by type stripping) or its build: the same layout. */
const entry = new URL(`./table-thread${import.meta.url.slice(-3)}`, import.meta.url);

export type TableOptions = {
  readonly range: Range;
  readonly wish: Wish;
  /** Of the lines; more is `limit-exceeded`. */
  readonly maxBytes: number;
};

/** `null` begins a group of rows; bytes are of the group that has begun. */
export async function* tableRows(
  file: Omit<TableFile, "read">,
  opened: OpenInput,
  { maxBytes, range, wish }: TableOptions,
): AsyncGenerator<Uint8Array | null, void> {
  const thread = new TableThread({ file, range, wish }, opened);
  let total = 0;
  try {
    for (;;) {
      const message = await thread.next();
      if (message.kind === "group") yield null;
      else if (message.kind === "lines") {
        total += message.bytes.length;
        if (total > maxBytes) {
          const text = `${file.name} unfolds to more than ${maxBytes} bytes (inflatedMaxBytes)`;
          throw new ClusterError("limit-exceeded", text);
        }
        yield message.bytes;
        thread.taken();
      } else return;
    }
  } finally {
    await thread.close();
  }
}

type Rows = Exclude<FromTableThread, { kind: "read" | "failed" }>;

class TableThread {
  readonly #worker: Worker;
  readonly #opened: OpenInput;
  readonly #arrived: Rows[] = [];
  #failure: unknown = null;
  #wake: (() => void) | null = null;

  constructor(order: TableOrder, opened: OpenInput) {
    this.#opened = opened;
    this.#worker = new Worker(entry, { workerData: order });
    this.#worker.on("message", (message: FromTableThread) => this.#hear(message));
    this.#worker.on("error", (error) => this.#fail(error));
    this.#worker.on("exit", () => this.#fail(new Error("the thread that reads tables has ended")));
  }

  async next(): Promise<Rows> {
    for (;;) {
      const message = this.#arrived.shift();
      if (message !== undefined) return message;
      if (this.#failure !== null) throw this.#failure;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  taken(): void {
    this.#post({ kind: "taken" });
  }

  async close(): Promise<void> {
    this.#failure ??= new Error("closed");
    await this.#worker.terminate();
  }

  #hear(message: FromTableThread): void {
    switch (message.kind) {
      case "read":
        this.#read(message).catch((error) => this.#fail(error));
        return;
      case "failed": {
        const { code, text } = message;
        return this.#fail(code === null ? new Error(text) : new ClusterError(code, text));
      }
      default:
        this.#arrived.push(message);
        this.#wake?.();
    }
  }

  async #read({ end, id, start }: Extract<FromTableThread, { kind: "read" }>): Promise<void> {
    const bytes = new Uint8Array(end - start);
    let filled = 0;
    for await (const chunk of this.#opened.read(start, end)) {
      bytes.set(chunk, filled);
      filled += chunk.length;
    }
    this.#post({ kind: "bytes", id, bytes }, [bytes.buffer]);
  }

  #post(message: ToTableThread, moved: ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, moved);
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#wake?.();
  }
}
