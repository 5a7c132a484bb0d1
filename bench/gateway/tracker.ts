/** A JobTracker that speaks only the base browser protocol, for benchmarks of a gateway. */
import { once } from "node:events";
import { WebSocket } from "ws";

const say = (action: string, data: object) =>
  JSON.stringify({ status: 1, message: "", action, data });

export class BenchTracker {
  readonly uids: number[] = [];
  readonly #socket: WebSocket;
  #wanted = 0;
  #there = () => {};

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (frame) => {
      const { action, data } = JSON.parse(String(frame));
      if (action === "ping") socket.send(say("pong", {}));
      if (action === "connect") this.uids.push(data.uid);
      if (this.uids.length === this.#wanted) this.#there();
    });
  }

  static async dial(address: string): Promise<BenchTracker> {
    const socket = new WebSocket(address, { perMessageDeflate: false });
    await once(socket, "open");
    socket.send(say("tracker", {}));
    return new BenchTracker(socket);
  }

  /** Resolves when so many browsers are there. */
  async browsers(count: number): Promise<void> {
    if (this.uids.length >= count) return;
    this.#wanted = count;
    await new Promise<void>((resolve) => {
      this.#there = resolve;
    });
  }

  task(uid: number, tid: number, more: object = {}): void {
    const url = ["http://127.0.0.1/t/0123456789abcdef0123456789abcdef/in/0"];
    this.#socket.send(say("task", { type: "m", uid, tid, url, ...more }));
  }

  /** Resolves when the gateway knows. */
  async close(): Promise<void> {
    this.#socket.close();
    await once(this.#socket, "close");
  }
}
