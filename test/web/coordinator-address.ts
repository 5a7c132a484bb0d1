/** An address of a coordinator, as that of one of several: it leads, refuses as one that stands by,
 *  or is stopped, and then keeps its connections and says nothing. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { TestContext } from "node:test";

export class CoordinatorAddress {
  readonly url: string;
  state: "leads" | "stands-by" | "stopped";
  readonly #leader: URL;
  readonly #pairs = new Set<readonly [Socket, Socket]>();

  private constructor(url: string, leader: string, state: CoordinatorAddress["state"]) {
    this.url = url;
    this.#leader = new URL(leader);
    this.state = state;
  }

  static async of(
    t: TestContext,
    leader: string,
    state: CoordinatorAddress["state"],
  ): Promise<CoordinatorAddress> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => {});
      if (address.state === "stands-by") socket.destroy();
      if (address.state === "leads") address.#forward(socket);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    const { port } = server.address() as AddressInfo;
    const address = new CoordinatorAddress(`http://127.0.0.1:${port}`, leader, state);
    return address;
  }

  #forward(socket: Socket): void {
    const far = connect(Number(this.#leader.port), this.#leader.hostname);
    far.on("error", () => {});
    socket.pipe(far).pipe(socket);
    const pair = [socket, far] as const;
    this.#pairs.add(pair);
    socket.once("close", () => {
      far.destroy();
      this.#pairs.delete(pair);
    });
  }

  stop(): void {
    this.state = "stopped";
    for (const [near, far] of this.#pairs) {
      near.unpipe(far);
      far.unpipe(near);
      for (const socket of [near, far]) socket.pause();
    }
  }
}
