/** The gateway as a web server of its own: pages, data of attempts, and the WebSockets of tabs and
 *  trackers on one port. */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { ClusterError } from "../core/error.ts";
import { permit } from "../link/http/cross-origin.ts";
import { checkOrigin, type OriginRules } from "../link/http/origin.ts";
import { listenError } from "../link/listen-error.ts";
import { createServer } from "../link/node-http.ts";
import { isSameSecret } from "../link/secret.ts";
import { type Acceptor, acceptTexts, refuseUpgrade, type TextLink } from "../link/websocket.ts";
import { browserLimits } from "../wire/browser/messages.ts";
import type { Gateway } from "./gateway.ts";

export type GatewayServerOptions = {
  readonly gateway: Gateway;
  readonly host: string;
  /** 0 = any. */
  readonly port: number;
  readonly certificate: { readonly cert: string; readonly key: string } | null;
  readonly origin: OriginRules;
  readonly trackers: TrackerRules;
  readonly times?: Partial<ServerTimes>;
  /** Handlers of HTTP requests, tried in order; 404 when none takes a request. */
  readonly handlers: ReadonlyArray<{
    handle(request: IncomingMessage, response: ServerResponse): boolean;
  }>;
};

export type ServerTimes = {
  /** For TLS, and for the headers of a call or an upgrade, each, ms. */
  readonly headersTimeoutMs: number;
  /** Longest time in which neither side of a call moves a byte, ms. */
  readonly idleTimeoutMs: number;
};

export const serverTimes: ServerTimes = { headersTimeoutMs: 10_000, idleTimeoutMs: 60_000 };

/** Which connections may become the tracker. */
export type TrackerRules =
  /** None: this gateway dials its tracker itself. */
  | { readonly kind: "none" }
  /** Callers that present this token in `Authorization: Bearer`. */
  | { readonly kind: "token"; readonly token: string }
  /** Any caller but a web page. */
  | { readonly kind: "anybody" };

export type GatewayServer = { readonly port: number; close(): Promise<void> };

export async function serveGateway(options: GatewayServerOptions): Promise<GatewayServer> {
  const acceptor = acceptTexts({
    frameMaxBytes: browserLimits.messageMaxBytes,
    pendingMaxBytes: 8 * 1024 * 1024,
    linksMax: 20_000,
    closeTimeoutMs: 500,
  });
  const server = newServer(options);
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    takeUpgrade(options, acceptor, { request, socket, head });
  });
  await listen(server, options);
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      options.gateway.close();
      await acceptor.close("the gateway is stopping");
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
    },
  };
}

type Upgrade = {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
};

/** Any path is accepted: the browser protocol names none. */
export function takeUpgrade(
  options: Pick<GatewayServerOptions, "gateway" | "origin" | "trackers">,
  acceptor: Acceptor<TextLink>,
  { head, request, socket }: Upgrade,
): void {
  try {
    checkOrigin(request.headers, options.origin);
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    refuseUpgrade(socket, 403, error);
    return;
  }
  acceptor.handleUpgrade(request, socket, head, (link) => {
    const trackerProblem = problemOfTracker(request, options.trackers);
    options.gateway.accept(link, { remote: link.remote, trackerProblem });
  });
}

function problemOfTracker(request: IncomingMessage, rules: TrackerRules): string | null {
  if (isWebPage(request)) return "a web page cannot be the tracker";
  if (rules.kind === "none") return "this gateway has a tracker of its own";
  if (rules.kind === "anybody") return null;
  const shown = request.headers.authorization ?? "";
  const isRight = isSameSecret(shown, `Bearer ${rules.token}`);
  return isRight ? null : "the tracker's token is missing or wrong";
}

/** Some libraries for programs always send an Origin, that of the address they dial. Browsers also
 *  send what says that they are browsers, which no script of a page can take away. */
function isWebPage({ headers }: IncomingMessage): boolean {
  const { host, origin } = headers;
  if (origin === undefined) return false;
  const isOwn = origin === `http://${host}` || origin === `https://${host}`;
  const isBrowser =
    headers["sec-fetch-mode"] !== undefined || /^Mozilla\//.test(headers["user-agent"] ?? "");
  return !isOwn || isBrowser;
}

/** Of every answer; pages have a policy of their own. */
const safeHeaders = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

function newServer(options: GatewayServerOptions): Server {
  const { certificate } = options;
  const { headersTimeoutMs, idleTimeoutMs } = { ...serverTimes, ...options.times };
  const limits = {
    maxHeaderSize: 16 * 1024,
    headersTimeout: headersTimeoutMs,
    connectionsCheckingInterval: Math.min(5_000, headersTimeoutMs),
    // Uploads may take long, but must not stall.
    requestTimeout: 0,
  };
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    answerCall(options, request, response);
  };
  const server =
    certificate === null
      ? createServer(limits, answer)
      : createTlsServer({ ...limits, ...certificate, handshakeTimeout: headersTimeoutMs }, answer);
  server.maxConnections = 40_000;
  server.setTimeout(idleTimeoutMs);
  return server;
}

function answerCall(
  { handlers, origin }: GatewayServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  // A client that goes away is not an error of the gateway.
  response.on("error", () => {});
  for (const [name, value] of Object.entries(safeHeaders)) response.setHeader(name, value);
  try {
    checkOrigin(request.headers, origin);
  } catch (error) {
    refuse(response, 403, error as Error);
    return;
  }
  if (permit(request, response, origin.origins)) return;
  if (handlers.some((handler) => handler.handle(request, response))) return;
  const asked = `${request.method} ${(request.url ?? "").slice(0, 100)}`;
  refuse(response, 404, new Error(`not found: ${asked}`));
}

function refuse(response: ServerResponse, status: number, error: Error): void {
  const body = JSON.stringify({ message: error.message });
  response.writeHead(status, { "content-type": "application/json", connection: "close" }).end(body);
}

function listen(server: Server, { host, port }: GatewayServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(listenError(error, { host, port }));
    });
    server.listen(port, host, resolve);
  });
}
