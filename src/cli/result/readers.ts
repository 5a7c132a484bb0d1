/** What becomes of a command when a reader of its output goes away, or the disk behind it is full:
 *  one rule for all commands. The exit code is 0 only when what was asked for was delivered. */
import { isDiskFull } from "../../core/disk-full.ts";
import { ClusterError } from "../../core/error.ts";
import { exitCodeFor, exitCodes, faultText } from "../faults.ts";

/** What a stream carries. */
export type Carried =
  /** All that was asked for: there is nothing more to do without it, so the command ends. */
  | "answer"
  /** Part of what was asked for: the rest is done, and then the command has failed. */
  | "outcome"
  /** Messages beside what was asked for: they are left out. */
  | "messages";

const carried: Record<1 | 2, Carried> = { 1: "answer", 2: "messages" };
const lost = new Set<unknown>();

export function standardOutputHas(what: Carried): void {
  carried[1] = what;
}

export type Wanted = {
  readonly output?: string;
  readonly merge?: string;
  readonly json?: boolean;
  readonly detach?: boolean;
};

export function isToOutput({ merge, output }: Wanted): boolean {
  return output === "-" || merge === "-";
}

/** Standard error is for programs: nothing but JSON may be on it. */
export function isForPrograms(options: Wanted): boolean {
  return options.json === true && isToOutput(options);
}

/** For commands whose result goes to files: beside it are messages, unless they are for programs,
 *  which read them on standard error when the result itself is on standard output. */
export function saysWhere(options: Wanted): void {
  const isPiped = isToOutput(options);
  const isForPrograms = options.json === true || options.detach === true;
  carried[1] = isPiped || isForPrograms ? "outcome" : "messages";
  carried[2] = isPiped && isForPrograms ? "outcome" : "messages";
}

/** Whether standard output has the result alone, as far as `saysWhere` knows. */
export function resultIsPrinted(): boolean {
  return carried[2] === "outcome";
}

/** True for the failure of a write to standard output or error: the exit code is set already, and
 *  the message written. */
export function isKnownLost(error: unknown): boolean {
  return lost.has(error);
}

export function watchReaders(isDebug: boolean): void {
  process.stdout.on("error", (error) => lose(1, error, isDebug));
  process.stderr.on("error", (error) => lose(2, error, isDebug));
}

function lose(stream: 1 | 2, error: NodeJS.ErrnoException, isDebug: boolean): void {
  if (carried[stream] === "messages") return;
  const isFirst = lost.size === 0;
  lost.add(error);
  if (!isFirst) return;
  const isGone = error.code === "EPIPE";
  const known = unwritten(error, stream === 1 ? "standard output" : "standard error");
  // A reader that has enough, as `head`, wants no complaint.
  if (!isGone && stream === 1) process.stderr.write(`${faultText(known, isDebug)}\n`);
  process.exitCode = isGone ? exitCodes.readerGone : exitCodeFor(known);
  if (carried[stream] === "answer") process.exit();
}

let again = "run it again";

/** What gives the answer of this command once more, for the error that it could not be written. */
export function wayAgain(command: string): void {
  again = command;
}

/** The error for a write to `what`, such as "standard output", that failed. */
export function unwritten(cause: NodeJS.ErrnoException, what: string): ClusterError {
  const isFull = isDiskFull(cause);
  const text = isFull
    ? `no space left for ${what}; free some, then ${again}`
    : `${what} cannot be written (${cause.code}); choose another place with -o`;
  return new ClusterError(isFull ? "storage-full" : "storage-failed", text, { cause });
}
