/** What pages of other origins may do: nothing, except for the origins that the options of the
 *  server allow. A browser sends no credentials of its own for them: the token of a page decides
 *  what it may do. */
import type { IncomingMessage, ServerResponse } from "node:http";

/** How long a browser may remember a permission, s. */
const permissionS = 600;
const methods = "GET, HEAD, PUT, POST, DELETE";
const headers = "authorization, content-type, if-none-match, range, x-content-sha256";
const readable = "accept-ranges, content-length, content-range, etag, retry-after";

/** Allows the page to read the answer, by the CORS headers. True when the call was a preflight and
 *  is answered. To be called after `checkOrigin`. */
export function permit(
  request: IncomingMessage,
  response: ServerResponse,
  origins: readonly string[],
): boolean {
  const { origin } = request.headers;
  if (origins.length > 0) response.setHeader("vary", "origin");
  if (origin === undefined || !origins.includes(origin)) return false;
  response.setHeader("access-control-allow-origin", origin);
  response.setHeader("access-control-expose-headers", readable);
  response.setHeader("cross-origin-resource-policy", "cross-origin");
  const isQuestion = request.headers["access-control-request-method"] !== undefined;
  if (request.method !== "OPTIONS" || !isQuestion) return false;
  response.writeHead(204, {
    "access-control-allow-methods": methods,
    "access-control-allow-headers": headers,
    "access-control-max-age": String(permissionS),
    // Asked for where the page is of a public network, and the server of a private one.
    ...(request.headers["access-control-request-private-network"] === "true"
      ? { "access-control-allow-private-network": "true" }
      : {}),
  });
  response.end();
  return true;
}
