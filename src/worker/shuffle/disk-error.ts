/** Errors of the disk in our words: a full one is the attempt's failure, never the worker's end. */
import { isDiskFull } from "../../core/disk-full.ts";
import { ClusterError } from "../../core/error.ts";

export function diskError(error: unknown, what: string): unknown {
  if (isDiskFull(error)) {
    const text = `the worker's disk is full while ${what}; free space, it is tried elsewhere`;
    return new ClusterError("storage-full", text, { cause: error });
  }
  const { code } = error as { readonly code?: string };
  if (code === "EIO" || code === "EROFS" || code === "EMFILE" || code === "ENFILE") {
    const text = `the worker's disk failed (${code}) while ${what}`;
    return new ClusterError("storage-failed", text, { cause: error });
  }
  return error;
}
