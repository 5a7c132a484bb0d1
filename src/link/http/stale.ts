/** Kept connections that the server closes just as they are used again. Both sides are right, and
 *  the likelier the busier the machine is. */
import type { ClientRequest } from "node:http";

/** The request met such a connection and has no answer: on a new one it may be sent again. A
 *  coordinator that died in its middle looks the same, so it must be harmless twice. */
export function metStaleConnection(request: ClientRequest, error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return request.reusedSocket && (code === "ECONNRESET" || code === "EPIPE");
}
