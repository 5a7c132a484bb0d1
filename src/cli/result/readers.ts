/** What becomes of a command when a reader of its output goes away, or its disk is full. */
import { ClusterError } from "../../core/error.ts";
import { exitCodeFor, exitCodes, faultText } from "../faults.ts";

let isResultElsewhere = false;

/** The result goes to files: standard output has messages only, and is not worth the result. */
export function resultIsElsewhere(): void {
  isResultElsewhere = true;
}

/** Messages whose reader is gone are left out. A reader of the result that closes the pipe early,
 *  as `head` does, is no error; a result that cannot be written is one. */
export function watchReaders(isDebug: boolean): void {
  process.stderr.on("error", () => {});
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (isResultElsewhere) return;
    if (error.code === "EPIPE") process.exit(exitCodes.ok);
    const known = unwritten(error);
    process.stderr.write(`${faultText(known, isDebug)}\n`);
    process.exit(exitCodeFor(known));
  });
}

/** Of standard output. */
export function unwritten(cause: NodeJS.ErrnoException): ClusterError {
  const isFull = cause.code === "ENOSPC" || cause.code === "EDQUOT";
  const text = isFull
    ? "no space left for standard output; free some and run it again"
    : `standard output cannot be written (${cause.code}); choose another place with -o`;
  return new ClusterError(isFull ? "storage-full" : "storage-failed", text, { cause });
}
