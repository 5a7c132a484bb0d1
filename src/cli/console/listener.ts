/** Where other users' clients ask this one for its published files. */
import { createServer, type Socket } from "node:net";
import { ClusterError } from "../../core/error.ts";
import { type FileLookup, serveGetFile } from "../../peer/console-files.ts";

/** Users that are served at once; more are closed without a word. */
const connectionsMax = 128;

export type FileListener = {
  readonly port: number;
  /** Ends transfers that are under way, too. */
  close(): Promise<void>;
};

/** Rejects with `conflict` or `bad-request`. */
export async function listenForUsers(
  at: { readonly host: string; readonly port: number },
  lookup: FileLookup,
): Promise<FileListener> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    void serveGetFile(socket, new Uint8Array(0), lookup);
  });
  server.maxConnections = connectionsMax;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject).listen(at, resolve);
  try {
    await promise;
  } catch (cause) {
    const { code } = cause as { code?: string };
    const isTaken = code === "EADDRINUSE";
    const text = `cannot listen on ${at.host}:${at.port} (${code}); see --listen-host, --listen-port`;
    throw new ClusterError(isTaken ? "conflict" : "bad-request", text, { cause });
  }
  const { port } = server.address() as { port: number };
  return {
    port,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
