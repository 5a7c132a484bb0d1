/** The gateway inside `tequio up`: web page and tabs on the coordinator's own port. */
import type { IncomingMessage } from "node:http";
import type { Mount } from "../../coordinator/edges/http/mount.ts";
import { Gateway, type GatewayLink, type GatewayOptions } from "../../gateway/gateway.ts";
import { leftCalls } from "../../gateway/left-calls.ts";
import { openSite } from "../../gateway/site.ts";
import { openTabPython } from "../../gateway/tab-python.ts";
import { MemoryText } from "../../link/memory-text.ts";
import { acceptTexts } from "../../link/websocket.ts";
import { cacheFolder } from "../../store/cache-folder.ts";
import { browserLimits } from "../../wire/browser/messages.ts";

export type OwnGateway = {
  readonly mount: Mount;
  /** The page is built, so there is something to open. */
  readonly hasPage: boolean;
  /** To be given to the coordinator once it is open. */
  trackerLink(): GatewayLink;
  tabCount(): number;
};

/** Where tabs connect; basic browsers, which speak only the base protocol, may use `/`, too. */
const paths = new Set(["/tab", "/"]);

/** `folder`: of the built page; null = there is none. */
export function ownGateway(options: GatewayOptions, folder: string | null): OwnGateway {
  const gateway = new Gateway(options);
  const acceptor = acceptTexts({
    frameMaxBytes: browserLimits.messageMaxBytes,
    pendingMaxBytes: 8 * 1024 * 1024,
    linksMax: 20_000,
  });
  const site = folder === null ? null : openSite(folder);
  const [python, farewells] = [openTabPython(cacheFolder("python")), leftCalls(gateway)];
  const trackerProblem = "this gateway has a tracker of its own";
  const mount: Mount = {
    handle: (request, response) =>
      site !== null && [farewells, python, site].some((one) => one.handle(request, response)),
    upgrade({ head, request, socket }) {
      if (!paths.has(pathOf(request))) return false;
      acceptor.handleUpgrade(request, socket, head, (link) => {
        gateway.accept(link, { remote: link.remote, trackerProblem });
      });
      return true;
    },
    async close() {
      gateway.close();
      await acceptor.close("the coordinator is stopping");
    },
  };
  return {
    mount,
    hasPage: site !== null,
    trackerLink() {
      const [ours, theirs] = MemoryText.pair("this process");
      gateway.accept(ours, { remote: "coordinator", trackerProblem: null, isOwn: true });
      return theirs;
    },
    tabCount: () => gateway.tabCount,
  };
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? "/").split("?", 1)[0] ?? "/";
}
