/** A link over one substream: frames both ways, and the reason of a close. It is spoken between
 *  nodes of this implementation; existing peers have a substream for each request
 *  (`request-link.ts`).
 *
 *  Each frame is a varint of its length, a byte that says what it is, and its content: 0 a frame of
 *  the link, 1 the close, with its reason in UTF-8. */
import { closeCodes, cutReason, describeClose, describeOwn, tooLarge } from "../close-reason.ts";
import type { Link } from "../link.ts";
import { FrameCutter, sendAll, withLength } from "./frames.ts";
import type { Chunk, Stream } from "./load.ts";

export const linkProtocol = "/tequio/link/0.1.0";

export type StreamLimits = {
  /** A larger frame closes the link. Default 8 MiB. */
  readonly frameMaxBytes?: number;
  /** Bytes queued for a peer that reads too slowly before the link is closed. Default 64 MiB. */
  readonly pendingMaxBytes?: number;
  /** How long a close waits for what is queued, ms. Default 2,000. */
  readonly closeTimeoutMs?: number;
};

const kinds = { frame: 0, close: 1 } as const;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class StreamLink implements Link {
  readonly remote: string;
  readonly #stream: Stream;
  readonly #frameMaxBytes: number;
  readonly #pendingMaxBytes: number;
  readonly #closeTimeoutMs: number;
  readonly #cutter: FrameCutter;
  readonly #cutOff = new AbortController();
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #isSending = false;
  /** Arrived before there was a receiver. */
  #early: Uint8Array[] = [];
  #receive: ((frame: Uint8Array) => void) | null = null;
  #closed: ((reason: string) => void) | null = null;
  /** The first reason that is known on this side; nothing is sent or delivered after it. */
  #why: string | null = null;
  /** Why it closed, until `onClose` has reported it. */
  #untold: string | null = null;

  constructor(stream: Stream, remote: string, limits: StreamLimits = {}) {
    this.remote = remote;
    this.#stream = stream;
    this.#frameMaxBytes = limits.frameMaxBytes ?? 8 * 1024 * 1024;
    this.#pendingMaxBytes = limits.pendingMaxBytes ?? 64 * 1024 * 1024;
    this.#closeTimeoutMs = limits.closeTimeoutMs ?? 2_000;
    this.#cutter = new FrameCutter(this.#frameMaxBytes + 1);
    const lost = () => this.#end(describeClose(closeCodes.lost, ""));
    stream.addEventListener("message", ({ data }) => this.#arrived(data));
    stream.addEventListener("remoteCloseWrite", lost);
    stream.addEventListener("close", lost);
  }

  send(frame: Uint8Array): void {
    if (this.#why !== null) return;
    this.#enqueue(kinds.frame, frame);
    if (this.#queuedBytes <= this.#pendingMaxBytes) return;
    const text = `the peer reads too slowly: more than ${this.#pendingMaxBytes} bytes are queued`;
    // A close would wait behind them.
    this.#end(text);
    this.#stream.abort(new Error(text));
  }

  pendingBytes(): number {
    return this.#queuedBytes;
  }

  onFrame(receive: (frame: Uint8Array) => void): void {
    this.#receive = receive;
    queueMicrotask(() => {
      const early = this.#early;
      this.#early = [];
      if (early.length > 0) this.#stream.resume();
      for (const frame of early) this.#deliver(frame);
    });
  }

  onClose(closed: (reason: string) => void): void {
    this.#closed = closed;
    if (this.#untold !== null) queueMicrotask(() => this.#tell());
  }

  close(reason = ""): void {
    const cut = cutReason(reason);
    this.#close(describeOwn(cut), cut);
  }

  #close(here: string, there: string): void {
    if (this.#why !== null) return;
    this.#enqueue(kinds.close, encoder.encode(there));
    this.#end(here);
  }

  /** Nothing is delivered from now on; what was sent before still leaves. */
  #end(why: string): void {
    if (this.#why !== null) return;
    this.#why = why;
    this.#untold = why;
    this.#early = [];
    queueMicrotask(() => this.#tell());
    const timer = setTimeout(() => {
      this.#cutOff.abort();
      this.#stream.abort(new Error("the peer does not take the end of the link"));
    }, this.#closeTimeoutMs);
    timer.unref();
    this.#stream.addEventListener("close", () => clearTimeout(timer));
    void this.#sendQueued();
  }

  #enqueue(kind: number, content: Uint8Array): void {
    const frame = new Uint8Array(content.length + 1);
    frame[0] = kind;
    frame.set(content, 1);
    const bytes = withLength(frame);
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
    void this.#sendQueued();
  }

  async #sendQueued(): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        await sendAll(this.#stream, next, this.#cutOff.signal);
        this.#queuedBytes -= next.length;
      }
      if (this.#why !== null) await this.#stream.close({ signal: this.#cutOff.signal });
    } catch {
      // The stream ends, which reports itself.
      this.#queue = [];
      this.#queuedBytes = 0;
    } finally {
      this.#isSending = false;
    }
  }

  #arrived(data: Chunk): void {
    if (this.#why !== null) return;
    try {
      for (const frame of this.#cutter.add(data)) {
        if (frame[0] === kinds.frame) this.#deliver(frame.subarray(1));
        else return this.#end(describeClose(closeCodes.normal, decoder.decode(frame.subarray(1))));
      }
    } catch {
      this.#close(tooLarge(this.#frameMaxBytes), describeClose(closeCodes.tooLarge, ""));
    }
  }

  #deliver(frame: Uint8Array): void {
    if (this.#why !== null) return;
    if (this.#receive !== null && this.#early.length === 0) return this.#receive(frame);
    if (this.#early.length === 0 && this.#receive === null) this.#stream.pause();
    this.#early.push(frame);
  }

  #tell(): void {
    if (this.#closed === null || this.#untold === null) return;
    const reason = this.#untold;
    this.#untold = null;
    this.#closed(reason);
  }
}
