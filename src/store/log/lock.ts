/** A lock that dies with its process: SQLite's lock on an empty file, since Node has none of its
 *  own.
 *
 *  POSIX drops all locks of a process on a file as soon as the process closes any descriptor of
 *  that file. So only SQLite, which takes care of this, opens the lock file here; `wx` opens only
 *  new files. */
import { closeSync, openSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { isBusy, systemCode } from "../failure.ts";

export type FileLock = { release(): void };

/** Null when another handle, in this process or another, holds it. With `takeOver` the holder keeps
 *  its lock on a file that no longer has a name; the caller must then fence that holder by other
 *  means. */
export function lockFile(path: string, takeOver: boolean): FileLock | null {
  const lock = tryLock(path);
  if (lock !== null || !takeOver) return lock;
  rmSync(path, { force: true });
  return tryLock(path);
}

function tryLock(path: string): FileLock | null {
  createPrivate(path);
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    return { release: () => database.close() };
  } catch (error) {
    database.close();
    if (isBusy(error)) return null;
    throw error;
  }
}

/** Creates an empty file that only its owner may read, unless it exists. */
export function createPrivate(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    if (systemCode(error) !== "EEXIST") throw error;
  }
}
