/** The port of the control channel: plain HTTP, since existing peers speak only that. */
import { createServer } from "node:http";
import type { Listen } from "../../../link/listen.ts";
import { listenError } from "../../../link/listen-error.ts";
import type { P4Edge } from "./edge.ts";

export type P4Serving = {
  readonly host: string;
  readonly port: number;
  /** Ends all calls; resolves when they are gone. */
  close(): Promise<void>;
};

const headersTimeoutMs = 10_000;
const connectionsMax = 10_000;

export async function serveP4(edge: P4Edge, { host, port }: Listen): Promise<P4Serving> {
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
  server.maxConnections = connectionsMax;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const options = "--p4-port and --p4-host";
      reject(listenError(cause, { host, port }, { options, free: "--p4-port 0" }));
    });
    server.listen({ host, port }, resolve);
  });
  return {
    host,
    port: (server.address() as { port: number }).port,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
