/** Places for a merged result that are no regular files: pipes and devices are written into, links
 *  and block devices refused. Nothing but a regular file is ever replaced. */
import { lstatSync, readlinkSync, statSync } from "node:fs";
import { ClusterError } from "../core/error.ts";

/** True for a pipe, a socket or a character device, reached by a link or not. Throws `bad-request`
 *  for a link to a file, or to nothing, and for a block device. */
export function isWrittenInto(path: string): boolean {
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there === undefined || there.isFile() || there.isDirectory()) return false;
  const target = statSync(path, { throwIfNoEntry: false });
  if (target?.isFIFO() || target?.isCharacterDevice()) return true;
  if (there.isSymbolicLink()) {
    const text = `${path} is a link to ${readlinkSync(path)}; name the file itself`;
    throw new ClusterError("bad-request", `${text}, or remove the link`);
  }
  const what = there.isBlockDevice() ? "a block device" : "no file, pipe or character device";
  throw new ClusterError("bad-request", `${path} is ${what}; name a file to merge into`);
}
