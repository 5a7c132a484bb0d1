/** Answers gRPC calls on sockets that another server has accepted: unary and server streaming, one
 *  request message each. Everything that a connection could exhaust has a limit. */
import {
  constants,
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type Http2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Duplex } from "node:stream";
import { ClusterError } from "../../core/error.ts";
import { type RefuseClear, refuseBeyondHere } from "../tcp/clear.ts";
import { answerOf, type Sink } from "./answer.ts";
import { defaultGrpcLimits, type GrpcLimits } from "./limits.ts";
import { MessageCutter } from "./messages.ts";
import { headerOf, isGrpc, parseTimeout } from "./metadata.ts";
import { GrpcError, grpcStatus } from "./status.ts";

export type Call = {
  readonly path: string;
  /** A header by its lowercase name. */
  readonly metadata: (name: string) => string | undefined;
  /** Aborted when the caller is gone or has cancelled, or at the deadline. */
  readonly signal: AbortSignal;
  /** The same object for all calls of one connection; state may be kept for it. */
  readonly connection: object;
  readonly remote: string;
};

/** Answers one request with any number of messages; returning ends the call as OK, throwing ends it
 *  with the status of the error. */
export type Method = {
  readonly requestMaxBytes: number;
  /** Also answered without TLS to other machines, which existing clients need. */
  readonly isForAll?: boolean;
  handle(request: Uint8Array, call: Call, sink: Sink): Promise<void>;
};

export type GrpcServerOptions = {
  readonly methods: Readonly<Record<string, Method>>;
  readonly limits?: Partial<GrpcLimits>;
  /** PEM texts; without them TLS connections are not accepted. */
  readonly tls?: { readonly key: string; readonly cert: string } | null;
  /** From which addresses calls are answered without TLS. Default: this machine's. */
  readonly refuseClear?: RefuseClear;
  /** A bug, or a failure of this machine; the caller only learns that there was one. */
  readonly onBroken: (error: unknown, path: string) => void;
};

export class GrpcServer {
  readonly #server: Http2Server;
  readonly #secure: Http2SecureServer | null;
  readonly #methods: ReadonlyMap<string, Method>;
  readonly #limits: GrpcLimits;
  readonly #onBroken: GrpcServerOptions["onBroken"];
  readonly #refuseClear: RefuseClear;
  readonly #sessions = new Set<ServerHttp2Session>();

