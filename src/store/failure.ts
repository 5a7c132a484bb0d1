/** Turns errors of the file system and of SQLite into `ClusterError`s that say what to do next. */
import { isDiskFull } from "../core/disk-full.ts";
import { ClusterError } from "../core/error.ts";

/** Primary result codes of SQLite, https://sqlite.org/rescode.html. */
const sqliteCode = { busy: 5, locked: 6, corrupt: 11, full: 13, notADatabase: 26 } as const;
/** The shared index of the WAL could not grow: here SQLite reports a full disk as an I/O error. */
const sqliteSharedIndexFull = 4874;

type SystemError = Error & { readonly code?: string; readonly errcode?: number };

export function systemCode(error: unknown): string {
  return (error as SystemError | null)?.code ?? "";
}

function isSqlite(error: unknown, ...codes: readonly number[]): boolean {
  const code = (error as SystemError | null)?.errcode;
  return typeof code === "number" && codes.includes(code & 0xff);
}

export function isBusy(error: unknown): boolean {
  return isSqlite(error, sqliteCode.busy, sqliteCode.locked);
}

export function isFull(error: unknown): boolean {
  if (error instanceof ClusterError) return error.code === "storage-full";
  return (
    isDiskFull(error) ||
    isSqlite(error, sqliteCode.full) ||
    (error as SystemError | null)?.errcode === sqliteSharedIndexFull
  );
}

/** `what` names the file or the record, as the subject of a sentence; `next`: what to do when the
 *  disk is full. */
export function storageFailure(
  error: unknown,
  what: string,
  next = "nothing was written: free space, retry",
): ClusterError {
  if (error instanceof ClusterError) return error;
  const cause = { cause: error };
  const reason = error instanceof Error ? error.message : String(error);
  if (isFull(error)) {
    const text = `${what} does not fit, the disk is full, ${next}`;
    return new ClusterError("storage-full", text, cause);
  }
  if (isBusy(error)) {
    const text = `${what} is held by another program (a backup? a shell?): end it, retry`;
    return new ClusterError("unavailable", text, cause);
  }
  if (["EMFILE", "ENFILE"].includes(systemCode(error))) {
    const text = `${what} cannot be opened, too many files are open: raise \`ulimit -n\`, or retry`;
    return new ClusterError("unavailable", text, cause);
  }
  if (isSqlite(error, sqliteCode.corrupt, sqliteCode.notADatabase)) {
    const text = `${what} is damaged (${reason}): restore the directory from a backup`;
    return new ClusterError("storage-failed", text, cause);
  }
  const text = `${what} failed (${reason}): check the disk, then start again`;
  return new ClusterError("storage-failed", text, cause);
}

/** Turns an error of opening into a sentence about the path that the user chose. */
export function placeFailure(error: unknown, path: string): ClusterError {
  const code = systemCode(error);
  if (["EACCES", "EROFS", "EPERM"].includes(code)) {
    const text = `${path} cannot be written (${code}): choose another one, or change its rights`;
    return new ClusterError("bad-request", text, { cause: error });
  }
  if (["ENOTDIR", "EEXIST", "ENOENT", "ENAMETOOLONG", "ELOOP"].includes(code)) {
    const text = `${path} cannot be a data directory (${code}): choose another one`;
    return new ClusterError("bad-request", text, { cause: error });
  }
  return storageFailure(error, path);
}
