/** A handler that shares the coordinator's port: the web page and the tabs' WebSockets of a
 *  gateway. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

export type Upgrade = {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
};

export type Mount = {
  /** Called for requests that are not calls of the API, after Host and Origin were checked. True
   *  when it has answered. */
  handle(request: IncomingMessage, response: ServerResponse): boolean;
  /** The same for WebSockets. */
  upgrade(upgrade: Upgrade): boolean;
  /** Closes its links; resolves when they are gone. */
  close(): Promise<void>;
};
