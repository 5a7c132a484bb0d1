/** The place of a fetched file: one process at a time writes there, and an existing file is never
 *  overwritten. */
import { closeSync, openSync, statSync } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ClusterError } from "../../core/error.ts";
import type { Hash } from "../../core/ids.ts";
import { makeDirectory } from "../../store/directory.ts";
import { type FileLock, lockFile } from "../../store/log/lock.ts";
import { layerOfFile } from "../hashing/layer.ts";
import type { HashPool } from "../hashing/pool.ts";
import { rootHex, sha256Hex } from "../hashing/sha256.ts";
import { partialNames } from "./partial.ts";

/** Interval between attempts to take a lock that another process holds, ms. */
const lockPollMs = 200;

/** Waits until no other process downloads to this path. Locks lie in a directory of their own and
 *  are never deleted, since another process may be waiting for them. */
export async function lockTarget(
  target: string,
  around: { readonly lockDir: string; readonly signal: AbortSignal; onWait(): void },
): Promise<FileLock> {
  makeDirectory(around.lockDir);
  const path = join(around.lockDir, `${sha256Hex(resolve(target)).slice(0, 32)}.lock`);
  for (let tries = 0; ; tries++) {
    const lock = lockFile(path, false);
    if (lock !== null) return lock;
    if (tries === 0) around.onWait();
    await delay(lockPollMs, undefined, { signal: around.signal });
  }
}

/** "there": the target has exactly this content already · "free": the name is unused. Throws
 *  `conflict` when the name is used by something else. */
export async function lookAt(
  target: string,
  wanted: { readonly root: Hash; readonly sizeBytes: number | null; readonly replaces: boolean },
  pool: HashPool,
): Promise<"there" | "free"> {
  const stats = statSync(target, { throwIfNoEntry: false });
  if (stats === undefined) {
    if (statSync(dirname(target), { throwIfNoEntry: false }) !== undefined) return "free";
    throw new ClusterError("not-found", `there is no folder ${dirname(target)}`);
  }
  if (stats.isDirectory()) {
    throw new ClusterError("bad-request", `${target} is a folder; name a file with -o`);
  }
  const mayBeIt = wanted.sizeBytes === null || stats.size === wanted.sizeBytes;
  if (mayBeIt && (await rootOfFile(target, pool)) === wanted.root) {
    // A crash after the rename leaves the journal behind.
    const names = partialNames(target, wanted.root);
    for (const path of [names.part, names.journal]) await rm(path, { force: true });
    return "there";
  }
  if (wanted.replaces) return "free";
  throw new ClusterError(
    "conflict",
    `${target} exists and is another file; choose another with -o, or replace it with --overwrite`,
  );
}

export async function rootOfFile(path: string, pool: HashPool): Promise<Hash | null> {
  const descriptor = openSync(path, "r");
  try {
    const sizeBytes = statSync(path).size;
    const layer = await layerOfFile(descriptor, pool);
    return layer === null ? null : rootHex(sizeBytes, layer);
  } finally {
    closeSync(descriptor);
  }
}
