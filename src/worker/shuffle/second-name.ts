/** Second names for files, in place of copies. */
import { ClusterError } from "../../core/error.ts";
import type { ShuffleDisk } from "./disk.ts";

/** False where the disk gives none. A name that is taken must be of this very file: another
 *  partition of it was linked before. */
export async function hasSecondName(
  disk: ShuffleDisk,
  path: string,
  second: string,
): Promise<boolean> {
  const made = await disk.link(path, second);
  if (made !== "taken") return made === "made";
  const [own, taken] = await Promise.all([disk.entry(path), disk.entry(second)]);
  if (own !== null && own.id === taken?.id) return true;
  throw new ClusterError("storage-failed", `${second} is another file than ${path}`);
}
