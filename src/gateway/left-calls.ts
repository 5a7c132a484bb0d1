/** Goodbyes of pages that are being closed: their Worker, which has the connection, may have no
 *  time for one. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { parseLeft } from "../wire/browser/left.ts";
import type { Gateway } from "./gateway.ts";

export function leftCalls(gateway: Pick<Gateway, "left">) {
  return {
    handle(request: IncomingMessage, response: ServerResponse): boolean {
      const session = parseLeft(request.method, request.url);
      if (session === null) return false;
      gateway.left(session);
      response.writeHead(204).end();
      return true;
    },
  };
}
