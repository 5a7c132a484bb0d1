/** The port of one call: a REP socket on a port that the system picks, which is bound before its
 *  number is announced.
 *
 *  1. Messages may come over any number of connections: they belong to the port.
 *  2. Each message is answered before the next is received.
 *  3. It ends with its call, or when no message comes in time. */
import { ClusterError } from "../../core/error.ts";
import { bindTcp } from "./endpoint.ts";
import { loadZeromq, type ZeromqSocket } from "./load.ts";
import { handshakeMs, lingerMs } from "./reply-server.ts";

export type CallPortOptions = {
  readonly host: string;
  /** Of one message. */
  readonly frameMaxBytes: number;
  /** Longest wait for the next message, ms. */
  readonly silenceMs: number;
};

export class CallPort {
  readonly port: number;
  readonly #socket: ZeromqSocket;

  private constructor(socket: ZeromqSocket, port: number) {
    this.#socket = socket;
    this.port = port;
  }

  static async open({ host, frameMaxBytes, silenceMs }: CallPortOptions): Promise<CallPort> {
    const { Reply } = await loadZeromq();
    const socket = new Reply({
      linger: lingerMs,
      maxMessageSize: frameMaxBytes,
      handshakeInterval: handshakeMs,
      receiveTimeout: silenceMs,
      sendTimeout: silenceMs,
      ipv6: host.includes(":"),
    });
    try {
      return new CallPort(socket, await bindTcp(socket, { host, port: 0 }, { parity: "odd" }));
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  /** The next message. Throws `timed-out` when none comes, or the port is closed meanwhile, and
   *  `protocol-violated` for a message of several frames. */
  async receive(): Promise<Uint8Array> {
    let frames: Buffer[];
    try {
      frames = await this.#socket.receive();
    } catch (cause) {
      const text = `no message came on port ${this.port} in time; start the call again`;
      throw new ClusterError("timed-out", text, { cause });
    }
    const [frame, ...more] = frames;
    if (frame !== undefined && more.length === 0) return frame;
    throw new ClusterError("protocol-violated", "a message has one frame, not several");
  }

  /** Answers the last message. Throws `timed-out` when the answer cannot be sent. */
  async reply(answer: Uint8Array): Promise<void> {
    try {
      await this.#socket.send(Buffer.from(answer));
    } catch (cause) {
      throw new ClusterError("timed-out", `no answer can be sent from port ${this.port}`, {
        cause,
      });
    }
  }

  /** A queued answer is still sent. May be called twice. */
  close(): void {
    if (!this.#socket.closed) this.#socket.close();
  }
}
