/** SHA-256 in one call, and what pieces of zeros hash to. */
import { createHash, hash } from "node:crypto";
import { hexOf } from "../../wire/hex.ts";
import { rootOf, type Sha256 } from "../../wire/p4/merkle.ts";

export const sha256: Sha256 = (bytes) => hash("sha256", bytes, "buffer");

/** The root of content with these piece hashes, in hex. */
export function rootHex(sizeBytes: number, layer: Uint8Array): string {
  return hexOf(rootOf(sizeBytes, layer, sha256));
}

export function sha256Hex(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

const zeros = new Map<number, Buffer>();

/** SHA-256 of this many zeros: a piece with this hash need not be read, sent or written. */
export function zeroHash(lengthBytes: number): Buffer {
  let known = zeros.get(lengthBytes);
  if (known === undefined) {
    known = hash("sha256", Buffer.alloc(lengthBytes), "buffer");
    // Whole pieces have seven lengths; odd lengths occur once a file and are not cached.
    if ((lengthBytes & (lengthBytes - 1)) === 0) zeros.set(lengthBytes, known);
  }
  return known;
}
