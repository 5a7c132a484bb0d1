/** The port of the control channel: plain HTTP, since existing peers speak only that; and gRPC for
 *  the modules of running jobs. */
import { GrpcServer } from "../../../link/grpc/server.ts";
import type { Listen } from "../../../link/listen.ts";
import { createServer } from "../../../link/node-http.ts";
import { defaultListenerLimits, openListener } from "../../../peer/listener.ts";
import type { P4Edge } from "./edge.ts";
import { type ModuleParts, moduleMethods } from "./modules.ts";

export type P4Serving = {
  readonly host: string;
  readonly port: number;
  /** Ends all calls; resolves when they are gone. */
  close(): Promise<void>;
};

export type P4Parts = ModuleParts & {
  readonly edge: P4Edge;
  readonly onError: (error: unknown) => void;
};

const headersTimeoutMs = 10_000;
const connectionsMax = 10_000;

export async function serveP4(parts: P4Parts, { host, port }: Listen): Promise<P4Serving> {
  const { edge, onError } = parts;
  const server = createServer(
    {
      maxHeaderSize: 16 * 1024,
      headersTimeout: headersTimeoutMs,
      connectionsCheckingInterval: headersTimeoutMs / 2,
      // For bodies; see `bodyTimeoutMs` of the edge.
      requestTimeout: 0,
      keepAliveTimeout: 30_000,
    },
    (request, response) => edge.handle(request, response),
  );
  const listener = await openListener({
    ...defaultListenerLimits,
    host,
    port,
    advice: { options: "--p4-port and --p4-host", free: "--p4-port 0" },
    grpc: new GrpcServer({ methods: moduleMethods(parts), onBroken: onError }),
    other: (socket, first) => {
      socket.unshift(first);
      server.emit("connection", socket);
    },
    connectionsMax,
    firstBytesMs: headersTimeoutMs,
  });
  return {
    host,
    port: listener.port,
    async close() {
      server.close();
      server.closeAllConnections();
      await listener.close();
    },
  };
}
