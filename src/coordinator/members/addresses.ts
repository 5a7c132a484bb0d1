/** Which address a member may give for its files: others will connect to it, so it must not be a
 *  third party's, a service of this machine, or a cloud's metadata (fault F3).
 *
 *  1. Only the address of the caller's connection is proven; any other that it gives is replaced by
 *     that.
 *  2. A caller on this machine may give any of this machine's addresses and names: they are all its
 *     own.
 *  3. Existing peers give wrong addresses in good faith (their command line gives the server's):
 *     they are not refused. */
import { isIP } from "node:net";
import { hostname, networkInterfaces } from "node:os";
import type { MemberAddress } from "../../core/catalogue.ts";

/** The names and addresses of this machine; made by `thisMachine`. */
export type Machine = {
  readonly addresses: ReadonlySet<string>;
  readonly names: ReadonlySet<string>;
};

export function thisMachine(): Machine {
  const addresses = Object.values(networkInterfaces()).flatMap((some) =>
    (some ?? []).map(({ address }) => plainAddress(address)),
  );
  return { addresses: new Set(addresses), names: new Set(["localhost", hostname().toLowerCase()]) };
}

/** The host to record for a caller that connects from `seen` and gives the address `said`. */
export function provedHost(said: string, seen: string, machine: Machine): string {
  const from = plainAddress(seen);
  const claimed = plainAddress(said);
  if (claimed === from) return from;
  const isHere = (address: string) => isLoopback(address) || machine.addresses.has(address);
  if (!isHere(from)) return from;
  if (isHere(claimed)) return claimed;
  return machine.names.has(claimed) ? said : from;
}

/** For masters behind a proxy that are configured to trust: a plain address or name, else the
 *  connection's. */
export function trustedHost(said: string, seen: string): string {
  const isName = /^(?=.{1,253}$)[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(said);
  return isIP(said) !== 0 || isName ? said : plainAddress(seen);
}

/** One spelling: IPv4 inside IPv6 is IPv4, no zone, lower case. */
export function plainAddress(address: string): string {
  const plain = address
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/%.*$/, "")
    .toLowerCase();
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(plain)?.[1] ?? plain;
}

/** As the address parser decides: `0x7f.1` and `127.1` are names here, and prove nothing. */
function isLoopback(address: string): boolean {
  return (isIP(address) === 4 && address.startsWith("127.")) || address === "::1";
}

export function addressText({ host, port }: MemberAddress): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
