/** What a task process has put on the disk: files in its folder, and those that it has removed but
 *  keeps open. */
import { lstatSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/** An empty file takes an inode; counted as a block, so that a flood of them meets the limit. */
const entryBytes = 4_096;
const blockBytes = 512;

/** Stops counting above `enoughBytes`. Files that vanish meanwhile count nothing. */
export function scratchBytes(dir: string, pid: number, enoughBytes: number): number {
  let sum = 0;
  const folders = [dir];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of namesIn(folder)) {
      const path = join(folder, entry);
      const stat = lstatSync(path, { throwIfNoEntry: false });
      if (stat === undefined) continue;
      if (stat.isDirectory()) folders.push(path);
      sum += entryBytes + stat.blocks * blockBytes;
      if (sum > enoughBytes) return sum;
    }
  }
  return sum + removedBytes(dir, pid);
}

function removedBytes(dir: string, pid: number): number {
  const disk = lstatSync(dir, { throwIfNoEntry: false })?.dev;
  let sum = 0;
  for (const descriptor of namesIn(`/proc/${pid}/fd`)) {
    try {
      const stat = statSync(`/proc/${pid}/fd/${descriptor}`);
      const isRemoved = stat.isFile() && stat.nlink === 0 && stat.dev === disk;
      if (isRemoved) sum += stat.blocks * blockBytes;
    } catch {
      // Closed meanwhile, or not ours to see.
    }
  }
  return sum;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
