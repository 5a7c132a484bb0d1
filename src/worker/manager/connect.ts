/** Dials the coordinator: the manager protocol over WebSocket, on the coordinator's one HTTP
 *  port. */
import type { Link } from "../../link/link.ts";
import { dialWebSocket } from "../../link/websocket.ts";
import { frameBytesMax } from "../../wire/manager/limits.ts";

export const managerPath = "/balthazar/worker/0.3.1";

export type ConnectOptions = {
  /** `http://host:7070` or `https://…`. */
  readonly url: string;
  /** Join token, shown until the worker has a credential of its own. */
  readonly token: string;
  /** SHA-256 of the coordinator's certificate; "" = none pinned. */
  readonly fingerprint: string;
  readonly timeoutMs: number;
};

export function dialCoordinator(options: ConnectOptions, credential: string): Promise<Link> {
  const { fingerprint, timeoutMs } = options;
  const token = credential === "" ? options.token : credential;
  return dialWebSocket(new URL(managerPath, options.url).href, {
    headers: { authorization: `Bearer ${token}` },
    timeoutMs,
    frameMaxBytes: frameBytesMax,
    ...(fingerprint === "" ? {} : { tls: { fingerprint } }),
  });
}
