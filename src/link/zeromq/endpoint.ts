/** Binds sockets, and explains failures to do so. */
import { isIP } from "node:net";
import { ClusterError } from "../../core/error.ts";
import type { Listen } from "../listen.ts";
import { type ListenAdvice, listenError } from "../listen-error.ts";
import type { ZeromqSocket } from "./load.ts";

/** Port 0 = one that the system picks. Resolves with the port; rejects as `listenError` does. */
export async function bindTcp(
  socket: ZeromqSocket,
  { host, port }: Listen,
  advice?: ListenAdvice,
): Promise<number> {
  try {
    await socket.bind(`tcp://${isIP(host) === 6 ? `[${host}]` : host}:${port === 0 ? "*" : port}`);
  } catch (cause) {
    throw listenError(cause, { host, port }, advice);
  }
  const bound = Number(/:(\d+)$/.exec(socket.lastEndpoint ?? "")?.[1]);
  if (Number.isInteger(bound) && bound > 0) return bound;
  throw new ClusterError("unavailable", `the system named no port on ${host}; try again`);
}
