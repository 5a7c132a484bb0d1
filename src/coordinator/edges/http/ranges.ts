/** One `Range: bytes=a-b` of a body of known size. */
import { ClusterError } from "../../../core/error.ts";
import type { Answer } from "./route.ts";

export type Span = { readonly start: number; readonly end: number };

/** Null for the whole: no range, or one that HTTP allows a server to ignore (several ranges, other
 *  units). Throws `bad-request` when it lies outside. */
export function parseRange(header: string | string[] | undefined, sizeBytes: number): Span | null {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(typeof header === "string" ? header : "");
  if (match === null || match[0] === "bytes=-") return null;
  const [, from, to] = match;
  const start = from === "" ? Math.max(0, sizeBytes - Number(to)) : Number(from);
  const end = from === "" || to === "" ? sizeBytes : Math.min(sizeBytes, Number(to) + 1);
  if (start < end) return { start, end };
  throw new ClusterError("bad-request", `range ${header} lies outside of ${sizeBytes} bytes`);
}

/** The answer with its lengths; `read` is not called for HEAD. */
export function bytesAnswer(
  sizeBytes: number,
  span: Span | null,
  read: (() => AsyncIterable<Uint8Array>) | null,
): Answer {
  const { start, end } = span ?? { start: 0, end: sizeBytes };
  const headers: Record<string, string> = {
    "content-type": "application/octet-stream",
    "content-length": String(end - start),
    "accept-ranges": "bytes",
  };
  if (span !== null) headers["content-range"] = `bytes ${start}-${end - 1}/${sizeBytes}`;
  const status = span === null ? 200 : 206;
  return { kind: "bytes", status, headers, stream: read === null ? null : read() };
}
