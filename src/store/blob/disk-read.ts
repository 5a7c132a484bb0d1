/** Reading a blob's file so that no consumer ever sees the clean end of damaged bytes. */
import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import type { Hash } from "../../core/ids.ts";
import { storageFailure, systemCode } from "../failure.ts";
import { checkRange, damagedBlob, missingBlob, type Range } from "./rules.ts";

export const chunkBytes = 1 << 20;

/** A blob's file; `sizeBytes` is what it must have. */
export type BlobFile = {
  readonly path: string;
  readonly hash: Hash;
  readonly sizeBytes: number;
};

/** The last chunk is held back until the size, and of a whole blob the hash, are known to be
 *  right. */
export async function* readBlob(blob: BlobFile, asked?: Range): AsyncGenerator<Uint8Array> {
  const { hash, sizeBytes } = blob;
  const range = checkRange(hash, sizeBytes, asked);
  const file = await opened(blob);
  try {
    checkFileSize(blob, (await file.stat()).size);
    const whole = range.start === 0 && range.end === sizeBytes;
    const running = whole ? createHash("sha256") : null;
    let held: Uint8Array | null = null;
    let missing = range.end - range.start;
    for await (const chunk of chunksOf(file, range, `blob ${hash}`)) {
      running?.update(chunk);
      missing -= chunk.byteLength;
      if (held !== null) yield held;
      held = chunk;
    }
    if (missing > 0) throw damagedBlob(hash, `its file was cut off by ${missing} bytes`);
    if (running !== null && running.digest("hex") !== hash) {
      throw damagedBlob(hash, "its bytes have another hash");
    }
    if (held !== null) yield held;
  } finally {
    await file.close();
  }
}

export function checkFileSize(blob: BlobFile, foundBytes: number): void {
  if (foundBytes === blob.sizeBytes) return;
  const reason = `its file has ${foundBytes} bytes in place of ${blob.sizeBytes}`;
  throw damagedBlob(blob.hash, reason);
}

async function opened(blob: BlobFile): Promise<FileHandle> {
  try {
    return await open(blob.path, "r");
  } catch (error) {
    if (systemCode(error) === "ENOENT") throw missingBlob(blob.hash);
    throw storageFailure(error, `blob ${blob.hash}`);
  }
}

/** Ends early when the file does. New memory for each chunk: it belongs to whoever gets it. */
export async function* chunksOf(
  file: FileHandle,
  range: Range,
  what: string,
): AsyncGenerator<Uint8Array> {
  for (let at = range.start; at < range.end; ) {
    const chunk = new Uint8Array(Math.min(chunkBytes, range.end - at));
    let bytesRead: number;
    try {
      ({ bytesRead } = await file.read(chunk, 0, chunk.byteLength, at));
    } catch (error) {
      throw storageFailure(error, what);
    }
    if (bytesRead === 0) return;
    at += bytesRead;
    yield bytesRead === chunk.byteLength ? chunk : chunk.subarray(0, bytesRead);
  }
}
