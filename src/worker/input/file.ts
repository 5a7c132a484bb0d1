/** Files as ranges of bytes: what `input.ts` reads, wherever they are. */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { ClusterError } from "../../core/error.ts";
import type { InputFile } from "../../wire/block/plan.ts";

/** An input file opened for one task. */
export interface OpenInput {
  /** Bytes [start, end), both inside the file, in chunks of any size. A chunk is overwritten once
   *  the next one is asked for. Less than asked, or other bytes than were submitted, is
   *  `data-lost`; no way to get at them, `download-failed`. */
  read(start: number, end: number): AsyncIterable<Uint8Array>;
  /** Where it lies on this machine; null when it does not. */
  readonly path: string | null;
  /** May be called twice. */
  close(): Promise<void>;
}

const chunkBytes = 256 * 1024;

/** A file on this machine's disk. One that is not as it was when the job was submitted is
 *  `data-lost`. */
export async function openLocal(file: InputFile): Promise<OpenInput> {
  const { at } = file;
  if (at.kind !== "path") throw new Error(`${file.name} is a blob, not a path`);
  let handle: FileHandle;
  try {
    handle = await open(at.path, "r");
  } catch (error) {
    throw new ClusterError("data-lost", `input ${file.name}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  const local = { handle, name: file.name, sizeBytes: file.sizeBytes, mtimeMs: at.mtimeMs };
  try {
    await checkUnchanged(local);
  } catch (error) {
    await handle.close();
    throw error;
  }
  const read = (start: number, end: number) => readLocal(local, start, end);
  return { read, path: at.path, close: () => handle.close() };
}

/** Larger files are worth a stream. */
const smallMaxBytes = 128 * 1024;

/** All of a small file on this machine's disk, at once: of thousands of them, opening, checking and
 *  closing is what costs. Null when it is not small, or not as it was when the job was submitted:
 *  `openLocal` says why. */
export function readSmall({ at, compression, sizeBytes }: InputFile): Uint8Array | null {
  if (at.kind !== "path" || compression !== "none" || sizeBytes > smallMaxBytes) return null;
  let fd = -1;
  try {
    // What has become a pipe meanwhile must not be waited for.
    fd = openSync(at.path, constants.O_RDONLY | constants.O_NONBLOCK);
    const bytes = Buffer.allocUnsafe(sizeBytes);
    if (readSync(fd, bytes, 0, sizeBytes, 0) !== sizeBytes) return null;
    // Behind the read: what was changed before it or meanwhile has another size or time by now.
    const { mtimeMs, size } = fstatSync(fd);
    const isSame = size === sizeBytes && Math.floor(mtimeMs) === Math.floor(at.mtimeMs);
    return isSame ? bytes : null;
  } catch {
    return null;
  } finally {
    if (fd !== -1) closeSync(fd);
  }
}

type Local = {
  readonly handle: FileHandle;
  readonly name: string;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
};

async function* readLocal(local: Local, start: number, end: number): AsyncIterable<Uint8Array> {
  const buffer = Buffer.allocUnsafeSlow(Math.min(chunkBytes, Math.max(1, end - start)));
  try {
    for (let at = start; at < end; ) {
      const wanted = Math.min(buffer.length, end - at);
      const { bytesRead } = await local.handle.read(buffer, 0, wanted, at);
      if (bytesRead === 0) throw changed(local);
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    // Also for a reader that has enough before the end.
    await checkUnchanged(local);
  }
}

async function checkUnchanged(local: Local): Promise<void> {
  const { size, mtimeMs } = await local.handle.stat();
  const sameTime = Math.floor(mtimeMs) === Math.floor(local.mtimeMs);
  if (size !== local.sizeBytes || !sameTime) throw changed(local);
}

function changed({ name }: Local): ClusterError {
  return new ClusterError(
    "data-lost",
    `input ${name} changed while the job runs; submit the job again when the file is complete`,
  );
}
