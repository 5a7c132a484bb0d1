/** Files that a user names for output, by one rule for all that write them: pipes and devices are
 *  written into, links and folders refused, and nothing but a regular file is ever replaced. A
 *  regular file appears whole or not at all. */
import { randomUUID } from "node:crypto";
import { constants, lstatSync, readlinkSync, statSync } from "node:fs";
import { type FileHandle, link, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { isDiskFull } from "../core/disk-full.ts";
import { ClusterError } from "../core/error.ts";

/** `into`: a pipe or a character device, by a link or not. `file`: nothing is there, or a regular
 *  file that may be replaced. Throws `bad-request` for what can be neither, and `conflict` for a
 *  file that may not be replaced. */
export function wayTo(path: string, mayReplace: boolean): "into" | "file" {
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there === undefined) return "file";
  if (there.isFile()) {
    if (mayReplace) return "file";
    throw new ClusterError("conflict", `${path} exists; choose another, or ask to replace it`);
  }
  if (there.isDirectory()) {
    throw new ClusterError("bad-request", `${path} is a folder; name a file`);
  }
  const target = statSync(path, { throwIfNoEntry: false });
  if (target?.isFIFO() || target?.isCharacterDevice()) return "into";
  if (there.isSymbolicLink()) {
    const text = `${path} is a link to ${readlinkSync(path)}; name the file itself`;
    throw new ClusterError("bad-request", `${text}, or remove the link`);
  }
  const what = there.isBlockDevice() ? "a block device" : "no file, pipe or character device";
  throw new ClusterError("bad-request", `${path} is ${what}; name a file`);
}

/** Where what is to be at `path` is written first. `own`: no other process uses this name now, and
 *  what lies there is of one that was killed. */
export async function stagingOf(path: string, own: string | undefined): Promise<string> {
  const staging = `${path}.${own ?? randomUUID().slice(0, 8)}.tmp`;
  if (own !== undefined) await rm(staging, { recursive: true, force: true });
  return staging;
}

/** Writes what the user named, and makes the folders above it. Resolves with the bytes written, and
 *  how. A chunk may be overwritten when the second after it is asked for. `own`: as above. */
export async function writeNamed(
  path: string,
  chunks: AsyncIterable<Uint8Array>,
  mayReplace: boolean,
  own?: string,
): Promise<{ readonly sizeBytes: number; readonly way: "into" | "file" }> {
  const way = wayTo(path, mayReplace);
  if (way === "into") return { sizeBytes: await writeInto(path, chunks), way };
  await mkdir(dirname(path), { recursive: true });
  const staging = await stagingOf(path, own);
  try {
    const sizeBytes = await writeNew(staging, chunks);
    // What came there meanwhile is not replaced either.
    wayTo(path, mayReplace);
    if (mayReplace) await rename(staging, path);
    else await giveFreeName(staging, path);
    return { sizeBytes, way };
  } finally {
    await rm(staging, { force: true });
  }
}

async function giveFreeName(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "EEXIST") {
      const text = `${to} has appeared meanwhile; choose another, or ask to replace it`;
      throw new ClusterError("conflict", text, { cause });
    }
    // File systems without hard links.
    await rename(from, to);
  }
}

/** Into a pipe or a device, as it is: it waits for the reader of a pipe. */
export async function writeInto(path: string, chunks: AsyncIterable<Uint8Array>): Promise<number> {
  let sizeBytes = 0;
  // Never made anew: it may have gone since it was looked at.
  const file = await open(path, constants.O_WRONLY);
  try {
    for await (const chunk of chunks) {
      await writeChunk(file, chunk);
      sizeBytes += chunk.length;
    }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "EPIPE") throw unwritten(path, cause);
    const text = `the reader of ${path} has gone after ${sizeBytes} bytes; collect it again`;
    throw new ClusterError("storage-failed", text, { cause });
  } finally {
    await file.close();
  }
  return sizeBytes;
}

/** Resolves when the bytes are on the disk; when it rejects, it has done with the file. */
export async function writeNew(
  path: string,
  chunks: AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<number> {
  try {
    const file = await open(path, "wx");
    try {
      const sizeBytes = await writeAll(file, chunks, signal);
      await file.sync();
      return sizeBytes;
    } finally {
      await file.close();
    }
  } catch (error) {
    throw unwritten(path, error);
  }
}

function unwritten(path: string, cause: unknown): unknown {
  if (!isDiskFull(cause)) return cause;
  const text = `no space left to write ${path}; free some and collect the result again`;
  return new ClusterError("storage-full", text, { cause });
}

/** One chunk is written while the next one is read and verified. */
async function writeAll(
  file: FileHandle,
  chunks: AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<number> {
  let sizeBytes = 0;
  let writing = Promise.resolve();
  try {
    for await (const chunk of chunks) {
      await writing;
      signal?.throwIfAborted();
      writing = writeChunk(file, chunk);
      // It is awaited with the next chunk, which may take long.
      writing.catch(() => {});
      sizeBytes += chunk.length;
    }
  } finally {
    await writing;
  }
  return sizeBytes;
}

async function writeChunk(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length; ) at += (await file.write(chunk, at)).bytesWritten;
}