  constructor(options: GrpcServerOptions) {
    this.#limits = { ...defaultGrpcLimits, ...options.limits };
    this.#methods = new Map(Object.entries(options.methods));
    this.#onBroken = options.onBroken;
    this.#refuseClear = options.refuseClear ?? refuseBeyondHere;
    const settings = settingsOf(this.#limits);
    this.#server = createServer(settings);
    const { tls = null } = options;
    const handshakeTimeout = this.#limits.requestMs;
    this.#secure =
      tls === null ? null : createSecureServer({ ...settings, ...tls, handshakeTimeout });
    this.#attend(this.#server);
    if (this.#secure !== null) this.#attend(this.#secure);
  }

  #attend(server: Http2Server | Http2SecureServer): void {
    server.on("session", (session: ServerHttp2Session) => this.#watch(session));
    server.on("stream", (stream, headers) => this.#answer(stream, headers));
    // The session reports it, too; without a listener it would end the process.
    server.on("sessionError", () => {});
    server.on("tlsClientError", (_error: Error, socket: Duplex) => socket.destroy());
  }

  /** Takes over a connected socket; bytes read from it may have been put back. */
  serve(socket: Duplex): void {
    socket.on("error", () => socket.destroy());
    this.#server.emit("connection", socket);
  }

  /** The same for a socket on which a TLS handshake begins; false when there is no certificate. */
  serveTls(socket: Duplex): boolean {
    if (this.#secure === null) return false;
    socket.on("error", () => socket.destroy());
    this.#secure.emit("connection", socket);
    return true;
  }

  close(): void {
    for (const session of this.#sessions) session.destroy();
  }

  #watch(session: ServerHttp2Session): void {
    this.#sessions.add(session);
    session.once("close", () => this.#sessions.delete(session));
    session.on("error", () => session.destroy());
    session.setTimeout(this.#limits.idleMs, () => session.close());
    let pings = 0;
    let sinceMs = performance.now();
    session.on("ping", () => {
      if (performance.now() - sinceMs > this.#limits.pingWindowMs) {
        pings = 0;
        sinceMs = performance.now();
      }
      pings += 1;
      if (pings <= this.#limits.pingsMax) return;
      session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM);
      session.destroy();
    });
  }

  #answer(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    stream.on("error", () => {});
    if (headers[":method"] !== "POST" || !isGrpc(headers)) {
      stream.respond({ ":status": headers[":method"] === "POST" ? 415 : 405 }, { endStream: true });
      // Not at once: see `answerOf`.
      setImmediate(() => stream.close());
      return;
    }
    const answer = answerOf(stream);
    this.#run(stream, headers, answer.sink).then(answer.end, (error: unknown) => {
      if (!(error instanceof ClusterError)) this.#onBroken(error, headers[":path"] ?? "");
      answer.fail(error);
    });
  }

  async #run(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, sink: Sink): Promise<void> {
    const path = headers[":path"] ?? "";
    const method = this.#methods.get(path);
    if (method === undefined) {
      throw new GrpcError(grpcStatus.unimplemented, `unknown call ${path}`);
    }
    if (method.isForAll !== true) this.#mustBePrivate(stream.session);
    if (!["identity", undefined].includes(headerOf(headers, "grpc-encoding"))) {
      const text = "compressed messages are not accepted; send with grpc-encoding identity";
      throw new GrpcError(grpcStatus.unimplemented, text);
    }
    const limitMs = parseTimeout(headerOf(headers, "grpc-timeout"));
    if (Number.isNaN(limitMs))
      throw new ClusterError("bad-request", "grpc-timeout is not a valid time");
    const control = new AbortController();
    stream.once("close", () => control.abort(new ClusterError("unavailable", "the caller left")));
    const late = new ClusterError("timed-out", "the call's deadline has passed");
    if (limitMs !== null && limitMs <= 0) throw late;
    const timer =
      limitMs === null
        ? null
        : setTimeout(() => control.abort(late), Math.min(limitMs, 2 ** 31 - 1));
    const { signal } = control;
    try {
      const request = await this.#request(stream, method.requestMaxBytes, signal);
      const call: Call = {
        path,
        metadata: (name) => headerOf(headers, name),
        signal,
        connection: stream.session ?? stream,
        remote: stream.session?.socket.remoteAddress ?? "",
      };
      await Promise.race([method.handle(request, call, sink), rejected(signal)]);
    } finally {
      if (timer !== null) clearTimeout(timer);
    }
  }

  #mustBePrivate(session: Http2Session | undefined): void {
    if (session === undefined || session.encrypted) return;
    if (this.#refuseClear(session.socket) === null) return;
    throw new ClusterError("forbidden", "this call is answered only over TLS");
  }

  /** The only message of the request. */
  #request(stream: ServerHttp2Stream, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
    const cutter = new MessageCutter(maxBytes);
    let request: Uint8Array | null = null;
    return new Promise((resolve, reject) => {
      const late = new ClusterError("timed-out", "the request did not come in time");
      const timer = setTimeout(() => reject(late), this.#limits.requestMs);
      signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
      stream.on("data", (chunk: Buffer) => {
        try {
          cutter.push(chunk, (message) => {
            if (request !== null) throw new GrpcError(grpcStatus.internal, "a second request");
            request = message;
          });
        } catch (error) {
          stream.pause();
          reject(error as Error);
        }
      });
      stream.once("end", () => {
        clearTimeout(timer);
        if (request !== null && cutter.isAtEdge) resolve(request);
        else reject(new GrpcError(grpcStatus.internal, "the request is cut off"));
      });
      stream.once("close", () => clearTimeout(timer));
    });
  }
}

function settingsOf(limits: GrpcLimits) {
  return {
    maxHeaderListPairs: 64,
    maxOutstandingPings: 10,
    maxSettings: 32,
    maxSessionInvalidFrames: 100,
    maxSessionRejectedStreams: 100,
    // MB. Unsent answers are bounded by their sinks already; this is a second limit.
    maxSessionMemory: 128,
    streamResetBurst: limits.resetBurst,
    streamResetRate: limits.resetsPerS,
    settings: {
      maxConcurrentStreams: limits.streamsMax,
      maxHeaderListSize: limits.headersMaxBytes,
      initialWindowSize: limits.streamWindowBytes,
      enablePush: false,
    },
  };
}

function rejected(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
}
