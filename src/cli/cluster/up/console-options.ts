/** Options of `tequio up` for the console protocol, and what is printed about it. */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { Coordinator } from "../../../coordinator/coordinator.ts";
import type { ConsoleOptions } from "../../../coordinator/edges/console/edge.ts";
import { ClusterError } from "../../../core/error.ts";
import { isLoopback } from "../../../link/listen.ts";
import type { DateTimeUse } from "../../../wire/console/messages.ts";
import { userNameProblem } from "../../../wire/console/names.ts";
import { countArgument, durationArgument } from "../../options.ts";
import { styled } from "../../screen.ts";

export type ConsoleFlags = {
  readonly consolePort?: number;
  readonly consoleHost?: string;
  readonly consoleUsers?: readonly string[];
  readonly consoleDatetime?: DateTimeUse;
  readonly consoleProbe?: number;
  readonly logRpc?: { readonly host: string; readonly port?: number };
};

export function withConsole(command: Command): Command {
  return command
    .option(
      "--console-port <port>",
      "also serve the user console on this port (no authentication)",
      countArgument("--console-port", 0, 65_535),
    )
    .option("--console-host <host>", "address of the user console (default 127.0.0.1)")
    .option("--console-users <names>", "allow only these users, such as ana,eva", parseUsers)
    .addOption(
      new Option("--console-datetime <use>", "whether console messages carry a date-time").choices([
        "detect",
        "always",
        "never",
      ]),
    )
    .option(
      "--console-probe <time>",
      "interval between liveness probes of users (default 30s)",
      durationArgument("--console-probe"),
    )
    .option(
      "--log-rpc <host>",
      "report the console's operations to this ONC-RPC service",
      parseRpc,
    );
}

function parseUsers(text: string): string[] {
  const names = text.split(",").filter((name) => name !== "");
  const bad = names.find((name) => userNameProblem(name) !== null);
  if (names.length > 0 && bad === undefined) return names;
  throw new InvalidArgumentError("write them as ana,eva");
}

/** `host`, or `host:port` of its portmapper. */
function parseRpc(text: string): { host: string; port?: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+))(?::(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = match?.[3] === undefined ? undefined : Number(match[3]);
  if (host === undefined || (port !== undefined && (port < 1 || port > 65_535))) {
    throw new InvalidArgumentError("write it as host, or host:port of its portmapper");
  }
  return port === undefined ? { host } : { host, port };
}

/** Undefined when no console is wanted. Throws `bad-request` for options without a port. */
export function consoleOptions(
  flags: ConsoleFlags,
  out: { readonly onLine: (line: string) => void; readonly onNews: (text: string) => void },
): ConsoleOptions | undefined {
  const { consolePort: port, consoleHost, consoleUsers, consoleDatetime, consoleProbe } = flags;
  const { logRpc } = flags;
  if (port === undefined) {
    const others = [consoleHost, consoleUsers, consoleDatetime, consoleProbe, logRpc];
    if (others.every((value) => value === undefined)) return undefined;
    const text = "options of the console need --console-port, without which there is none";
    throw new ClusterError("bad-request", text);
  }
  return {
    ...out,
    port,
    // The name may have two addresses.
    ...(consoleHost === undefined ? {} : { host: consoleHost.replace(/^localhost$/, "127.0.0.1") }),
    ...(consoleUsers === undefined ? {} : { users: consoleUsers }),
    ...(consoleDatetime === undefined ? {} : { dateTime: consoleDatetime }),
    ...(consoleProbe === undefined ? {} : { presence: { everyMs: consoleProbe } }),
    ...(logRpc === undefined ? {} : { logRpc }),
  };
}

/** Lines for `up`'s greeting; none without a console. */
export function consoleLines({ console: at }: Coordinator): string[] {
  if (at === null) return [];
  const lines = [`console      tequio console -s ${at.host} -p ${at.port}`];
  const who = isLoopback(at.host)
    ? "every user of this machine"
    : "EVERY HOST that reaches this port";
  const warning = `its protocol has no authentication: ${who} can be any user`;
  lines.push(`             ${styled(["bold", "red"], `WARNING: ${warning}`)}`);
  return lines;
}
