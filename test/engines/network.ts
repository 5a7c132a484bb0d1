/** The network between one program and the servers of an engine, for tests that cut it. */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** Ports of this machine that lead to others, until they are cut: then nothing passes, and nothing
 *  is closed. */
export class Network {
  readonly ports: readonly number[];
  readonly #servers: readonly Server[];
  readonly #sockets: Set<Socket>;
  #isCut = false;

  private constructor(servers: readonly Server[], sockets: Set<Socket>) {
    this.#servers = servers;
    this.#sockets = sockets;
    this.ports = servers.map((server) => (server.address() as { port: number }).port);
  }

  static async to(ports: readonly number[]): Promise<Network> {
    const sockets = new Set<Socket>();
    const held: { network: Network | null } = { network: null };
    const servers = ports.map((port) =>
      createServer({ pauseOnConnect: true }, (near) => held.network?.join(near, port)),
    );
    for (const server of servers) await once(server.listen(0, "127.0.0.1"), "listening");
    held.network = new Network(servers, sockets);
    return held.network;
  }

  join(near: Socket, port: number): void {
    const far = connect(port, "127.0.0.1");
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(one);
      one
        .on("error", () => other.destroy())
        .on("close", () => {
          this.#sockets.delete(one);
          other.destroy();
        });
      one.on("data", (bytes) => {
        if (!this.#isCut) other.write(bytes);
      });
    }
    near.resume();
  }

  /** What is sent from now on is lost. */
  cut(): void {
    this.#isCut = true;
  }

  /** Connections of before have lost bytes: they are closed. */
  heal(): void {
    this.#isCut = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    for (const server of this.#servers) server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
