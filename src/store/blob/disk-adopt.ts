/** Adopts a finished file of another component: linked when possible, so that big results are not
 *  copied, and hashed from the link, so that what was hashed is what is kept. */
import { type FileHandle, link, lstat, open } from "node:fs/promises";
import { ClusterError } from "../../core/error.ts";
import { hit } from "../failpoint.ts";
import { storageFailure, systemCode } from "../failure.ts";
import { chunkBytes, chunksOf } from "./disk-read.ts";
import type { Received } from "./disk-write.ts";
import { PieceHash } from "./pieces.ts";

/** False when this file system, or this pair of them, has no hard links. */
export async function linkFile(path: string, to: string): Promise<boolean> {
  try {
    if (!(await lstat(path)).isFile()) {
      throw new ClusterError("bad-request", `${path} is not a plain file: adopt the file itself`);
    }
    hit("blob.link", "before");
    await link(path, to);
    hit("blob.link", "after");
    return true;
  } catch (error) {
    const code = systemCode(error);
    if (["EXDEV", "EPERM", "EMLINK", "ENOTSUP"].includes(code)) return false;
    if (code !== "ENOENT") throw storageFailure(error, path);
    throw new ClusterError("not-found", `there is no file ${path} to adopt`, { cause: error });
  }
}

export async function* fileChunks(path: string): AsyncGenerator<Uint8Array> {
  const file = await openFile(path);
  try {
    yield* chunksOf(file, { start: 0, end: (await file.stat()).size }, path);
  } finally {
    await file.close();
  }
}

/** Name, size and, with `ranges`, the pieces of a linked file, which is durable and write-protected
 *  afterwards. It is read while the disk writes it. */
export async function sealFile(path: string, ranges: boolean): Promise<Received> {
  const file = await openFile(path);
  try {
    await file.chmod(0o400);
    hit("blob.seal", "before");
    const [put] = await Promise.all([hashOf(file, ranges), file.sync()]);
    hit("blob.seal", "after");
    return put;
  } catch (error) {
    throw storageFailure(error, path);
  } finally {
    await file.close();
  }
}

async function hashOf(file: FileHandle, ranges: boolean): Promise<Received> {
  const running = new PieceHash(ranges);
  let sizeBytes = 0;
  const { size } = await file.stat();
  // One buffer: a new one for each chunk would leave up to 64 MiB to the garbage collector.
  const buffer = new Uint8Array(Math.min(chunkBytes, size));
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.byteLength, sizeBytes);
    if (bytesRead === 0) break;
    running.update(buffer.subarray(0, bytesRead));
    sizeBytes += bytesRead;
  }
  return running.finish();
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, "r");
  } catch (error) {
    throw storageFailure(error, path);
  }
}
