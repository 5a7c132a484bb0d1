/** Answers on the coordinator's port while its log is replayed, or while another coordinator leads:
 *  every call is refused with the reason. The real server replaces it. */
import type { ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Listen } from "../../../link/listen.ts";
import { createServer } from "../../../link/node-http.ts";
import type { Certificate } from "../../../link/tls/self-signed.ts";
import { type ApiError, httpStatus, startingText } from "../../../wire/api/messages.ts";
import type { ReplayProgress } from "../../loop/journal.ts";

export type StartingServer = {
  replayed(progress: ReplayProgress): void;
  /** `leader`: its address, "" = not known. */
  standsBy(leader: string): void;
  /** Resolves when the port is free for the real server. */
  close(): Promise<void>;
};

/** If the port is in use, the real server will report it. */
export function serveStarting(
  { host, port }: Listen,
  certificate: Certificate | null,
): StartingServer {
  let message = `${startingText}; try again in a moment`;
  let leader = "";
  const answer = (_request: unknown, response: ServerResponse) => {
    const refusal = { code: "unavailable", message, retryable: true } as const;
    const body: ApiError = leader === "" ? refusal : { ...refusal, leader };
    const headers = { "content-type": "application/json", "retry-after": "1", connection: "close" };
    response.writeHead(httpStatus.unavailable, headers).end(JSON.stringify(body));
  };
  const server = certificate === null ? createServer(answer) : createTlsServer(certificate, answer);
  server.on("error", () => {});
  server.listen(port, host);
  return {
    replayed: ({ done, total }) => {
      const of = `${done} of ${total} records of its log are replayed`;
      message = `${startingText}: ${of}; try again in a moment`;
    },
    standsBy: (now) => {
      leader = now;
      const other = leader === "" ? "another one leads" : `${leader} leads`;
      message = `this coordinator stands by, ${other}; use that address`;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
