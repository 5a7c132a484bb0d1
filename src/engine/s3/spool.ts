/** The bytes of a blob until its name is known, which is their hash: in memory while they are few,
 *  else in a file. */
import { createReadStream } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";
import { join } from "node:path";
import type { BlobPut } from "../../store/blob/blob.ts";
import { PieceHash } from "../../store/blob/pieces.ts";
import { blobTooLarge } from "../../store/blob/rules.ts";
import { temporaryName } from "../../store/blob/temporary.ts";
import { storageFailure } from "../../store/failure.ts";

const memoryMaxBytes = 4 << 20;

export type Spooled = BlobPut & {
  readonly layer: Buffer;
  /** From the begin, or these bytes of it. */
  readonly open: (range?: { start: number; end: number }) => AsyncIterable<Uint8Array>;
  readonly remove: () => Promise<void>;
};

/** Reads all chunks. Throws `limit-exceeded`, `storage-full`, and what the source throws. */
export async function spool(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { dir, sizeMaxBytes }: { readonly dir: string; readonly sizeMaxBytes: number },
): Promise<Spooled> {
  const running = new PieceHash(true);
  const path = join(dir, temporaryName());
  const held: Uint8Array[] = [];
  let [file, sizeBytes]: [FileHandle | null, number] = [null, 0];
  try {
    for await (const chunk of chunks) {
      sizeBytes += chunk.byteLength;
      if (sizeBytes > sizeMaxBytes) throw blobTooLarge(sizeMaxBytes);
      running.update(chunk);
      if (file === null && sizeBytes <= memoryMaxBytes) {
        held.push(Uint8Array.from(chunk));
        continue;
      }
      if (file === null) {
        file = await open(path, "wx", 0o600);
        for (const one of held.splice(0)) await write(file, one);
      }
      await write(file, chunk);
    }
  } catch (error) {
    await file?.close();
    await rm(path, { force: true });
    throw error;
  }
  await file?.close();
  const bytes = Buffer.concat(held);
  const isFile = file !== null;
  return {
    ...running.finish(),
    async *open(range = { start: 0, end: sizeBytes }) {
      if (!isFile) yield bytes.subarray(range.start, range.end);
      else yield* createReadStream(path, { start: range.start, end: range.end - 1 });
    },
    remove: () => rm(path, { force: true }),
  };
}

async function write(file: FileHandle, bytes: Uint8Array): Promise<void> {
  try {
    for (let at = 0; at < bytes.byteLength; ) {
      at += (await file.write(bytes, at, bytes.byteLength - at)).bytesWritten;
    }
  } catch (error) {
    throw storageFailure(error, "a blob on its way to S3");
  }
}
