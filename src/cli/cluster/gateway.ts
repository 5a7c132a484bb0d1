/** `tequio gateway`: a web server that browser tabs join, for a coordinator elsewhere or for any
 *  JobTracker of seed 5. */
import { join } from "node:path";
import type { Command } from "commander";
import { isLoopback, parseListen, urlOf } from "../../coordinator/listen.ts";
import { ClusterError } from "../../core/error.ts";
import type { GatewayServer, TrackerRules } from "../../gateway/serve.ts";
import { withExamples } from "../options.ts";
import { coordinatorUrl, dataDirOf, readSecret, tokenOf } from "../place.ts";
import { webFolder } from "../web-folder.ts";

type Options = {
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
};

export function define(command: Command): void {
  command
    .option("--listen <address>", "host and port of this web server", "127.0.0.1:7080")
    .option("--tracker <url>", "the coordinator that it works for")
    .option("--token-file <file>", "file with a worker token of it (or $TEQUIO_TOKEN)")
    .option("--token <token>", "the token itself: others on this machine can see it")
    .option("--fingerprint <hex>", "refuse a coordinator with another key")
    .option(
      "--tracker-token-file <file>",
      "without --tracker: what a JobTracker that dials in must show as Bearer token",
    )
    .option("--anonymous", "take browsers and JobTrackers that show no token")
    .option("--insecure", "listen beyond this machine without TLS")
    .option("--host <name…>", "names by which it may be called, besides addresses")
    .option("--data <dir>", "where its certificate is kept (or $TEQUIO_DATA)");
  withExamples(command, [
    ["tequio gateway --tracker http://127.0.0.1:7070 --token-file t", "tabs join here"],
    ["tequio gateway --anonymous", "alone: a JobTracker and browsers of seed 5 dial in"],
    ["tequio gateway --listen 0.0.0.0:7080 --tracker https://host:7070", "for a whole room"],
  ]).action(gateway);
}

async function gateway(options: Options): Promise<void> {
  const ended = Promise.withResolvers<string>();
  const onSignal = (signal: string) => ended.resolve(signal);
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  const closers: Array<() => unknown> = [];
  try {
    const { Gateway } = await import("../../gateway/gateway.ts");
    const print = (line: string) => console.error(`${new Date().toISOString()} ${line}`);
    // Alone on this machine nobody knows any tokens: whoever is here may use it.
    const anonymous = options.anonymous === true || isAlone(options);
    const board = new Gateway({ anonymous, print });
    closers.push(() => board.close());
    const server = await serve(options, board, closers);
    const { host } = parseListen(options.listen);
    const url = urlOf(isPlain(options) ? "http" : "https", { host, port: server.port });
    console.log(`gateway      ${url}`);
    console.log(`tracker      ${options.tracker ?? `waits for one to dial ${asWebSocket(url)}`}`);
    console.log(`browsers     ${anonymous ? `anybody, at ${asWebSocket(url)}` : "by the link"}`);
    const failed = await upstream(options, board, { print, closers });
    console.error(`stopping (${await Promise.race([ended.promise, failed])})`);
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
    for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close();
  }
}

/** No tracker and no token for one, and nobody else's machine can reach it. */
function isAlone({ listen, tracker, trackerTokenFile }: Options): boolean {
  const isHere = isLoopback(parseListen(listen).host);
  return tracker === undefined && trackerTokenFile === undefined && isHere;
}

function isPlain({ insecure, listen }: Options): boolean {
  return insecure === true || isLoopback(parseListen(listen).host);
}

function asWebSocket(url: string): string {
  return url.replace(/^http/, "ws");
}

function trackerRules(options: Options): TrackerRules {
  if (options.tracker !== undefined) return { kind: "none" };
  if (options.trackerTokenFile !== undefined) {
    return { kind: "token", token: readSecret(options.trackerTokenFile) };
  }
  if (options.anonymous === true || isAlone(options)) return { kind: "anybody" };
  throw new ClusterError(
    "bad-request",
    "beyond this machine a gateway needs --tracker <url>, --tracker-token-file <file>, or " +
      "--anonymous, with which anybody may be its JobTracker",
  );
}

async function serve(
  options: Options,
  board: import("../../gateway/gateway.ts").Gateway,
  closers: Array<() => unknown>,
): Promise<GatewayServer> {
  const { serveGateway } = await import("../../gateway/serve.ts");
  const { openProxy } = await import("../../gateway/proxy.ts");
  const { openSite } = await import("../../gateway/site.ts");
  const { ownCertificate } = await import("../../coordinator/data-dir.ts");
  const { host, port } = parseListen(options.listen);
  const folder = webFolder();
  const site = folder === null ? [] : [openSite(folder)];
  const handlers = [...site];
  if (options.tracker !== undefined) {
    const url = coordinatorUrl(options.tracker);
    const proxy = openProxy({ url, fingerprint: options.fingerprint ?? "" });
    closers.push(() => proxy.close());
    handlers.push(proxy);
  }
  const certificate = isPlain(options)
    ? null
    : ownCertificate(join(dataDirOf(options.data), "gateway"));
  const server = await serveGateway({
    gateway: board,
    host,
    port,
    certificate,
    origin: { hosts: options.host ?? [], origins: [] },
    trackers: trackerRules(options),
    handlers,
  });
  closers.push(() => server.close());
  return server;
}

/** Rejects when the coordinator refuses it; never settles without one. */
async function upstream(
  options: Options,
  board: import("../../gateway/gateway.ts").Gateway,
  { closers, print }: { closers: Array<() => unknown>; print: (line: string) => void },
): Promise<Promise<never>> {
  if (options.tracker === undefined) return new Promise<never>(() => {});
  const token = tokenOf(options);
  if (token === null) {
    throw new ClusterError(
      "unauthenticated",
      "no token for the coordinator; make one with: tequio token create --role worker",
    );
  }
  const { upholdTracker } = await import("../../gateway/upstream.ts");
  const address = {
    url: coordinatorUrl(options.tracker),
    token,
    fingerprint: options.fingerprint ?? "",
  };
  const held = upholdTracker(board, address, print);
  closers.push(() => held.stop());
  return held.failed;
}
