/** Makes gRPC calls over one connection: unary and server streaming. */
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
} from "node:http2";
import type { Duplex } from "node:stream";
import { ClusterError } from "../../core/error.ts";
import { defaultGrpcLimits, type GrpcLimits } from "./limits.ts";
import { type Allocate, MessageCutter, prefixOf } from "./messages.ts";
import { contentType, decodeDetails, headerOf, isGrpc, timeoutText } from "./metadata.ts";
import { GrpcError, grpcStatus, statusOfHttp, statusOfReset } from "./status.ts";

export type CallOptions = {
  readonly metadata?: Readonly<Record<string, string>>;
  /** Longest time of the whole call, ms; sent to the server as its deadline, too. */
  readonly limitMs: number;
  readonly answerMaxBytes: number;
  readonly allocate?: Allocate;
  readonly signal?: AbortSignal;
};

/** Messages that were received and not yet consumed: beyond it the stream is paused. */
const queueMax = 8;

export class GrpcClient {
  readonly #session: ClientHttp2Session;
  readonly #authority: string;
  readonly #closed: Promise<void>;

  /** `socket` is connected; `authority` is the `host:port` by which the server is known. */
  constructor(socket: Duplex, authority: string, limits: Partial<GrpcLimits> = {}) {
    const all = { ...defaultGrpcLimits, ...limits };
    this.#authority = authority;
    this.#session = connect(`http://${authority}`, {
      createConnection: () => socket,
      maxHeaderListPairs: 64,
      maxSettings: 32,
      maxSessionMemory: 128,
      settings: {
        enablePush: false,
        initialWindowSize: all.streamWindowBytes,
        maxHeaderListSize: all.headersMaxBytes,
      },
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#closed = promise;
    this.#session.once("connect", () => {
      if (this.isOpen) this.#session.setLocalWindowSize(all.connectionWindowBytes);
    });
    this.#session.on("error", () => this.#session.destroy());
    this.#session.once("close", resolve);
    this.#session.setTimeout(all.idleMs, () => this.#session.close());
  }

  /** Resolves once, when no more calls can be made. */
  get closed(): Promise<void> {
    return this.#closed;
  }

  get isOpen(): boolean {
    return !this.#session.closed && !this.#session.destroyed;
  }

  close(): void {
    this.#session.destroy();
  }

  /** The one message of the answer. */
  async unary(
    path: string,
    request: readonly Uint8Array[],
    options: CallOptions,
  ): Promise<Uint8Array> {
    let answer: Uint8Array | null = null;
    for await (const message of this.stream(path, request, options)) {
      if (answer !== null) {
        throw new ClusterError("protocol-violated", `${path} sent two answers to one request`);
      }
      answer = message;
    }
    if (answer === null) throw new ClusterError("protocol-violated", `${path} sent no answer`);
    return answer;
  }

  /** The messages of the answer as they arrive; leaving the loop early cancels the call. Throws
   *  `GrpcError` for the server's status, `unavailable` when the connection is lost. */
  async *stream(
    path: string,
    request: readonly Uint8Array[],
    options: CallOptions,
  ): AsyncGenerator<Uint8Array, void> {
    options.signal?.throwIfAborted();
    if (!this.isOpen) {
      const text = `the connection to ${this.#authority} is closed`;
      throw new GrpcError(grpcStatus.unavailable, text, { origin: "connection-lost" });
    }
    const stream = this.#session.request({
      ":method": "POST",
      ":path": path,
      "content-type": contentType,
      te: "trailers",
      "grpc-timeout": timeoutText(options.limitMs),
      "grpc-accept-encoding": "identity",
      "user-agent": "grpc-node-tequio",
      ...options.metadata,
    });
    const reading = new Reading(stream, options);
    const abort = () => reading.fail(options.signal?.reason as Error);
    options.signal?.addEventListener("abort", abort, { once: true });
    const late = new ClusterError("timed-out", `${path} took longer than ${options.limitMs} ms`);
    const timer = setTimeout(() => reading.fail(late), options.limitMs);
    try {
      stream.end(Buffer.concat([prefixOf(request), ...request]));
      for (let next = await reading.next(); next !== null; next = await reading.next()) yield next;
    } finally {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", abort);
      // Cancels the call, unless it has ended by itself; the caller's memory is not written to any
      // more.
      reading.fail(new ClusterError("unavailable", "the caller has left"));
    }
  }
}

/** One answer being received: a short queue of messages, then how it ended. */
class Reading {
  readonly #stream: ClientHttp2Stream;
  readonly #cutter: MessageCutter;
  readonly #queue: Uint8Array[] = [];
  #end: Error | "ok" | null = null;
  #status: Error | "ok" | null = null;
  #wake = () => {};

  constructor(stream: ClientHttp2Stream, options: CallOptions) {
    this.#stream = stream;
    this.#cutter = new MessageCutter(options.answerMaxBytes, options.allocate);
    stream.on("response", (headers) => this.#headers(headers));
    stream.on("trailers", (headers) => this.#trailers(headers));
    stream.on("data", (chunk: Buffer) => this.#data(chunk));
    stream.on("error", () => {});
    stream.once("close", () => this.#close());
  }

  async next(): Promise<Uint8Array | null> {
    for (;;) {
      const message = this.#queue.shift();
      if (message !== undefined) {
        if (this.#queue.length < queueMax && this.#stream.isPaused()) this.#stream.resume();
        return message;
      }
      if (this.#end === "ok") return null;
      if (this.#end !== null) throw this.#end;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Ends it with what has arrived so far; only the first end counts. */
  fail(error: Error): void {
    this.#finish(error);
    if (!this.#stream.closed) this.#stream.close(8);
  }

  #data(chunk: Buffer): void {
    if (this.#end !== null) return;
    try {
      this.#cutter.push(chunk, (message) => this.#queue.push(message));
    } catch (error) {
      return this.fail(error as Error);
    }
    if (this.#queue.length >= queueMax) this.#stream.pause();
    if (this.#queue.length > 0) this.#wake();
  }

  #headers(headers: IncomingHttpHeaders): void {
    const http = Number(headers[":status"]);
    if (headers["grpc-status"] !== undefined) this.#trailers(headers);
    else if (http !== 200) this.fail(new GrpcError(statusOfHttp(http), `HTTP status ${http}`));
    else if (!isGrpc(headers)) {
      this.fail(
        new GrpcError(
          grpcStatus.unknown,
          "the answer is not gRPC; check that the address is a peer's",
        ),
      );
    }
    const encoding = headerOf(headers, "grpc-encoding") ?? "identity";
    if (encoding === "identity") return;
    this.fail(new GrpcError(grpcStatus.unimplemented, `${encoding} messages are not unpacked`));
  }

  #trailers(headers: IncomingHttpHeaders): void {
    const status = Number(headerOf(headers, "grpc-status") ?? grpcStatus.unknown);
    const details = decodeDetails(headerOf(headers, "grpc-message") ?? "");
    this.#status = status === grpcStatus.ok ? "ok" : new GrpcError(status, details);
  }

  #close(): void {
    const { rstCode } = this.#stream;
    if (this.#status === "ok" && !this.#cutter.isAtEdge) {
      this.#finish(new ClusterError("protocol-violated", "the answer's last message is cut off"));
    } else if (this.#status !== null) this.#finish(this.#status);
    else {
      const text = "the connection was lost before the answer's end";
      this.#finish(new GrpcError(statusOfReset(rstCode), text, { origin: "connection-lost" }));
    }
  }

  #finish(end: Error | "ok"): void {
    if (this.#end === null) this.#end = end;
    this.#wake();
  }
}
