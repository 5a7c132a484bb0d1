/** A link over one open WebSocket that carries text: each message one frame, as web pages send
 *  them. */
import type { RawData, WebSocket } from "ws";
import { cutReason, describeClose, describeOwn, tooLarge } from "../close-reason.ts";
import { type SocketLimits, socketOptions } from "./socket-link.ts";

export type TextReceiver = {
  said(text: string): void;
  /** A binary frame came; what follows is still read. */
  misspoke(what: string): void;
  /** Called once, with why. */
  closed(reason: string): void;
};

export class TextLink {
  /** For logs: the other side's address. */
  readonly remote: string;
  readonly #socket: WebSocket;
  readonly #pendingMaxBytes: number;
  #receiver: TextReceiver | null = null;
  #why: string | null = null;

  /** `socket` must be open. Nothing is read from it until there is somebody to receive. */
  constructor(socket: WebSocket, remote: string, limits: SocketLimits) {
    this.remote = remote;
    this.#socket = socket;
    this.#pendingMaxBytes = limits.pendingMaxBytes ?? 64 * 1024 * 1024;
    socket.pause();
    socket.on("message", (frame, isBinary) => this.#arrived(frame, isBinary));
    socket.on("error", (error) => {
      const isTooLarge = "code" in error && error.code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH";
      this.#why ??= isTooLarge
        ? tooLarge(socketOptions(limits).maxPayload)
        : `broken WebSocket: ${error.message}`;
    });
    socket.on("close", (code, reason) => {
      this.#why ??= describeClose(code, reason.toString());
      this.#tell();
    });
  }

  /** Starts reading. Set once. */
  receive(receiver: TextReceiver): void {
    this.#receiver = receiver;
    this.#socket.resume();
    if (this.#socket.readyState === this.#socket.CLOSED) queueMicrotask(() => this.#tell());
  }

  /** No effect after close. A reader that falls behind by more than the bound is cut off. */
  send(text: string): void {
    if (this.#why !== null) return;
    this.#socket.send(text);
    if (this.#socket.bufferedAmount > this.#pendingMaxBytes) {
      this.#why = `the other side reads too slowly: more than ${this.#pendingMaxBytes} bytes wait`;
      // A close frame would wait behind them.
      this.#socket.terminate();
    }
  }

  /** May be called twice. */
  close(code: number, reason: string): void {
    if (this.#why !== null) return;
    const cut = cutReason(reason);
    this.#why = describeOwn(cut);
    this.#socket.close(code, cut);
    // The other side's close frame must be read, also when nobody ever received.
    this.#socket.resume();
  }

  #arrived(frame: RawData, isBinary: boolean): void {
    if (this.#why !== null) return;
    if (isBinary) this.#receiver?.misspoke("a binary frame came; only text is taken");
    else this.#receiver?.said(frame.toString());
  }

  #tell(): void {
    const receiver = this.#receiver;
    this.#receiver = null;
    receiver?.closed(this.#why ?? "closed");
  }
}
