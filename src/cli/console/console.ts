/** `tequio console`: be a user of a server of the console protocol, ours or another. */
import type { Command } from "commander";
import { dataDirOf } from "../../client/place.ts";
import { defaultTimeCall } from "../../wire/console/soap.ts";
import { countArgument, durationArgument, withExamples } from "../options.ts";
import { type Clock, ownClock, serviceClock } from "./clock.ts";
import { PublishedFiles } from "./published.ts";
import { Shell } from "./shell.ts";
import { UserClient } from "./user-client.ts";

type Options = {
  readonly server: string;
  readonly port: number;
  readonly datetime: boolean;
  readonly timeService?: string;
  readonly timeNamespace: string;
  readonly timeMethod: string;
  readonly listenHost?: string;
  readonly listenPort: number;
  readonly timeout?: number;
  readonly prompt: boolean;
  readonly autoDisconnect?: boolean;
};

const timeoutDefaultMs = 10_000;
/** A time service may not hold an operation up for longer, ms. */
const timeServiceMs = 2_000;

export function define(command: Command): void {
  const port = (option: string, min: number) => countArgument(option, min, 65_535);
  command
    .requiredOption("-s, --server <host>", "host name or address of the server")
    .requiredOption("-p, --port <port>", "port of the server", port("--port", 1))
    .option("--no-datetime", "send no date-time, for servers that do not expect one")
    .option("--time-service <url>", "read the date-time from this SOAP service")
    .option("--time-namespace <uri>", "target namespace of that service", defaultTimeCall.namespace)
    .option("--time-method <name>", "method of that service", defaultTimeCall.method)
    .option(
      "--listen-host <host>",
      "address from which others fetch (default: as the server sees you)",
    )
    .option(
      "--listen-port <port>",
      "port from which others fetch; 0 = any free port",
      port("--listen-port", 0),
      0,
    )
    .option(
      "--timeout <time>",
      "longest wait for an answer (default 10s)",
      durationArgument("--timeout"),
    )
    .option("--auto-disconnect", "let QUIT disconnect first instead of failing while connected")
    .option("--no-prompt", "do not print the c> prompt, for programs");
  withExamples(command, [
    ["tequio console -s 127.0.0.1 -p 9000", "then enter: REGISTER ana, CONNECT ana, help"],
    [
      "tequio console -s ::1 -p 9000 < commands.txt",
      "run commands from a file; exit code 0 when all succeed",
    ],
  ]).action(openConsole);
}

async function openConsole(options: Options): Promise<void> {
  const {
    listenHost,
    listenPort,
    port,
    server: host,
    timeout: timeoutMs = timeoutDefaultMs,
  } = options;
  const published = new PublishedFiles(dataDirOf(undefined), `${host}:${port}`);
  const client = new UserClient({
    server: { host, port },
    clock: clockOf(options),
    published,
    listenPort,
    timeoutMs,
    ...(listenHost === undefined ? {} : { listenHost }),
  });
  const shell = new Shell({
    client,
    published,
    input: process.stdin,
    output: process.stdout,
    prompt: options.prompt ? "c> " : "",
    autoDisconnect: options.autoDisconnect ?? false,
  });
  try {
    process.exitCode = await shell.run();
  } finally {
    await client.close();
  }
}

function clockOf(options: Options): Clock | null {
  const { timeService: url, timeNamespace: namespace, timeMethod: method } = options;
  if (!options.datetime) return null;
  if (url === undefined) return ownClock;
  const onNote = (text: string) => console.error(text);
  return serviceClock({ url, call: { namespace, method }, timeoutMs: timeServiceMs, onNote });
}
