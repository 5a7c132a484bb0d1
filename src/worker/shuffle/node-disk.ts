/** The shuffle's disk: Node's file system. */
import { createHash } from "node:crypto";
import { chmod, link, lstat, mkdir, readdir, rename, rm } from "node:fs/promises";
import { ClusterError } from "../../core/error.ts";
import { isUnchanged } from "./byte-range.ts";
import type { Content, DiskEntry, ShuffleDisk } from "./disk.ts";
import { openOutput } from "./open-output.ts";

export const nodeDisk: ShuffleDisk = {
  read,
  entry,
  isUnchanged,
  link: linked,
  rename,
  remove: (path) => rm(path, { recursive: true, force: true }),
  makeFolder: async (path) => {
    await mkdir(path, { recursive: true, mode: 0o700 });
  },
  names: (folder) => readdir(folder).catch(() => []),
};

async function read(path: string, bytesMax: number): Promise<Content> {
  const handle = await openOutput(path);
  try {
    const { size } = await handle.stat();
    if (size > bytesMax) {
      throw new ClusterError("limit-exceeded", `${path} has ${size} bytes, at most ${bytesMax}`);
    }
    const bytes = await handle.readFile();
    return { bytes, sha256: createHash("sha256").update(bytes).digest("hex") };
  } finally {
    await handle.close();
  }
}

async function entry(path: string): Promise<DiskEntry | null> {
  const found = await lstat(path).catch(() => null);
  if (found === null) return null;
  const isOwn = found.uid === process.getuid?.();
  return {
    kind: found.isFile() ? "file" : found.isDirectory() ? "folder" : "other",
    sizeBytes: found.size,
    id: `${found.dev}:${found.ino}`,
    isPrivate: isOwn && !(found.mode & 0o077),
    isOwn: isOwn && !(found.mode & 0o022),
  };
}

async function linked(path: string, second: string): Promise<"made" | "taken" | "refused"> {
  try {
    await link(path, second);
    // For a process with another user; folders above keep others out. Refused only where the file
    // is another user's: then that user decides.
    await chmod(second, 0o644).catch(() => {});
    return "made";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EEXIST" ? "taken" : "refused";
  }
}
