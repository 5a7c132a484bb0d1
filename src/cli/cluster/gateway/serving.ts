/** A gateway from its options: the web server, and the coordinator behind it. */
import { join } from "node:path";
import { coordinatorUrls, dataDirOf, readSecret, tokenOf } from "../../../client/place.ts";
import { ClusterError } from "../../../core/error.ts";
import type { Gateway } from "../../../gateway/gateway.ts";
import type { GatewayServer, TrackerRules } from "../../../gateway/serve.ts";
import type { TrackerAddress } from "../../../gateway/upstream.ts";
import { isLoopback, parseListen } from "../../../link/listen.ts";
import { cacheFolder } from "../../../store/cache-folder.ts";
import { builtWebFolder } from "../../web-folder.ts";

export type GatewayOptions = {
  readonly listen: string;
  readonly tracker?: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly fingerprint?: string;
  readonly trackerTokenFile?: string;
  readonly anonymous?: boolean;
  readonly insecure?: boolean;
  readonly data?: string;
  readonly host?: readonly string[];
  readonly origin?: readonly string[];
};

/** What is to be closed at the end, in the order in which it was opened. */

/** No tracker and no token for one, and no other machine can reach it. */
export function isAlone({ listen, tracker, trackerTokenFile }: GatewayOptions): boolean {
  const isHere = isLoopback(parseListen(listen).host);
  return tracker === undefined && trackerTokenFile === undefined && isHere;
}

export function isPlain({ insecure, listen }: GatewayOptions): boolean {
  return insecure === true || isLoopback(parseListen(listen).host);
}

export async function serve(
  options: GatewayOptions,
  gateway: Gateway,
  closers: AsyncDisposableStack,
): Promise<GatewayServer> {
  const { serveGateway } = await import("../../../gateway/serve.ts");
  const { leftCalls } = await import("../../../gateway/left-calls.ts");
  const { openProxy } = await import("../../../gateway/proxy.ts");
  const { openSite } = await import("../../../gateway/site.ts");
  const { openTabPython } = await import("../../../gateway/tab-python.ts");
  const { ownCertificate } = await import("../../../coordinator/data-dir.ts");
  const { host, port } = parseListen(options.listen);
  const origins = (options.origin ?? []).map(originOf);
  const trackers = trackerRules(options);
  const folder = await builtWebFolder((line) => console.error(line));
  const handlers =
    folder === null
      ? []
      : [leftCalls(gateway), openTabPython(cacheFolder("python")), openSite(folder)];
  const upstream = trackerAddress(options);
  if (upstream !== null) {
    const proxy = openProxy(upstream);
    closers.defer(() => proxy.close());
    handlers.push(proxy);
  }
  const certificate = isPlain(options)
    ? null
    : ownCertificate(join(dataDirOf(options.data), "gateway"));
  const origin = { hosts: options.host ?? [], origins };
  const common = { gateway, host, port, certificate, origin, trackers, handlers };
  const server = await serveGateway(common);
  closers.defer(() => server.close());
  return server;
}

function originOf(text: string): string {
  const origin = URL.parse(text)?.origin ?? "null";
  if (/^https?:/.test(origin) && text.replace(/\/$/, "") === origin) return origin;
  throw new ClusterError(
    "bad-request",
    `--origin ${text.slice(0, 100)} is not an origin; write scheme and host, such as ` +
      "https://example.org",
  );
}

function trackerRules(options: GatewayOptions): TrackerRules {
  if (options.tracker !== undefined) return { kind: "none" };
  if (options.trackerTokenFile !== undefined) {
    return { kind: "token", token: readSecret(options.trackerTokenFile) };
  }
  if (options.anonymous === true || isAlone(options)) return { kind: "anybody" };
  throw new ClusterError(
    "bad-request",
    "beyond this machine a gateway needs --tracker <url>, --tracker-token-file <file>, or " +
      "--anonymous, which lets any peer act as its JobTracker",
  );
}

/** Null without --tracker. Throws when there is no token to show. */
export function trackerAddress(options: GatewayOptions): TrackerAddress | null {
  if (options.tracker === undefined) return null;
  const token = tokenOf(options);
  if (token === null) {
    throw new ClusterError(
      "unauthenticated",
      "no token for the coordinator; make one with: tequio token create --role worker",
    );
  }
  const url = coordinatorUrls(options.tracker);
  return { url, token, fingerprint: options.fingerprint ?? "" };
}
