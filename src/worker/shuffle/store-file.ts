/** Streams to files on this worker's disk, checked as they pass; a file appears whole or not at
 *  all. */
import { createHash } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { ClusterError } from "../../core/error.ts";
import { hit } from "../../store/failpoint.ts";
import { diskError } from "./disk-error.ts";

export async function writeAll(handle: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, at + done);
    done += bytesWritten;
  }
}

/** Stores a stream as `path`; `download-failed` when its SHA-256 is not `hash`. */
export async function storeVerified(
  chunks: AsyncIterable<Uint8Array>,
  path: string,
  hash: string,
): Promise<void> {
  const temporary = `${path}.tmp`;
  try {
    const handle = await open(temporary, "w", 0o600);
    const digest = createHash("sha256");
    try {
      let at = 0;
      for await (const chunk of chunks) {
        digest.update(chunk);
        await writeAll(handle, chunk, at);
        at += chunk.length;
      }
    } finally {
      await handle.close();
    }
    if (digest.digest("hex") !== hash) {
      throw new ClusterError("download-failed", `what came as blob ${hash} has another SHA-256`);
    }
    hit("worker.download", "before");
    await rename(temporary, path);
    hit("worker.download", "after");
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw diskError(error, "storing a download");
  }
}
