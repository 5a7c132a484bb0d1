/** The tasks of a Worker: each waits for its `go`, and runs when those before it have ended. */
import type { TaskOrder, ToTaskWorker, ToWorker } from "../contract.ts";

/** Runs one task and reports to `port`; never rejects. `share`: see `ToTaskWorker`. */
export type Serve = (order: TaskOrder, share: number, port: MessagePort) => Promise<void>;

export class TaskQueue {
  readonly #serve: Serve;
  /** Ports of tasks that have not begun. */
  readonly #waiting = new Map<number, MessagePort>();
  #last: Promise<void> = Promise.resolve();

  constructor(serve: Serve) {
    this.#serve = serve;
  }

  take({ data, ports: [port] }: MessageEvent<ToWorker>): void {
    if (data.kind === "forget") {
      this.#waiting.get(data.id)?.close();
      this.#waiting.delete(data.id);
    } else if (port !== undefined) {
      const { id, order } = data;
      this.#waiting.set(id, port);
      port.onmessage = ({ data: { share } }: MessageEvent<ToTaskWorker>) => {
        port.onmessage = null;
        this.#waiting.delete(id);
        this.#last = this.#last.then(() => this.#serve(order, share, port));
      };
    }
  }
}
