/** `tequio gateway`: a web server that browser tabs join, for a coordinator elsewhere or for any
 *  JobTracker that speaks the browser protocol. */
import { setFlagsFromString } from "node:v8";
import type { Command } from "commander";
import { coordinatorUrls, dataDirOf } from "../../client/place.ts";
import { Gateway } from "../../gateway/gateway.ts";
import { upholdTracker } from "../../gateway/upstream.ts";
import { isLoopback, parseListen, reachableUrl, urlOf } from "../../link/listen.ts";
import { noteGateway } from "../listeners.ts";
import { withLogJson } from "../log-json.ts";
import { withExamples, withJson } from "../options.ts";
import { openScreen } from "../screen.ts";
import { type GatewayOptions, isAlone, isPlain, serve, trackerAddress } from "./gateway/serving.ts";
import { showTabs } from "./gateway/shown.ts";
import { teller } from "./join/news.ts";

type Options = GatewayOptions & { readonly json?: boolean };

export function define(command: Command): void {
  command
    .option("--listen <address>", "host and port of this web server", "127.0.0.1:7080")
    .option("--tracker <url>", "address of the coordinator; of several, with commas between")
    .option(
      "--token-file <file>",
      "file with a worker token of the coordinator; or put the token itself in $TEQUIO_TOKEN",
    )
    .option("--token <token>", "the token itself; other users of this machine can see it")
    .option("--fingerprint <hex>", "refuse a coordinator with a different certificate")
    .option(
      "--tracker-token-file <file>",
      "without --tracker: file with the bearer token that a connecting JobTracker must send",
    )
    .option("--anonymous", "accept browsers and JobTrackers without a token")
    .option("--insecure", "accept connections from other machines without TLS")
    .option("--host <name…>", "host names that clients may use, besides IP addresses")
    .option(
      "--origin <origin…>",
      "origins of web pages that may call this server, such as https://example.org",
    )
    .option("--data <dir>", "directory for its certificate (or $TEQUIO_DATA)");
  withExamples(withLogJson(withJson(command)), [
    [
      "tequio gateway --tracker http://127.0.0.1:7070 --token-file t",
      "tabs that open its page work for this coordinator",
    ],
    ["tequio gateway --anonymous", "stand alone: a JobTracker and basic browsers connect to it"],
    [
      "tequio gateway --listen 0.0.0.0:7080 --tracker https://host:7070",
      "reachable from other machines, such as a classroom",
    ],
  ]).action(gateway);
}

async function gateway(options: Options): Promise<void> {
  // What a tab leaves behind is little and lives long: room for young objects that grows with it is
  // a third of all memory, and makes nothing faster.
  setFlagsFromString("--semi-space-growth-factor=1");
  const ended = Promise.withResolvers<string>();
  const onSignal = (signal: string) => ended.resolve(signal);
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  const screen = openScreen();
  const asJson = options.json === true;
  const tell = teller(asJson, asJson ? console.log : (line) => screen.print(line));
  const print = (line: string) => tell.say("note", line);
  const closers = new AsyncDisposableStack();
  try {
    // Alone on this machine it has no tracker that knows tokens: every user of this machine may use
    // it.
    const anonymous = options.anonymous === true || isAlone(options);
    const board = new Gateway({ anonymous, print });
    closers.defer(() => board.close());
    const { port } = await serve(options, board, closers);
    const address = trackerAddress(options);
    closers.defer(noted(options, { port, anonymous }));
    announce(options, { port, anonymous });
    const held =
      address === null
        ? null
        : upholdTracker(board, address, ({ kind, retryMs, text }) =>
            tell.news(kind, text, retryMs),
          );
    closers.defer(() => held?.stop());
    closers.defer(showTabs(board, screen));
    const failed = held === null ? [] : [held.failed];
    console.error(`stopping (${await Promise.race([ended.promise, ...failed])})`);
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
    await closers.disposeAsync();
  }
}

type Served = { readonly port: number; readonly anonymous: boolean };

function noted(options: Options, { anonymous, port }: Served): () => void {
  const { host } = parseListen(options.listen);
  const tracker = options.tracker ?? null;
  const door = { host, port, plain: isPlain(options), anonymous, tracker };
  return noteGateway(dataDirOf(options.data), door);
}

function announce(options: Options, { anonymous, port }: Served): void {
  const { host } = parseListen(options.listen);
  const url = reachableUrl(urlOf(isPlain(options) ? "http" : "https", { host, port }));
  const socket = url.replace(/^http/, "ws");
  const tracker = options.tracker === undefined ? null : coordinatorUrls(options.tracker);
  if (options.json) {
    console.log(JSON.stringify({ url, socket, tracker, anonymous, pid: process.pid }));
    return;
  }
  console.log(`gateway      ${url}`);
  console.log(`tracker      ${tracker ?? `waits for one to dial ${socket}`}`);
  if (anonymous) console.log(`browsers     anyone, at ${socket}`);
  if (tracker !== null) {
    console.log(`tabs open    ${url}/j#<token>, of: tequio token create --role volunteer`);
  }
  if (anonymous && !isLoopback(host)) {
    console.error("everyone who reaches this address can join, and see what jobs read");
  }
}
