/** Piece hashes of bytes and of files. */
import { fstatSync } from "node:fs";
import { hashBytes, pieceBytesOf, pieceCountOf } from "../../wire/p4/merkle.ts";
import type { HashPool } from "./pool.ts";
import { sha256 } from "./sha256.ts";

/** Hashed as one unit of work of a thread. */
const partBytes = 32 * 1024 * 1024;
/** Files up to this size are hashed on the calling thread, bytes. */
const smallBytes = 4 * 1024 * 1024;

export function layerOfBytes(bytes: Uint8Array): Uint8Array {
  const pieceBytes = pieceBytesOf(bytes.length);
  const layer = new Uint8Array(pieceCountOf(bytes.length) * hashBytes);
  for (let at = 0, to = 0; at < bytes.length; at += pieceBytes, to += hashBytes) {
    layer.set(sha256(bytes.subarray(at, at + pieceBytes)), to);
  }
  return layer;
}

/** The layer of an open file, its parts hashed in parallel. Null when the file was shorter than its
 *  reported size. */
export async function layerOfFile(
  descriptor: number,
  pool: HashPool,
  onHashed: (sizeBytes: number) => void = () => {},
): Promise<Uint8Array | null> {
  const sizeBytes = fstatSync(descriptor).size;
  const pieceBytes = pieceBytesOf(sizeBytes);
  const layer = new Uint8Array(pieceCountOf(sizeBytes) * hashBytes);
  let next = 0;
  let isWhole = true;
  const lane = async () => {
    while (next < sizeBytes && isWhole) {
      const position = next;
      const lengthBytes = Math.min(partBytes, sizeBytes - position);
      next += lengthBytes;
      const order = { descriptor, position, lengthBytes, pieceBytes };
      const part = await pool.hash(order, sizeBytes <= smallBytes);
      if (part.length !== Math.ceil(lengthBytes / pieceBytes) * hashBytes) isWhole = false;
      else layer.set(part, (position / pieceBytes) * hashBytes);
      onHashed(lengthBytes);
    }
  };
  await Promise.all([lane(), lane(), lane(), lane()]);
  return isWhole ? layer : null;
}
