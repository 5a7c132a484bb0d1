/** Bytes that a job needs at the coordinator before it can be submitted. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClusterError } from "../../core/error.ts";
import type { Hash } from "../../core/ids.ts";

export type Upload = {
  readonly hash: Hash;
  readonly sizeBytes: number;
  readonly at:
    | { readonly kind: "bytes"; readonly bytes: Uint8Array }
    | { readonly kind: "path"; readonly path: string }
    /** What a page has; `start`: its first `shapeStartBytes`, or all that it has. */
    | { readonly kind: "content"; readonly content: Blob; readonly start: Uint8Array };
};

/** A stream kept in a temporary file until `remove`. */
export type Spooled = { readonly upload: Upload; remove(): Promise<void> };

/** Copies a stream to disk while hashing it. Longer than `sizeMaxBytes`: `limit-exceeded`. */
export async function spool(
  chunks: AsyncIterable<Uint8Array>,
  sizeMaxBytes: number,
): Promise<Spooled> {
  const folder = await mkdtemp(join(tmpdir(), "tequio-stdin-"));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const path = join(folder, "stdin");
    const file = await open(path, "wx", 0o600);
    const hash = createHash("sha256");
    let sizeBytes = 0;
    try {
      for await (const chunk of chunks) {
        sizeBytes += chunk.length;
        if (sizeBytes > sizeMaxBytes) {
          throw new ClusterError(
            "limit-exceeded",
            `standard input is longer than ${sizeMaxBytes} bytes (stdinMaxBytes); use a file`,
          );
        }
        hash.update(chunk);
        await file.writeFile(chunk);
      }
    } finally {
      await file.close();
    }
    return { upload: { hash: hash.digest("hex"), sizeBytes, at: { kind: "path", path } }, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

export async function hashFile(path: string, signal?: AbortSignal): Promise<Hash> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    signal?.throwIfAborted();
    hash.update(chunk);
  }
  return hash.digest("hex");
}
