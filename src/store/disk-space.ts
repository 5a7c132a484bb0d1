/** The free space of a disk, and how much of it is left unused by default. */
import { statfsSync } from "node:fs";
import { storageFailure } from "./failure.ts";

const markMaxBytes = 256 * 1024 * 1024;
/** For small disks. */
const markShare = 0.05;

export type DiskSpace = { readonly freeBytes: number; readonly totalBytes: number };

/** The space that this process may still write to the disk of `dir`. */
export function diskSpace(dir: string): DiskSpace {
  try {
    const { bavail, blocks, bsize } = statfsSync(dir);
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  } catch (error) {
    throw storageFailure(error, dir);
  }
}

/** Free space below which a coordinator takes no new jobs: 256 MiB, or a twentieth of a small
 *  disk. */
export function defaultMarkBytes({ totalBytes }: DiskSpace): number {
  return Math.floor(Math.min(markMaxBytes, totalBytes * markShare));
}
