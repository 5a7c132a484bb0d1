/** Files as ranges of bytes: what `input.ts` reads, wherever they are. */
import { type FileHandle, open } from "node:fs/promises";
import { ClusterError } from "../../core/error.ts";
import type { InputFile } from "../../wire/block/plan.ts";

/** An input file opened for one task. */
export interface OpenInput {
  /** Bytes [start, end), both inside the file, in chunks of any size. A chunk is overwritten
   *  once the next one is asked for. Less than asked, or other bytes than were submitted, is
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
