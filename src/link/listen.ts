/** Where the coordinator listens: the text of `--listen`, and whether other machines can reach
 *  it. */
import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import { ClusterError } from "../core/error.ts";

export type Listen = {
  /** An address, or a name. */
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
};

/** `127.0.0.1:7070`, `[::]:7070`, `localhost:0`. */
export function parseListen(text: string): Listen {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    const problem = `--listen "${text}" is not host:port, as 127.0.0.1:7070 or [::]:7070`;
    throw new ClusterError("bad-request", problem);
  }
  const host = match[1] ?? match[2]!;
  // One address, so that there is one server; the name may have two.
  return { host: host === "localhost" ? "127.0.0.1" : host, port };
}

/** Other machines cannot reach it. */
export function isLoopback(host: string): boolean {
  return /^127\./.test(host) || host === "::1";
}

export function urlOf(scheme: "http" | "https" | "grpc", { host, port }: Listen): string {
  return `${scheme}://${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}

/** An unspecified address cannot be dialled: replaced by the first that other machines may
 *  reach. */
export function reachableUrl(url: string, addresses: readonly string[] = outerAddresses()): string {
  const parsed = new URL(url);
  if (parsed.hostname !== "0.0.0.0" && parsed.hostname !== "[::]") return url;
  const [first] = addresses;
  parsed.hostname = first ?? "127.0.0.1";
  return parsed.origin;
}

function outerAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, family }) => !internal && family === "IPv4")
    .map(({ address }) => address);
}
