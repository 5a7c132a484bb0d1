/** The one port of a member. The first bytes of a connection say what it speaks: gRPC (`PRI * HTTP/2`),
 *  the same inside TLS, or the console's GET_FILE. */
import { createServer, type Server, type Socket } from "node:net";
import { createSecureContext, TLSSocket } from "node:tls";
import { ClusterError } from "../core/error.ts";
import type { GrpcServer } from "../link/grpc/server.ts";

export type ListenerOptions = {
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  readonly grpc: GrpcServer;
  /** PEM texts; null = a TLS hello is refused. */
  readonly tls: { readonly key: string; readonly cert: string } | null;
  /** Serves a connection that speaks something else; what was read is put back before. */
  readonly other: ((socket: Socket) => void) | null;
  readonly connectionsMax: number;
  /** Longest wait for the first bytes, and for a TLS handshake, ms. */
  readonly firstBytesMs: number;
};

export type Listener = {
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
};

export const defaultListenerLimits = { connectionsMax: 512, firstBytesMs: 10_000 } as const;

const preface = Buffer.from("PRI");
const tlsHandshake = 0x16;

export async function openListener(options: ListenerOptions): Promise<Listener> {
  const sockets = new Set<Socket>();
  const context = options.tls === null ? null : createSecureContext(options.tls);
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    firstBytes(socket, options.firstBytesMs, (first) => {
      if (first[0] === tlsHandshake && context !== null) secure(socket, context, options);
      else if (first[0] === preface[0]) options.grpc.serve(socket);
      else if (options.other !== null && first[0] !== tlsHandshake) options.other(socket);
      else socket.destroy();
    });
  });
  server.maxConnections = options.connectionsMax;
  await listen(server, options);
  const { port, address } = server.address() as { port: number; address: string };
  return {
    host: address,
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        options.grpc.close();
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** Waits for what tells protocols apart: one byte, or three of what may be HTTP/2. */
function firstBytes(socket: Socket, limitMs: number, then: (first: Buffer) => void): void {
  const timer = setTimeout(() => socket.destroy(), limitMs);
  socket.once("close", () => clearTimeout(timer));
  const look = () => {
    const first: Buffer | null = socket.read();
    if (first === null) return;
    socket.unshift(first);
    const known = first.subarray(0, preface.length);
    const isPreface = preface.subarray(0, known.length).equals(known);
    if (isPreface && known.length < preface.length) return;
    clearTimeout(timer);
    socket.off("readable", look);
    // "P" also begins words of other protocols.
    then(isPreface || known[0] !== preface[0] ? first : Buffer.of(0));
  };
  socket.on("readable", look);
}

function secure(
  socket: Socket,
  secureContext: ReturnType<typeof createSecureContext>,
  options: ListenerOptions,
): void {
  const inner = new TLSSocket(socket, { isServer: true, secureContext, ALPNProtocols: ["h2"] });
  const timer = setTimeout(() => inner.destroy(), options.firstBytesMs);
  inner.on("error", () => inner.destroy());
  inner.once("close", () => clearTimeout(timer));
  inner.once("secure", () => {
    clearTimeout(timer);
    options.grpc.serve(inner);
  });
}

function listen(server: Server, { host, port }: ListenerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const code = error.code === "EADDRINUSE" ? "conflict" : "bad-request";
      const text = `cannot listen at ${host}:${port} (${error.code}); use another --listen address`;
      reject(new ClusterError(code, text, { cause: error }));
    });
    server.listen(port, host, resolve);
  });
}
