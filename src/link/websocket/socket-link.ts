/** A link over one open WebSocket: binary messages only, each one frame. It does not check
 *  liveness. */
import type { Duplex } from "node:stream";
import type { RawData, WebSocket } from "ws";
import { closeCodes, cutReason, describeClose, describeOwn, tooLarge } from "../close-reason.ts";
import type { Link } from "../link.ts";

/** Limits of one link; the same names for all links. */
export type SocketLimits = {
  /** A larger frame closes the link with code 1009. Default 8 MiB. */
  readonly frameMaxBytes?: number;
  /** Bytes queued for a peer that reads too slowly before the link is closed. Default 64 MiB. */
  readonly pendingMaxBytes?: number;
  /** How long a close waits for the peer's close frame before the connection is cut, in ms. Default
   *  2,000. */
  readonly closeTimeoutMs?: number;
};

/** Options of the `ws` library on both ends. Compression would let few bytes become many. */
export function socketOptions(limits: SocketLimits) {
  return {
    perMessageDeflate: false,
    maxPayload: limits.frameMaxBytes ?? 8 * 1024 * 1024,
    maxFragments: 1024,
    closeTimeout: limits.closeTimeoutMs ?? 2_000,
  } as const;
}

export type OpenSocket = {
  readonly socket: WebSocket;
  readonly stream: Duplex;
  readonly remote: string;
};

export class SocketLink implements Link {
  readonly remote: string;
  readonly #socket: WebSocket;
  /** What the WebSocket runs over. */
  readonly #stream: Duplex;
  readonly #pendingMaxBytes: number;
  #corked = false;
  #receive: ((frame: Uint8Array) => void) | null = null;
  #closed: ((reason: string) => void) | null = null;
  /** The first reason that is known on this side; nothing is sent or delivered after it. */
  #why: string | null = null;
  /** Why it closed, until `onClose` has reported it. */
  #untold: string | null = null;

  /** `socket` must be open. Nothing is read from it until there is a receiver. */
  constructor({ socket, stream, remote }: OpenSocket, limits: SocketLimits) {
    this.remote = remote;
    this.#socket = socket;
    this.#stream = stream;
    this.#pendingMaxBytes = limits.pendingMaxBytes ?? 64 * 1024 * 1024;
    const { maxPayload } = socketOptions(limits);
    socket.pause();
    socket.on("message", (data, isBinary) => this.#arrived(data, isBinary));
    socket.on("error", (error) => {
      this.#why ??= isTooLarge(error) ? tooLarge(maxPayload) : `broken WebSocket: ${error.message}`;
    });
    socket.on("close", (code, reason) => {
      this.#untold = this.#why ?? describeClose(code, reason.toString());
      this.#why = this.#untold;
      this.#tell();
    });
  }

  send(frame: Uint8Array): void {
    if (this.#why !== null) return;
    this.#cork();
    this.#socket.send(frame);
    if (this.#socket.bufferedAmount > this.#pendingMaxBytes) {
      this.#why = `the peer reads too slowly: more than ${this.#pendingMaxBytes} bytes are queued`;
      // A close frame would wait behind them.
      this.#socket.terminate();
    }
  }

  flush(): void {
    if (!this.#corked) return;
    this.#corked = false;
    this.#stream.uncork();
  }

  /** What is sent in one turn leaves in one packet: each packet costs as much as hundreds of
   *  tasks. */
  #cork(): void {
    if (this.#corked) return;
    this.#corked = true;
    this.#stream.cork();
    process.nextTick(() => this.flush());
  }

  pendingBytes(): number {
    return this.#socket.bufferedAmount;
  }

  onFrame(receive: (frame: Uint8Array) => void): void {
    this.#receive = receive;
    this.#socket.resume();
  }

  onClose(closed: (reason: string) => void): void {
    this.#closed = closed;
    if (this.#untold !== null) queueMicrotask(() => this.#tell());
  }

  close(reason = ""): void {
    this.#end(closeCodes.normal, reason);
  }

  #end(code: number, reason: string): void {
    if (this.#why !== null) return;
    const cut = cutReason(reason);
    this.#why = describeOwn(cut);
    this.#socket.close(code, cut);
    // The peer's close frame must be read, even when there was never a receiver.
    this.#socket.resume();
  }

  #arrived(data: RawData, isBinary: boolean): void {
    if (this.#why !== null) return;
    if (!isBinary) {
      this.#end(closeCodes.wrongKind, "a text frame came; only binary frames are accepted");
      return;
    }
    // With the default binary type, `data` is a Buffer: passed on as the plain array that links
    // promise.
    const buffer = data as Buffer;
    this.#receive?.(new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength));
  }

  #tell(): void {
    if (this.#closed === null || this.#untold === null) return;
    const reason = this.#untold;
    this.#untold = null;
    this.#closed(reason);
  }
}

function isTooLarge(error: Error): boolean {
  return "code" in error && error.code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH";
}
