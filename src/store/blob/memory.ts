/** Blobs in memory: for tests, tabs and the simulator; free of Node. */
import { ClusterError } from "../../core/error.ts";
import type { Hash } from "../../core/ids.ts";
import type { Blobs } from "./blob.ts";
import {
  blobTooLarge,
  checkHash,
  checkRange,
  checkSizeMax,
  closedBlobs,
  missingBlob,
  wrongBytes,
} from "./rules.ts";

export type MemoryBlobsOptions = {
  /** Lowercase hex SHA-256. Default: WebCrypto, whose promises settle in no fixed order; a
   *  simulation that must be repeatable passes its own. */
  readonly sha256?: (bytes: Uint8Array) => Hash | Promise<Hash>;
  /** Bytes of all blobs together, above which `put` throws `storage-full`. Default: no limit. */
  readonly capacityBytes?: number;
};

const chunkBytes = 1 << 20;

export function openMemoryBlobs(options: MemoryBlobsOptions = {}): Blobs {
  const { sha256 = webSha256, capacityBytes = Number.POSITIVE_INFINITY } = options;
  const blobs = new Map<Hash, Uint8Array>();
  let heldBytes = 0;
  let closed = false;

  const mustBeOpen = (): void => {
    if (closed) throw closedBlobs("the blob store in memory");
  };
  const get = (hash: Hash): Uint8Array | null => {
    mustBeOpen();
    checkHash(hash);
    return blobs.get(hash) ?? null;
  };

  return {
    async put(chunks, { expect, sizeMaxBytes = Number.MAX_SAFE_INTEGER } = {}) {
      mustBeOpen();
      checkSizeMax(sizeMaxBytes);
      if (expect !== undefined) checkHash(expect);
      const bytes = await collect(chunks, sizeMaxBytes);
      const hash = await sha256(bytes);
      mustBeOpen();
      if (expect !== undefined && expect !== hash) throw wrongBytes(expect, hash);
      if (!blobs.has(hash)) {
        if (heldBytes + bytes.byteLength > capacityBytes) throw fullMemory(hash, capacityBytes);
        heldBytes += bytes.byteLength;
        blobs.set(hash, bytes);
      }
      return { hash, sizeBytes: bytes.byteLength };
    },
    async size(hash) {
      return get(hash)?.byteLength ?? null;
    },
    async *read(hash, range) {
      const bytes = get(hash);
      if (bytes === null) throw missingBlob(hash);
      const { start, end } = checkRange(hash, bytes.byteLength, range);
      for (let at = start; at < end; at += chunkBytes) {
        yield bytes.slice(at, Math.min(at + chunkBytes, end));
      }
    },
    async delete(hash) {
      heldBytes -= get(hash)?.byteLength ?? 0;
      blobs.delete(hash);
    },
    async *list() {
      mustBeOpen();
      yield* [...blobs.keys()];
    },
    path(hash) {
      get(hash);
      return null;
    },
    async close() {
      closed = true;
      blobs.clear();
    },
  };
}

async function collect(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  sizeMaxBytes: number,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of chunks) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > sizeMaxBytes) throw blobTooLarge(sizeMaxBytes);
    parts.push(chunk.slice());
  }
  const bytes = new Uint8Array(sizeBytes);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.byteLength;
  }
  return bytes;
}

async function webSha256(bytes: Uint8Array): Promise<Hash> {
  const digest = await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
  const pairs = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0"));
  return pairs.join("");
}

function fullMemory(hash: Hash, capacityBytes: number): ClusterError {
  const text = `blob ${hash} does not fit into ${capacityBytes} bytes: delete blobs, then retry`;
  return new ClusterError("storage-full", text);
}
