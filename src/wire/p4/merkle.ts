/** The name of content: a SHA-256 Merkle root over pieces whose size follows from the content's
 *  size alone, so that the root is a function of the content and of nothing else.
 *
 *  piece = SHA-256(bytes) · inner = SHA-256(01 ‖ left ‖ right), an odd one is carried up · root =
 *  SHA-256(02 ‖ size as u64 ‖ piece size as u32 ‖ top), big-endian; without pieces the top is
 *  SHA-256 of nothing. The *layer* of a file is the hashes of its pieces, one after the other. */
import { ClusterError } from "../../core/error.ts";

export const hashBytes = 32;
export const pieceMinBytes = 16 * 1024;
export const pieceMaxBytes = 1024 * 1024;
/** Larger files have larger pieces, up to `pieceMaxBytes`, rather than more pieces than this. */
const piecesAimed = 1024;
/** Largest content that is shared: its layer has 128 MiB, which are held in memory. */
export const contentMaxBytes = 4 * 1024 ** 4;

/** SHA-256 of the bytes; each platform has its own function. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array;

export function pieceBytesOf(sizeBytes: number): number {
  let pieceBytes = pieceMinBytes;
  while (pieceBytes < pieceMaxBytes && sizeBytes > pieceBytes * piecesAimed) pieceBytes *= 2;
  return pieceBytes;
}

export function pieceCountOf(sizeBytes: number): number {
  return Math.ceil(sizeBytes / pieceBytesOf(sizeBytes));
}

/** All pieces but the last have `pieceBytesOf` bytes. */
export function pieceLength(sizeBytes: number, piece: number): number {
  const pieceBytes = pieceBytesOf(sizeBytes);
  return Math.min(pieceBytes, sizeBytes - piece * pieceBytes);
}

/** Throws `limit-exceeded` or `protocol-violated` for an impossible size. */
export function checkContentSize(sizeBytes: number): void {
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) {
    throw new ClusterError("protocol-violated", `${sizeBytes} is not the size of a file`);
  }
  if (sizeBytes > contentMaxBytes) {
    throw new ClusterError(
      "limit-exceeded",
      `a file of ${sizeBytes} bytes is declared, at most ${contentMaxBytes} are shared; split it`,
    );
  }
}

/** The root of content with these piece hashes. */
export function rootOf(sizeBytes: number, layer: Uint8Array, sha256: Sha256): Uint8Array {
  const bytes = new Uint8Array(1 + 8 + 4 + hashBytes);
  const view = new DataView(bytes.buffer);
  bytes[0] = 2;
  view.setUint32(1, Math.floor(sizeBytes / 2 ** 32));
  view.setUint32(5, sizeBytes % 2 ** 32);
  view.setUint32(9, pieceBytesOf(sizeBytes));
  bytes.set(topOf(layer, sha256), 13);
  return sha256(bytes);
}

function topOf(layer: Uint8Array, sha256: Sha256): Uint8Array {
  if (layer.length === 0) return sha256(layer);
  const pair = new Uint8Array(1 + 2 * hashBytes);
  pair[0] = 1;
  // A copy, even of a Node Buffer, whose `slice` does not copy.
  const level = new Uint8Array(layer);
  for (let count = level.length / hashBytes; count > 1; count = Math.ceil(count / 2)) {
    for (let left = 0; left < count; left += 2) {
      const to = (left / 2) * hashBytes;
      const from = left * hashBytes;
      if (left + 1 === count) {
        level.copyWithin(to, from, from + hashBytes);
        continue;
      }
      pair.set(level.subarray(from, from + 2 * hashBytes), 1);
      level.set(sha256(pair), to);
    }
  }
  return level.subarray(0, hashBytes);
}

/** True when the layer belongs to content of this size and root. */
export function isLayerOf(
  content: { readonly sizeBytes: number; readonly root: Uint8Array },
  layer: Uint8Array,
  sha256: Sha256,
): boolean {
  if (layer.length !== pieceCountOf(content.sizeBytes) * hashBytes) return false;
  return sameBytes(rootOf(content.sizeBytes, layer, sha256), content.root);
}

export function hashOf(layer: Uint8Array, piece: number): Uint8Array {
  return layer.subarray(piece * hashBytes, (piece + 1) * hashBytes);
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}

/** Bytes of a root from 64 hex digits; null when the text is malformed. */
export function rootBytesOf(hex: string): Uint8Array | null {
  if (!/^[0-9a-f]{64}$/.test(hex)) return null;
  const bytes = new Uint8Array(hashBytes);
  for (let at = 0; at < hashBytes; at++) {
    bytes[at] = digitOf(hex.charCodeAt(2 * at)) * 16 + digitOf(hex.charCodeAt(2 * at + 1));
  }
  return bytes;
}

/** Of a lower-case hex digit's code. */
function digitOf(code: number): number {
  return code < 58 ? code - 48 : code - 87;
}
