/** How much room a disk has, and how much of it is left alone by default. */
import { statfsSync } from "node:fs";
import { storageFailure } from "./failure.ts";

const markMaxBytes = 256 * 1024 * 1024;
/** Of small disks. */
const markShare = 0.05;

export type DiskSpace = { readonly freeBytes: number; readonly totalBytes: number };

/** What this process may still write to the disk of `dir`. */
export function diskSpace(dir: string): DiskSpace {
  try {
    const { bavail, blocks, bsize } = statfsSync(dir);
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  } catch (error) {
    throw storageFailure(error, dir);
  }
}

/** Below so much a coordinator takes nothing new: 256 MiB, or a twentieth of a small disk. */
export function defaultMarkBytes({ totalBytes }: DiskSpace): number {
  return Math.floor(Math.min(markMaxBytes, totalBytes * markShare));
}
