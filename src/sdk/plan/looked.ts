/** A look at a file of this machine. Not beside what the web page uses: its file system opens none
 *  in such a way. */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { type Content, contentOf, contentStartBytes } from "../../wire/content/content.ts";

export type Looked = {
  readonly content: Content;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
};

/** What is asked of one file after the other. */
const firstBytes = Buffer.alloc(contentStartBytes);

/** The same with size and time, by one opening: of very many tiny files this is what planning
 *  costs. Null when it is no regular file. */
export function lookAt(path: string): Looked | null {
  // What has become a pipe meanwhile must not be waited for.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) return null;
    const { mtimeMs, size: sizeBytes } = stats;
    const count = readSync(fd, firstBytes, 0, contentStartBytes, 0);
    return { content: contentOf(firstBytes.subarray(0, count)), sizeBytes, mtimeMs };
  } finally {
    closeSync(fd);
  }
}
