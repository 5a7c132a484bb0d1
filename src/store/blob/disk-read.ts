/** Reads a blob's file such that no consumer ever sees the clean end of damaged bytes. */
import { createHash, hash as hashOf } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import type { ClusterError } from "../../core/error.ts";
import { storageFailure, systemCode } from "../failure.ts";
import { pieceBytes, pieceHashOf } from "./pieces.ts";
import { type BlobFile, checkRange, damagedBlob, missingBlob, type Range } from "./rules.ts";

export const chunkBytes = 1 << 20;
/** One that the consumer still uses, one that it is given, one that is read meanwhile. */
const lentBuffers = 3;

/** All bytes. The last chunk is held back until size and hash are known to be right. `isLent`: a
 *  chunk is overwritten when the second after it is asked for. */
export async function* readBlob(blob: BlobFile, isLent = false): AsyncGenerator<Uint8Array> {
  const { hash, sizeBytes } = blob;
  const file = await opened(blob);
  try {
    checkFileSize(blob, (await file.stat()).size);
    const running = createHash("sha256");
    let held: Uint8Array | null = null;
    let missing = sizeBytes;
    const memory = isLent ? new Lent(Math.min(chunkBytes, sizeBytes)) : null;
    const all = { start: 0, end: sizeBytes, memory };
    for await (const chunk of chunksOf(file, all, `blob ${hash}`)) {
      running.update(chunk);
      missing -= chunk.byteLength;
      if (held !== null) yield held;
      held = chunk;
    }
    if (missing > 0) throw cutOff(blob, missing);
    if (running.digest("hex") !== hash) {
      throw damagedBlob(hash, "its bytes have another hash");
    }
    if (held !== null) yield held;
  } finally {
    await file.close();
  }
}

/** Some bytes, none of them from a piece that differs from the layer. */
export async function* readRange(
  blob: BlobFile,
  asked: Range,
  layerOf: (blob: BlobFile) => Promise<Buffer>,
): AsyncGenerator<Uint8Array> {
  const { start, end } = checkRange(blob.hash, blob.sizeBytes, asked);
  const file = await opened(blob);
  try {
    checkFileSize(blob, (await file.stat()).size);
    if (start === end) return;
    const layer = await layerOf(blob);
    const from = start - (start % pieceBytes);
    const to = Math.min(blob.sizeBytes, Math.ceil(end / pieceBytes) * pieceBytes);
    for (let at = from; at < to; at += chunkBytes) {
      const pieces = await whole(file, blob, { start: at, end: Math.min(to, at + chunkBytes) });
      checkPieces(blob, { at, pieces, layer });
      yield pieces.subarray(Math.max(0, start - at), Math.min(pieces.byteLength, end - at));
    }
  } finally {
    await file.close();
  }
}

/** Reads all bytes into new memory. */
async function whole(file: FileHandle, blob: BlobFile, range: Range): Promise<Uint8Array> {
  const bytes = new Uint8Array(range.end - range.start);
  for (let filled = 0; filled < bytes.byteLength; ) {
    const left = bytes.byteLength - filled;
    const at = range.start + filled;
    const { bytesRead } = await file.read(bytes, filled, left, at).catch((error: unknown) => {
      throw storageFailure(error, `blob ${blob.hash}`);
    });
    if (bytesRead === 0) throw cutOff(blob, left);
    filled += bytesRead;
  }
  return bytes;
}

function checkPieces(
  { hash }: BlobFile,
  of: { readonly at: number; readonly pieces: Uint8Array; readonly layer: Buffer },
): void {
  const { at, layer, pieces } = of;
  for (let from = 0; from < pieces.byteLength; from += pieceBytes) {
    const found = hashOf("sha256", pieces.subarray(from, from + pieceBytes), "buffer");
    const piece = (at + from) / pieceBytes;
    if (found.equals(pieceHashOf(layer, piece))) continue;
    throw damagedBlob(hash, `its bytes from ${at + from} on differ from what was put`);
  }
}

function cutOff({ hash }: BlobFile, missingBytes: number): ClusterError {
  return damagedBlob(hash, `its file was cut off by ${missingBytes} bytes`);
}

export function checkFileSize(blob: BlobFile, foundBytes: number): void {
  if (foundBytes === blob.sizeBytes) return;
  const reason = `its file has ${foundBytes} bytes instead of ${blob.sizeBytes}`;
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

/** The same few buffers in turn: the garbage collector would let up to 64 MiB of them lie. */
class Lent {
  readonly #buffers: readonly Uint8Array[];
  #next = 0;

  constructor(sizeBytes: number) {
    this.#buffers = Array.from({ length: lentBuffers }, () => new Uint8Array(sizeBytes));
  }

  take(sizeBytes: number): Uint8Array {
    const buffer = this.#buffers[this.#next++ % lentBuffers] as Uint8Array;
    return buffer.subarray(0, sizeBytes);
  }
}

/** Ends early when the file does. Without `memory`, new memory for each chunk: it belongs to the
 *  caller. */
export async function* chunksOf(
  file: FileHandle,
  range: Range & { readonly memory?: Lent | null },
  what: string,
): AsyncGenerator<Uint8Array> {
  for (let at = range.start; at < range.end; ) {
    const sizeBytes = Math.min(chunkBytes, range.end - at);
    const chunk = range.memory?.take(sizeBytes) ?? new Uint8Array(sizeBytes);
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
