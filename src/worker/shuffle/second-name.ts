/** Second names for files, in place of copies. */
import { link, lstat } from "node:fs/promises";
import { ClusterError } from "../../core/error.ts";

/** False where the disk gives none. A name that is taken must be of this very file: another
 *  partition of it was linked before. */
export async function hasSecondName(path: string, second: string): Promise<boolean> {
  try {
    await link(path, second);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") return false;
  }
  const [own, taken] = await Promise.all([lstat(path), lstat(second)]);
  if (own.ino === taken.ino && own.dev === taken.dev) return true;
  throw new ClusterError("storage-failed", `${second} is another file than ${path}`);
}
