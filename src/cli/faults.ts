/** How the command line ends: exit codes, and the one form in which errors are printed. */
import { isDiskFull } from "../core/disk-full.ts";
import { ClusterError, type ErrorCode } from "../core/error.ts";
import { safeText } from "./text.ts";

export const exitCodes = {
  ok: 0,
  /** The job failed or was cancelled, or the cluster could not do what it was asked. */
  failed: 1,
  /** Arguments, files, job code or a token that cannot be used as given. */
  badInput: 2,
  /** No coordinator answers. */
  unreachable: 3,
  /** Ctrl-C. */
  interrupted: 130,
  /** The reader of standard output went away before it had everything: as of a program that the
   *  signal for it ends. */
  readerGone: 141,
} as const;

const exitCodeOf: Readonly<Record<ErrorCode, number>> = {
  "bad-request": exitCodes.badInput,
  "build-failed": exitCodes.badInput,
  unauthenticated: exitCodes.badInput,
  forbidden: exitCodes.badInput,
  "not-found": exitCodes.badInput,
  conflict: exitCodes.badInput,
  "limit-exceeded": exitCodes.badInput,
  "version-mismatch": exitCodes.badInput,
  unavailable: exitCodes.unreachable,
  "storage-full": exitCodes.failed,
  "storage-failed": exitCodes.failed,
  fenced: exitCodes.failed,
  "protocol-violated": exitCodes.failed,
  "user-error": exitCodes.failed,
  "task-crashed": exitCodes.failed,
  "out-of-memory": exitCodes.failed,
  "timed-out": exitCodes.failed,
  "download-failed": exitCodes.failed,
  "data-lost": exitCodes.failed,
  nondeterministic: exitCodes.failed,
};

/** The job itself failed: its text is the job's, and the exit code is always `failed`. */
export class JobFailed extends ClusterError {}

/** Ctrl-C ended the command; everything of use has been printed already, and is its message. */
export class Interrupted extends Error {}

export function exitCodeFor(error: unknown): number {
  if (error instanceof Interrupted) return exitCodes.interrupted;
  if (error instanceof JobFailed) return exitCodes.failed;
  const known = asClusterError(error);
  return known === null ? exitCodes.failed : exitCodeOf[known.code];
}

/** The lines for standard error, "" when there is nothing to say. */
export function faultText(error: unknown, debug: boolean): string {
  if (error instanceof Interrupted) return "";
  const known = asClusterError(error);
  if (known !== null) {
    const stack = debug && known.stack ? `\n${known.stack}${causes(known)}` : "";
    return safeText(`tequio: ${known.message}${stack}`);
  }
  const text = error instanceof Error ? error.message : String(error);
  const stack = debug && error instanceof Error ? `\n${error.stack}${causes(error)}` : "";
  const hint = debug ? "" : "; this is a bug of tequio, --debug shows where";
  return safeText(`tequio: internal error: ${text}${hint}${stack}`);
}

/** The same for people, `text`, and for programs, which also know two codes that no job and no
 *  request can fail with. */
export function faultOf(error: unknown, debug: boolean) {
  const text = faultText(error, debug);
  if (error instanceof Interrupted) {
    const message = error.message || "ended by Ctrl-C or another signal";
    return { code: "interrupted", message: safeText(message), text } as const;
  }
  const known = asClusterError(error);
  if (known !== null) return { code: known.code, message: safeText(known.text), text } as const;
  const message = error instanceof Error ? error.message : String(error);
  return { code: "internal-error", message: safeText(message), text } as const;
}

/** A system error that has a plain meaning for the user who types commands. */
function asClusterError(error: unknown): ClusterError | null {
  if (error instanceof ClusterError) return error;
  const { code, path, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  const where = path ?? "a file";
  if (code === "ENOENT") return new ClusterError("not-found", `${where} does not exist`);
  if (code === "EACCES" || code === "EPERM") {
    return new ClusterError(
      "bad-request",
      `no permission for ${syscall ?? "using"} ${where}; choose another place or change its rights`,
    );
  }
  if (isDiskFull(error)) {
    return new ClusterError(
      "storage-full",
      `no space left for ${where}; free some and run it again`,
    );
  }
  return null;
}

function causes(error: Error): string {
  let text = "";
  for (let e = error.cause, depth = 0; e !== undefined && depth < 5; depth += 1) {
    text += `\ncaused by ${e instanceof Error ? (e.stack ?? e.message) : String(e)}`;
    e = e instanceof Error ? e.cause : undefined;
  }
  return text;
}
