/** One slot as the controller has it: the port of a sandbox, and the task that runs there. */
import { ClusterError } from "../../../core/error.ts";
import type { FromSandbox, FromTaskWorker, TaskOrder, ToSandbox } from "../contract.ts";

/** How a task's Worker is heard; `over` exactly once. */
export type TaskEars = {
  readonly said: (message: FromTaskWorker) => void;
  /** Null = all was told. */
  readonly over: (failure: ClusterError | null) => void;
};

type Running = { readonly id: number; readonly port: MessagePort; readonly ears: TaskEars };

export class Slot {
  readonly index: number;
  #port: MessagePort | null = null;
  #running: Running | null = null;
  #lastId = 0;
  #limit: ReturnType<typeof setTimeout> | undefined;
  #waiting: Array<(port: MessagePort) => void> = [];
  /** Asks for a frame; answered by `give`. */
  readonly #want: () => void;

  constructor(index: number, want: () => void) {
    this.index = index;
    this.#want = want;
    want();
  }

  /** A sandbox is there. */
  give(port: MessagePort): void {
    this.lose("its sandbox was replaced");
    this.#port = port;
    port.onmessage = ({ data }: MessageEvent<FromSandbox>) => {
      if (data?.kind === "failed" && data.id === this.#running?.id) {
        this.#end(new ClusterError("task-crashed", String(data.message).slice(0, 1_000)));
      }
    };
    // Told by newer browsers when the frame's process has died.
    port.addEventListener("close", () => {
      if (this.#port === port) this.replace("its process has died");
    });
    for (const given of this.#waiting.splice(0)) given(port);
  }

  /** The sandbox is not to be used any more. */
  replace(why: string): void {
    this.lose(why);
    this.#want();
  }

  lose(why: string): void {
    this.#port?.close();
    this.#port = null;
    this.#end(new ClusterError("task-crashed", `the sandbox of the tab ended: ${why}`));
  }

  /** Whether it has a sandbox within `sandboxMs`. */
  ready(sandboxMs: number): Promise<boolean> {
    if (this.#port !== null) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), sandboxMs);
      this.#waiting.push(() => {
        clearTimeout(timer);
        resolve(true);
      });
    });
  }

  /** `timeoutMs` 0 = none. */
  run(order: TaskOrder, timeoutMs: number, ears: TaskEars): void {
    const sandbox = this.#port;
    if (sandbox === null) {
      ears.over(new ClusterError("unavailable", "the slot has no sandbox"));
      return;
    }
    const id = ++this.#lastId;
    const { port1, port2 } = new MessageChannel();
    this.#running = { id, port: port1, ears };
    port1.onmessage = ({ data }: MessageEvent<FromTaskWorker>) => {
      if (this.#running?.id !== id) return;
      if (data?.kind === "over") this.#end(null);
      else if (data?.kind === "broken") {
        this.#end(new ClusterError("user-error", String(data.message).slice(0, 2_000)));
      } else if (data?.kind === "load-failed") {
        ears.said(data);
        this.#end(null);
      } else {
        // The limit is one attempt's, of which a list of tasks has many.
        if (data?.kind === "reports" || data?.kind === "results") this.#arm(timeoutMs);
        ears.said(data);
      }
    };
    const buffers = [...order.pieces.map(({ bytes }) => bytes), ...order.segments];
    const handedOver = [...new Set(buffers.map(({ buffer }) => buffer as ArrayBuffer))];
    sandbox.postMessage({ kind: "start", id, order } satisfies ToSandbox, [port2, ...handedOver]);
    this.#arm(timeoutMs);
  }

  #arm(timeoutMs: number): void {
    clearTimeout(this.#limit);
    if (timeoutMs <= 0) return;
    const text = `it ran longer than ${timeoutMs} ms (timeout)`;
    this.#limit = setTimeout(() => this.#end(new ClusterError("timed-out", text)), timeoutMs);
  }

  /** Ends the task without a word to whoever listens. */
  stop(): void {
    const running = this.#running;
    this.#running = null;
    if (running !== null) this.#terminate(running);
  }

  #end(failure: ClusterError | null): void {
    const running = this.#running;
    if (running === null) return;
    this.#running = null;
    this.#terminate(running);
    running.ears.over(failure);
  }

  #terminate({ id, port }: Running): void {
    clearTimeout(this.#limit);
    port.close();
    this.#port?.postMessage({ kind: "stop", id } satisfies ToSandbox);
  }
}
