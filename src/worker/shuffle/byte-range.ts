/** Bytes of a file, and what they must be. */
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { open } from "node:fs/promises";

export type ByteRange = {
  readonly path: string;
  readonly offset: number;
  readonly sizeBytes: number;
  /** Lowercase hex; "" when there are no bytes. */
  readonly sha256: string;
};

const readBytes = 512 * 1024;

/** Whether the bytes are there, in a file and not behind a link, with this SHA-256. */
export async function isUnchanged({
  path,
  offset,
  sha256,
  sizeBytes,
}: ByteRange): Promise<boolean> {
  if (sizeBytes === 0) return true;
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch(() => null);
  if (file === null) return false;
  const digest = createHash("sha256");
  // One buffer for all: memory that is new is slower than what is read into it.
  const buffer = Buffer.allocUnsafeSlow(Math.min(readBytes, sizeBytes));
  try {
    for (let done = 0; done < sizeBytes; ) {
      const length = Math.min(buffer.length, sizeBytes - done);
      const { bytesRead } = await file.read(buffer, 0, length, offset + done);
      if (bytesRead === 0) return false;
      digest.update(buffer.subarray(0, bytesRead));
      done += bytesRead;
    }
  } catch {
    return false;
  } finally {
    await file.close();
  }
  return digest.digest("hex") === sha256;
}
