/** WebSocket upgrades on the coordinator's port: links of workers, and nothing else. */
import type { IncomingHttpHeaders, IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { may } from "../../../core/access/roles.ts";
import { ClusterError } from "../../../core/error.ts";
import { checkOrigin, type OriginRules } from "../../../link/http/origin.ts";
import { acceptTexts, acceptWebSockets, refuseUpgrade } from "../../../link/websocket.ts";
import { httpStatus } from "../../../wire/api/messages.ts";
import { browserLimits, gatewayPath } from "../../../wire/browser/messages.ts";
import { frameBytesMax } from "../../../wire/manager/limits.ts";
import type { Services } from "../../services.ts";
import type { Mount } from "./mount.ts";
import { forbidden } from "./permission.ts";

/** The version is that of the manager protocol, as existing implementations name it. */
export const workerPath = "/balthazar/worker/0.3.1";
const anyVersion = "/balthazar/worker/";

export type UpgradeOptions = {
  readonly services: Pick<Services, "auth" | "edge" | "tracker">;
  readonly origin: OriginRules;
  readonly mount?: Mount | undefined;
  /** Called for a failed authentication; may replace the error. */
  readonly refused: (address: string, error: ClusterError) => ClusterError;
};

/** The token of `Authorization: Bearer …`; null when there is none. */
export function bearer(headers: IncomingHttpHeaders): string | null {
  return /^Bearer +(\S{1,300}) *$/i.exec(headers.authorization ?? "")?.[1] ?? null;
}

/** Ends all links; resolves when they are gone. */
export type Upgrades = { close(reason: string): Promise<void> };

export function takeUpgrades(server: Server, options: UpgradeOptions): Upgrades {
  const acceptor = acceptWebSockets({ frameMaxBytes: frameBytesMax });
  const gateways = acceptTexts({ frameMaxBytes: browserLimits.messageMaxBytes, linksMax: 1_000 });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    try {
      checkOrigin(request.headers, options.origin);
      if (options.mount?.upgrade({ request, socket, head })) return;
      const path = checkPath(request.url ?? "");
      const { auth, edge, tracker } = options.services;
      const principal = auth.linkPrincipal(bearer(request.headers));
      if (!may(principal.role, "work")) throw forbidden(principal, "bring a worker");
      if (path === gatewayPath) {
        // It says from where its tabs come.
        if (principal.role === "volunteer") throw forbidden(principal, "bring a gateway");
        gateways.handleUpgrade(request, socket, head, (link) => {
          tracker.accept(link, principal.token);
        });
        return;
      }
      const isEncrypted = "encrypted" in request.socket;
      const base = `${isEncrypted ? "https" : "http"}://${request.headers.host}`;
      acceptor.handleUpgrade(request, socket, head, (link) => edge.accept(link, principal, base));
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error;
      const address = request.socket.remoteAddress ?? "";
      const told = error.code === "unauthenticated" ? options.refused(address, error) : error;
      refuseUpgrade(socket, httpStatus[told.code], told);
    }
  });
  return {
    async close(reason) {
      // First, since some workers are sent a last message.
      options.services.edge.stop();
      await Promise.all([acceptor.close(reason), gateways.close(reason)]);
    },
  };
}

function checkPath(url: string): string {
  const path = url.split("?", 1)[0]!;
  if (path === workerPath || path === gatewayPath) return path;
  if (path.startsWith(anyVersion)) {
    throw new ClusterError(
      "version-mismatch",
      `this coordinator speaks ${workerPath}, not ${path.slice(0, 100)}; ` +
        "run the same version of the software on both sides",
    );
  }
  throw new ClusterError("not-found", `no WebSocket at ${path.slice(0, 100)}; it is ${workerPath}`);
}
