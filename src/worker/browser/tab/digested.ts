/** What the coordinator sent, compared with the digest behind it: gateways and proxies stand
 *  between it and the tab. */
import { digestBytes, digestedType } from "../../../wire/browser/digest.ts";
import { hexOf } from "../../../wire/hex.ts";
import { Sha256 } from "../node-shims/sha256.ts";

/** The path with the wish for a digest. */
export function withDigest(path: string): string {
  return `${path}?digest=1`;
}

/** Bytes that were compared with what was sent. */
export type Digested = {
  readonly bytes: Uint8Array;
  /** Their SHA-256; null of an older coordinator, which sends none. */
  readonly digest: Uint8Array<ArrayBuffer> | null;
};

/** The bytes apart from their digest. Throws a `TypeError`, as a broken connection does, when they
 *  are not what was sent. */
export async function undigested(answer: Response, bytes: Uint8Array): Promise<Digested> {
  const isBare = !(answer.headers.get("content-type") ?? "").startsWith(digestedType);
  if (isBare) return { bytes, digest: null };
  const end = bytes.length - digestBytes;
  if (end < 0) throw new TypeError(`an answer of ${bytes.length} bytes has no digest`);
  const digest = new Uint8Array(bytes.subarray(end));
  if ((await sha256(bytes.subarray(0, end))) === hexOf(digest)) {
    return { bytes: cut(bytes, end), digest };
  }
  throw new TypeError(
    "bytes have changed on their way from the coordinator; they are fetched again",
  );
}

/** In a buffer of its own, which can be handed over; without a copy where the browser can. */
function cut(bytes: Uint8Array, end: number): Uint8Array {
  const { buffer, byteLength } = bytes;
  const isWhole = buffer instanceof ArrayBuffer && buffer.byteLength === byteLength;
  if (!isWhole || !("transfer" in buffer)) return bytes.slice(0, end);
  return new Uint8Array(buffer.transfer(end));
}

/** The browser's own is many times as fast, and not there on plain http. */
async function sha256(bytes: Uint8Array): Promise<string> {
  const { subtle } = globalThis.crypto;
  if (subtle === undefined) return new Sha256().update(bytes).digest("hex");
  return hexOf(new Uint8Array(await subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>)));
}
