/** The one port of a member. The first bytes of a connection show its protocol: gRPC (`PRI *
 *  HTTP/2`), the same inside TLS, or the console's GET_FILE. */
import { createServer, type Server, type Socket } from "node:net";
import type { GrpcServer } from "../link/grpc/server.ts";
import { type ListenAdvice, listenError } from "../link/listen-error.ts";

export type ListenerOptions = {
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  /** Which option chooses another address, for the error; default: `--listen`. */
  readonly advice?: ListenAdvice;
  readonly grpc: GrpcServer;
  /** Serves a connection of another protocol, of which these bytes were read. */
  readonly other: ((socket: Socket, firstBytes: Uint8Array) => void) | null;
  readonly connectionsMax: number;
  /** Longest wait for the first bytes, ms. */
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
  // Clients of the console close their side before the answer.
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    firstBytes(socket, options.firstBytesMs, (first) => {
      const isTls = first[0] === tlsHandshake;
      const isHttp2 = preface.equals(first.subarray(0, preface.length));
      if (isTls || isHttp2) {
        socket.unshift(first);
        socket.once("end", () => socket.end());
      }
      if (isHttp2) options.grpc.serve(socket);
      else if (isTls && options.grpc.serveTls(socket)) return;
      else if (!isTls && options.other !== null) options.other(socket, first);
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
        if (server.listening) server.close(() => resolve());
        else resolve();
        options.grpc.close();
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** Waits for the bytes that distinguish protocols: one, or three of what may be HTTP/2. */
function firstBytes(socket: Socket, limitMs: number, then: (first: Buffer) => void): void {
  let first = Buffer.alloc(0);
  const timer = setTimeout(() => socket.destroy(), limitMs);
  socket.once("close", () => clearTimeout(timer));
  const look = () => {
    const more: Buffer | null = socket.read();
    if (more === null) return;
    first = Buffer.concat([first, more]);
    if (first.length < preface.length && preface.subarray(0, first.length).equals(first)) return;
    clearTimeout(timer);
    socket.off("readable", look);
    then(first);
  };
  socket.on("readable", look);
}

function listen(server: Server, { advice, host, port }: ListenerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(listenError(error, { host, port }, advice));
    });
    server.listen(port, host, resolve);
  });
}
