/** The headers of a call: time limits and status texts as gRPC writes them into HTTP/2. */
import type { IncomingHttpHeaders } from "node:http2";

export const contentType = "application/grpc";

/** Longest status text that is sent, in characters: some receivers accept only 8 KiB of headers. */
const detailsMax = 1024;

const units: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 0.001,
  n: 0.000_001,
};

/** ms; null without a limit, NaN for an invalid text. */
export function parseTimeout(text: string | undefined): number | null {
  if (text === undefined) return null;
  const parts = /^([0-9]{1,8})([HMSmun])$/.exec(text);
  return parts === null ? Number.NaN : Number(parts[1]) * units[parts[2]!]!;
}

export function timeoutText(limitMs: number): string {
  const ms = Math.max(0, Math.ceil(limitMs));
  return ms < 1e8 ? `${ms}m` : `${Math.ceil(ms / 1000)}S`;
}

/** Percent-encoding of all but printable ASCII, as gRPC requires for `grpc-message`. */
export function encodeDetails(text: string): string {
  const short = text.length > detailsMax ? `${text.slice(0, detailsMax)}…` : text;
  return short
    .toWellFormed()
    .replace(/[^ -$&-~]+/g, (part) =>
      [...new TextEncoder().encode(part)]
        .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`)
        .join(""),
    );
}

/** Text that cannot be decoded is returned as it is. */
export function decodeDetails(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function isGrpc(headers: IncomingHttpHeaders): boolean {
  return /^application\/grpc(?:[+;]|$)/.test(headers["content-type"] ?? "");
}

/** The value of a header; several are joined, as in HTTP. */
export function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}
