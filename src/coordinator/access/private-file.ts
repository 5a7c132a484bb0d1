/** Small secret files: written whole and durable with mode 0600, and refused when other users can
 *  read them. */
import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { ClusterError } from "../../core/error.ts";
import { syncDirectoryNow } from "../../store/directory.ts";
import { hit } from "../../store/failpoint.ts";
import { storageFailure } from "../../store/failure.ts";

/** The text, or null when there is no such file. Throws `forbidden` when other users may read or
 *  write it. */
export function readPrivate(path: string): string | null {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return null;
  // Windows has no such modes; there the directory's own rights have to protect it.
  if (process.platform !== "win32" && (found.mode & 0o077) !== 0) {
    const mode = (found.mode & 0o777).toString(8);
    throw new ClusterError(
      "forbidden",
      `${path} can be read by other users (mode ${mode}), so its secret may be known; ` +
        `remove it to get a new one, or, if no other user has read it: chmod 600 ${path}`,
    );
  }
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw storageFailure(error, path);
  }
}

export function writePrivate(path: string, text: string): void {
  const part = `${path}.${process.pid}.part`;
  try {
    const file = openSync(part, "w", 0o600);
    try {
      hit("secret.write", "before");
      writeSync(file, text);
      hit("secret.write", "after");
      hit("secret.sync", "before");
      fsyncSync(file);
      hit("secret.sync", "after");
    } finally {
      closeSync(file);
    }
    hit("secret.rename", "before");
    renameSync(part, path);
    hit("secret.rename", "after");
    hit("secret.directory-sync", "before");
    syncDirectoryNow(dirname(path));
    hit("secret.directory-sync", "after");
  } catch (error) {
    throw storageFailure(error, path);
  }
}
