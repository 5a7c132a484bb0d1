/** A gRPC server on a real socket with a few calls that exercise what a carrier must do, for
 *  tests. */
import { connect, createServer, type Server, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { ClusterError } from "../../../core/error.ts";
import { GrpcClient } from "../client.ts";
import { dial } from "../dial.ts";
import type { GrpcLimits } from "../limits.ts";
import { GrpcServer, type Method } from "../server.ts";

export const echoMethods: Readonly<Record<string, Method>> = {
  "/Echo/once": {
    requestMaxBytes: 8 * 1024 * 1024,
    handle: (request, _call, sink) => sink.send([request]),
  },
  /** As many messages as the first byte says. */
  "/Echo/many": {
    requestMaxBytes: 1024,
    async handle(request, _call, sink) {
      for (let i = 0; i < (request[0] ?? 0); i++) await sink.send([Uint8Array.of(i), request]);
    },
  },
  "/Echo/metadata": {
    requestMaxBytes: 1024,
    async handle(_request, call, sink) {
      await sink.send([new TextEncoder().encode(call.metadata("authorization") ?? "none")]);
    },
  },
  "/Echo/refuse": {
    requestMaxBytes: 1024,
    async handle() {
      throw new ClusterError("not-found", "no such thing: ñandú\n100 %");
    },
  },
  /** Sends until the caller cancels. */
  "/Echo/endless": {
    requestMaxBytes: 1024,
    async handle(_request, _call, sink) {
      for (;;) await sink.send([new Uint8Array(100_000)]);
    },
  },
  "/Echo/never": {
    requestMaxBytes: 1024,
    handle: (_request, call) =>
      new Promise((_, reject) => {
        call.signal.addEventListener("abort", () => reject(call.signal.reason));
      }),
  },
};

export type Echo = { readonly port: number; readonly broken: unknown[]; readonly server: Server };

export async function startEcho(
  t: TestContext,
  options: { limits?: Partial<GrpcLimits>; methods?: Readonly<Record<string, Method>> } = {},
): Promise<Echo> {
  const broken: unknown[] = [];
  const grpc = new GrpcServer({
    methods: options.methods ?? echoMethods,
    limits: options.limits ?? {},
    onBroken: (error) => broken.push(error),
  });
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    grpc.serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    grpc.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as { port: number }).port, broken, server };
}

export async function openEcho(t: TestContext, port: number): Promise<GrpcClient> {
  const socket = await dial({
    host: "127.0.0.1",
    port,
    fingerprint: "",
    refuse: () => null,
    // A busy machine may take long.
    limitMs: 300_000,
  });
  const client = new GrpcClient(socket, `127.0.0.1:${port}`);
  t.after(() => client.close());
  return client;
}

/** A plain connection after the HTTP/2 handshake, for hand-made frames. */
export async function rawConnection(t: TestContext, port: number): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1" });
  t.after(() => socket.destroy());
  socket.on("error", () => {});
  await new Promise((resolve) => socket.once("connect", resolve));
  socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  socket.write(frame(4, 0, 0, Buffer.alloc(0)));
  return socket;
}

export function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}
