/** A TCP proxy with the faults of networks: delays, cuts after some bytes, and silence without any
 *  notice, in one direction or in both. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** up: from the dialling client · down: towards it. */
export type Direction = "up" | "down";

export type Weather = {
  /** Delay of every byte, ms. */
  readonly delayMs: number;
  /** Bytes/ms that a connection carries in each direction; Infinity = all. */
  readonly bytesPerMs: number;
  /** A connection is reset after this many bytes in either direction; Infinity = never. */
  readonly cutAfterBytes: number;
  /** Whenever all connections together have carried so many more bytes, the one that carried the
   *  last of them is reset: however many there are, and however fast; Infinity = never. */
  readonly cutEveryBytes: number;
  /** Bytes that go there are swallowed; the connection stays open. */
  readonly silent: ReadonlySet<Direction>;
};

export const fairWeather: Weather = {
  delayMs: 0,
  bytesPerMs: Number.POSITIVE_INFINITY,
  cutAfterBytes: Number.POSITIVE_INFINITY,
  cutEveryBytes: Number.POSITIVE_INFINITY,
  silent: new Set(),
};

export class TcpProxy {
  /** Applies to new connections and, except `cutAfterBytes`, to those that are open. */
  weather = fairWeather;
  /** Connections so far, and how many of them the proxy cut. */
  readonly counts = { connections: 0, cuts: 0, swallowedBytes: 0, upBytes: 0, downBytes: 0 };
  readonly #server: Server;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #sockets = new Set<Socket>();
  #carriedBytes = 0;

  private constructor(target: URL) {
    this.#target = { host: target.hostname, port: Number(target.port) };
    this.#server = createServer({ allowHalfOpen: false }, (socket) => this.#accept(socket));
  }

  /** Listens on loopback, for connections to `target`. */
  static async open(target: string): Promise<TcpProxy> {
    const proxy = new TcpProxy(new URL(target));
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Resets everything that is open. */
  cutAll(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, "close");
  }

  #accept(near: Socket): void {
    this.counts.connections += 1;
    const far = connect(this.#target);
    const both = [near, far];
    const left = { bytes: this.weather.cutAfterBytes };
    const cut = () => {
      this.counts.cuts += 1;
      for (const socket of both) socket.resetAndDestroy();
    };
    for (const socket of both) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => {});
      socket.on("close", () => {
        this.#sockets.delete(socket);
        // A silent network does not notify one side that the other is gone.
        if (this.weather.silent.size === 0) for (const other of both) other.destroy();
      });
    }
    this.#carry(near, far, { direction: "up", left, cut });
    this.#carry(far, near, { direction: "down", left, cut });
  }

  #carry(
    from: Socket,
    to: Socket,
    how: {
      readonly direction: Direction;
      readonly left: { bytes: number };
      readonly cut: () => void;
    },
  ): void {
    const { direction, left, cut } = how;
    from.on("data", (chunk: Buffer) => {
      if (this.weather.silent.has(direction)) {
        this.counts.swallowedBytes += chunk.length;
        return;
      }
      const part = chunk.subarray(0, left.bytes);
      this.counts[direction === "up" ? "upBytes" : "downBytes"] += part.length;
      left.bytes -= chunk.length;
      const { cutEveryBytes } = this.weather;
      const before = Math.floor(this.#carriedBytes / cutEveryBytes);
      this.#carriedBytes += part.length;
      if (Math.floor(this.#carriedBytes / cutEveryBytes) > before) left.bytes = -1;
      const send = () => {
        if (to.destroyed) return;
        to.write(part);
        if (left.bytes < 0) cut();
      };
      const { bytesPerMs, delayMs } = this.weather;
      if (bytesPerMs < Number.POSITIVE_INFINITY) {
        from.pause();
        setTimeout(() => from.resume(), part.length / bytesPerMs);
      }
      if (delayMs === 0) send();
      else setTimeout(send, delayMs);
    });
  }
}
