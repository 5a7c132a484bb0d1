/** The server side of WebSocket links: takes upgrades from an HTTP server of the caller. */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { ClusterError } from "../../core/error.ts";
import { closeCodes } from "../close-reason.ts";
import type { Link } from "../link.ts";
import { STATUS_CODES } from "../node-http.ts";
import { type OpenSocket, type SocketLimits, SocketLink, socketOptions } from "./socket-link.ts";
import { TextLink } from "./text-link.ts";

export type AcceptOptions = SocketLimits & {
  /** Links open at once; more are answered 503. Default 10,000. */
  readonly linksMax?: number;
};

export type Acceptor<L> = {
  /** Answers one `upgrade` event. The caller has authenticated the request already. `accepted` must
   *  set `onFrame` and `onClose`; it is not called when the handshake is malformed. */
  handleUpgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    accepted: (link: L, request: IncomingMessage) => void,
  ): void;
  /** Open links. */
  readonly count: number;
  /** Closes all links with this reason, and refuses new ones. Resolves when all are gone, at most
   *  `closeTimeoutMs` later. */
  close(reason?: string): Promise<void>;
};
export type WebSocketAcceptor = Acceptor<Link>;

/** Links of binary frames. */
export function acceptWebSockets(options: AcceptOptions = {}): WebSocketAcceptor {
  return acceptor(options, {
    make: (open) => new SocketLink(open, options),
    end: (link, reason) => link.close(reason),
  });
}

/** Links of text frames. */
export function acceptTexts(options: AcceptOptions = {}): Acceptor<TextLink> {
  return acceptor(options, {
    make: (open) => new TextLink(open, options),
    end: (link, reason) => link.close(closeCodes.goingAway, reason),
  });
}

type Kind<L> = {
  make(open: OpenSocket): L;
  end(link: L, reason: string): void;
};

function acceptor<L>(options: AcceptOptions, { end, make }: Kind<L>): Acceptor<L> {
  const linksMax = options.linksMax ?? 10_000;
  const server = new WebSocketServer({
    ...socketOptions(options),
    noServer: true,
    clientTracking: false,
  });
  /** Each open link with what resolves when it is gone. */
  const links = new Map<L, Promise<void>>();
  let closing = false;
  return {
    handleUpgrade(request, socket, head, accepted) {
      if (closing || links.size >= linksMax) {
        const why = closing ? "this coordinator is stopping" : `all ${linksMax} links are in use`;
        refuseUpgrade(socket, 503, new ClusterError("unavailable", `${why}; try again later`));
        return;
      }
      server.handleUpgrade(request, socket, head, (webSocket) => {
        const { remoteAddress, remotePort } = request.socket;
        const remote = `${remoteAddress}:${remotePort}`;
        const link = make({ socket: webSocket, stream: socket, remote });
        keep(links, link, webSocket);
        accepted(link, request);
      });
    },
    get count() {
      return links.size;
    },
    async close(reason = "the coordinator is stopping") {
      closing = true;
      for (const link of links.keys()) end(link, reason);
      await Promise.all(links.values());
    },
  };
}

/** Until it is gone. A function of its own, so that the upgrade's request is not kept as long as
 *  the link. */
function keep<L>(links: Map<L, Promise<void>>, link: L, webSocket: WebSocket): void {
  const gone = new Promise<void>((resolve) => {
    webSocket.once("close", () => {
      links.delete(link);
      resolve();
    });
  });
  links.set(link, gone);
}

/** Answers an upgrade with an HTTP error instead; `dialWebSocket` reads the body on the client. */
export function refuseUpgrade(socket: Duplex, status: number, error: ClusterError): void {
  const body = JSON.stringify({
    code: error.code,
    message: error.text,
    retryable: error.retryable,
  });
  // The peer may be gone already; then there is nothing to report.
  socket.on("error", () => socket.destroy());
  socket.once("finish", () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Refused"}\r\n` +
      "Connection: close\r\nContent-Type: application/json\r\n" +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
