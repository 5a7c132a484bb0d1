/** Questions and their answers, by a socket of their own: one that was not answered cannot be used
 *  again. */
import { isIP } from "node:net";
import { ClusterError } from "../../core/error.ts";
import type { Listen } from "../listen.ts";
import { loadZeromq, type ZeromqSocket } from "./load.ts";
import { handshakeMs } from "./reply-server.ts";

const reconnectMs = 30;

export type AskOptions = {
  readonly timeoutMs: number;
  readonly answerMaxBytes: number;
  /** Ends a wait as if nothing had come in time. */
  readonly signal?: AbortSignal;
};

/** Throws `timed-out` when no answer comes in time: the request may or may not have been
 *  received. */
export async function askOnce(
  at: Listen,
  message: Uint8Array,
  options: AskOptions,
): Promise<Uint8Array> {
  const asker = await Asker.open(at, options);
  try {
    return await asker.ask(message);
  } finally {
    asker.close();
  }
}

/** One question after the other to one place. After a failure it can only be closed. */
export class Asker {
  readonly #at: Listen;
  readonly #options: AskOptions;
  readonly #socket: ZeromqSocket;
  readonly #onAbort = () => this.close();

  private constructor(at: Listen, options: AskOptions, socket: ZeromqSocket) {
    this.#at = at;
    this.#options = options;
    this.#socket = socket;
    if (options.signal?.aborted) this.close();
    else options.signal?.addEventListener("abort", this.#onAbort);
  }

  /** Nothing is sent yet, and the place need not be there yet: the library dials again. */
  static async open(at: Listen, options: AskOptions): Promise<Asker> {
    const { answerMaxBytes, timeoutMs } = options;
    const { Request } = await loadZeromq();
    const socket = new Request({
      // What was not sent by then is not sent later.
      linger: 0,
      maxMessageSize: answerMaxBytes,
      handshakeInterval: handshakeMs,
      // Existing file systems announce a port before they bind it.
      reconnectInterval: reconnectMs,
      receiveTimeout: timeoutMs,
      sendTimeout: timeoutMs,
      ipv6: at.host.includes(":"),
    });
    const host = isIP(at.host) === 6 ? `[${at.host}]` : at.host;
    try {
      socket.connect(`tcp://${host}:${at.port}`);
    } catch (cause) {
      socket.close();
      const text = `${at.host}:${at.port} is no address that can be dialled`;
      throw new ClusterError("bad-request", text, { cause });
    }
    return new Asker(at, options, socket);
  }

  /** Throws `timed-out`. */
  async ask(message: Uint8Array): Promise<Uint8Array> {
    try {
      await this.#socket.send(Buffer.from(message));
      const [answer] = await this.#socket.receive();
      return answer as Buffer;
    } catch (cause) {
      const { host, port } = this.#at;
      const text = `${host}:${port} did not answer within ${this.#options.timeoutMs} ms`;
      throw new ClusterError("timed-out", text, { cause });
    }
  }

  close(): void {
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    if (!this.#socket.closed) this.#socket.close();
  }
}
