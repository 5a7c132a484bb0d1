/** A small blob as one piece of memory; what may be large is read as a stream. */
import { ClusterError } from "../../core/error.ts";
import type { Hash } from "../../core/ids.ts";
import type { Blobs } from "./blob.ts";

/** All bytes of a blob, verified, in memory of the caller's own. Throws `limit-exceeded` when there
 *  are more than `sizeMaxBytes`, before anything is read, and what `Blobs.read` throws:
 *  `not-found`, `data-lost`. */
export async function readWhole(
  blobs: Pick<Blobs, "read" | "size">,
  hash: Hash,
  sizeMaxBytes: number,
): Promise<Buffer> {
  const sizeBytes = await blobs.size(hash);
  if (sizeBytes !== null && sizeBytes > sizeMaxBytes) {
    const text = `blob ${hash} has ${sizeBytes} bytes, and the limit here is ${sizeMaxBytes}`;
    throw new ClusterError("limit-exceeded", text);
  }
  const chunks: Uint8Array[] = [];
  // A store may lend its memory until the next chunk.
  for await (const chunk of blobs.read(hash)) chunks.push(chunk.slice());
  return Buffer.concat(chunks);
}
