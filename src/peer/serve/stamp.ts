/** What shows that a file is still the one that was hashed: size, times, inode. */
import { type BigIntStats, fstatSync, statSync } from "node:fs";

export type Stamp = {
  readonly sizeBytes: number;
  /** ns, as text: they do not fit a number. */
  readonly mtimeNs: string;
  readonly ctimeNs: string;
  readonly inode: string;
  /** Its owner may run it; a change of this shows in ctime. */
  readonly isExecutable: boolean;
};

/** File systems count time in steps of up to this much, ms: a file that was written this shortly
 *  before it was hashed may change again without a new time. */
export const doubtMs = 2_000;

/** Null when there is no regular file. */
export function stampOf(file: string | number): Stamp | null {
  try {
    const options = { bigint: true } as const;
    return ofStats(typeof file === "string" ? statSync(file, options) : fstatSync(file, options));
  } catch {
    return null;
  }
}

function ofStats(stats: BigIntStats): Stamp | null {
  if (!stats.isFile()) return null;
  return {
    sizeBytes: Number(stats.size),
    mtimeNs: String(stats.mtimeNs),
    ctimeNs: String(stats.ctimeNs),
    inode: `${stats.dev}:${stats.ino}`,
    isExecutable: (stats.mode & 0o100n) !== 0n,
  };
}

export function sameStamp(a: Stamp | null, b: Stamp | null): boolean {
  if (a === null || b === null) return false;
  return (
    a.sizeBytes === b.sizeBytes &&
    a.mtimeNs === b.mtimeNs &&
    a.ctimeNs === b.ctimeNs &&
    a.inode === b.inode
  );
}

/** True when the file was modified so recently that a change might not show in its times. */
export function isFresh(stamp: Stamp, atMs: number): boolean {
  return Number(BigInt(stamp.ctimeNs) / 1_000_000n) > atMs - doubtMs;
}
