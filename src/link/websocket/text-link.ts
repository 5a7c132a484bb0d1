/** A link over one open WebSocket that carries text: each message one frame, as web pages send
 *  them. */
import type { Duplex } from "node:stream";
import type { RawData, WebSocket } from "ws";
import { closeCodes, cutReason, describeClose, describeOwn, tooLarge } from "../close-reason.ts";
import { type OpenSocket, type SocketLimits, socketOptions } from "./socket-link.ts";

export type TextReceiver = {
  said(text: string): void;
  /** A binary frame came; later frames are still read. */
  misspoke(what: string): void;
  /** Called once, with the reason. */
  closed(reason: string): void;
};

/** Pings and pongs of WebSocket itself that the peer may send in a second. */
const controlsPerS = 100;

export class TextLink {
  /** For logs: the peer's address. */
  readonly remote: string;
  readonly #socket: WebSocket;
  /** What the WebSocket runs over; it counts what was read. */
  readonly #stream: Duplex & { readonly bytesRead?: number };
  /** The part of these that had arrived with the newest message. */
  #readBytes = 0;
  #controls = 0;
  #controlsSinceMs = 0;
  readonly #pendingMaxBytes: number;
  #receiver: TextReceiver | null = null;
  #why: string | null = null;

  /** `socket` must be open. Nothing is read from it until there is a receiver. */
  constructor({ remote, socket, stream }: OpenSocket, limits: SocketLimits) {
    this.remote = remote;
    this.#socket = socket;
    this.#stream = stream;
    this.#readBytes = this.#stream.bytesRead ?? 0;
    this.#pendingMaxBytes = limits.pendingMaxBytes ?? 64 * 1024 * 1024;
    socket.pause();
    socket.on("message", (frame, isBinary) => this.#arrived(frame, isBinary));
    const controlled = () => this.#controlled();
    socket.on("ping", controlled).on("pong", controlled);
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

  /** No effect after close. A reader that falls behind by more than the bound is disconnected. */
  send(text: string): void {
    if (this.#why !== null) return;
    this.#socket.send(text);
    if (this.#socket.bufferedAmount > this.#pendingMaxBytes) {
      this.cut(`the peer reads too slowly: more than ${this.#pendingMaxBytes} bytes are queued`);
    }
  }

  /** Its bytes in memory: queued to be sent, or of a half-received message. */
  heldBytes(): number {
    return this.#socket.bufferedAmount + (this.#stream.bytesRead ?? 0) - this.#readBytes;
  }

  /** Disconnects at once, without a close frame that would wait behind other frames. */
  cut(why: string): void {
    this.#why ??= why;
    this.#socket.terminate();
  }

  /** May be called twice. */
  close(code: number, reason: string): void {
    if (this.#why !== null) return;
    const cut = cutReason(reason);
    this.#why = describeOwn(cut);
    this.#socket.close(code, cut);
    // The peer's close frame must be read, even when there was never a receiver.
    this.#socket.resume();
  }

  #arrived(frame: RawData, isBinary: boolean): void {
    this.#readBytes = this.#stream.bytesRead ?? 0;
    if (this.#why !== null) return;
    if (isBinary) this.#receiver?.misspoke("a binary frame came; only text is accepted");
    else this.#receiver?.said(frame.toString());
  }

  /** They cost as much as messages, and no well-behaved peer sends many. */
  #controlled(): void {
    const atMs = performance.now();
    if (atMs - this.#controlsSinceMs >= 1_000) {
      this.#controlsSinceMs = atMs;
      this.#controls = 0;
    }
    if (++this.#controls <= controlsPerS) return;
    this.close(closeCodes.againstRules, `more than ${controlsPerS} pings and pongs in a second`);
  }

  #tell(): void {
    const receiver = this.#receiver;
    this.#receiver = null;
    receiver?.closed(this.#why ?? "closed");
  }
}
