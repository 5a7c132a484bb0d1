/** Options of `tequio up` for P4's control channel, and what is printed about it. */
import type { Command } from "commander";
import { readSecret } from "../../../client/place.ts";
import type { Coordinator } from "../../../coordinator/coordinator.ts";
import type { CoordinatorOptions } from "../../../coordinator/options.ts";
import { ClusterError } from "../../../core/error.ts";
import { isLoopback, urlOf } from "../../../link/listen.ts";
import { countArgument, durationArgument } from "../../options.ts";
import { styled } from "../../screen.ts";

export type P4Flags = {
  /** True: the option without a value. */
  readonly p4Port?: number | true;
  readonly p4Host?: string;
  readonly p4Token?: string;
  readonly p4TokenFile?: string;
  readonly p4Ttl?: number;
  readonly p4TrustAddresses?: boolean;
};

/** Of existing masters. */
const defaultPort = 8_000;

export function withP4(command: Command): Command {
  return command
    .option(
      "--p4-port [port]",
      `also serve P4's control channel on this port (default ${defaultPort})`,
      countArgument("--p4-port", 0, 65_535),
    )
    .option("--p4-host <host>", "address of P4's control channel (default 127.0.0.1)")
    .option(
      "--p4-token-file <file>",
      "file with the secret with which P4 peers register, mode 0600",
    )
    .option("--p4-token <secret>", "the secret itself; other users of this machine can see it")
    .option(
      "--p4-ttl <time>",
      'default TTL for peers that do not request one (default 1h, or "never")',
      durationArgument("--p4-ttl"),
    )
    .option("--p4-trust-addresses", "trust the address that a peer announces (behind a proxy)");
}

export function p4Options(flags: P4Flags): NonNullable<CoordinatorOptions["p4"]> {
  const { p4Host, p4Port, p4TokenFile, p4TrustAddresses: trustAddresses = false, p4Ttl } = flags;
  if (p4Host !== undefined && p4Port === undefined) {
    const text = "--p4-host needs --p4-port: the main port has P4 below /p4 anyway";
    throw new ClusterError("bad-request", text);
  }
  const token = flags.p4Token ?? (p4TokenFile === undefined ? undefined : readSecret(p4TokenFile));
  if (token === "") throw new ClusterError("bad-request", "P4's token is empty: name a secret");
  const port = p4Port === true ? defaultPort : p4Port;
  return {
    trustAddresses,
    ...(port === undefined ? {} : { listen: { host: p4Host ?? "127.0.0.1", port } }),
    ...(token === undefined ? {} : { genericToken: token }),
    ...(p4Ttl === undefined ? {} : { ttlMs: p4Ttl }),
  };
}

/** Lines for `up`'s greeting; none without a port of its own. */
export function p4Lines({ p4: at }: Coordinator): string[] {
  if (at === null) return [];
  const lines = [`P4 master    ${urlOf("http", at)}`];
  if (!isLoopback(at.host)) {
    const warning = "plain HTTP, as P4 has it: tokens can be read on the way";
    lines.push(`             ${styled(["bold", "red"], `WARNING: ${warning}`)}`);
  }
  return lines;
}
