/** Hashes one file that may be written to meanwhile. */
import { closeSync, constants, openSync } from "node:fs";
import { layerOfFile } from "../hashing/layer.ts";
import type { HashPool } from "../hashing/pool.ts";
import { rootHex } from "../hashing/sha256.ts";
import type { HashedFile } from "../serve/file-content.ts";
import { sameStamp, stampOf } from "../serve/stamp.ts";
import type { HashCache } from "./hash-cache.ts";

/** A file that changes as fast as it is hashed is given up after this many attempts. */
const triesMax = 3;

/** Null when it is gone, no regular file, or keeps changing. */
export async function hashFile(
  path: string,
  around: {
    readonly pool: HashPool;
    readonly cache: HashCache | null;
    readonly onHashed?: (sizeBytes: number) => void;
  },
): Promise<HashedFile | null> {
  for (let tries = 0; tries < triesMax; tries++) {
    const descriptor = openQuietly(path);
    if (descriptor === null) return null;
    try {
      const stamp = stampOf(descriptor);
      if (stamp === null) return null;
      const known = around.cache?.find(path, stamp);
      if (known) {
        around.onHashed?.(stamp.sizeBytes);
        return known;
      }
      const layer = await layerOfFile(descriptor, around.pool, around.onHashed);
      if (layer === null || !sameStamp(stampOf(descriptor), stamp)) continue;
      const root = rootHex(stamp.sizeBytes, layer);
      const hashed = { path, stamp, root, layer, hashedAtMs: Date.now() };
      around.cache?.put(hashed);
      return hashed;
    } finally {
      closeSync(descriptor);
    }
  }
  return null;
}

function openQuietly(path: string): number | null {
  try {
    // NONBLOCK: a pipe without a writer would block the process.
    const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
    return openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch {
    return null;
  }
}
