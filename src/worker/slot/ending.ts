/** Why a task process ended, in the words of a failure. */
import { constants } from "node:os";
import type { Failure } from "../../core/job.ts";
import { type TaskExit, taskExitName } from "../process/exits.ts";

export type KilledFor = "memory" | "output" | "scratch" | "channel";

export type Ending = {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Last bytes of standard output and error. */
  readonly tail: string;
  /** We killed it because it … */
  readonly killedFor: KilledFor | null;
  /** We killed it, for that or because it was not needed any more. */
  readonly isKilledHere: boolean;
  readonly memoryBytes: number;
  readonly scratchMaxBytes: number;
  readonly outputMaxBytes: number;
};

const heapAbort = /heap out of memory|Reached heap limit|Allocation failed|OOM error/;

export function failureOf(ending: Ending): Failure {
  if (ending.killedFor === "memory" || (ending.code !== 0 && heapAbort.test(ending.tail))) {
    const text =
      `the task took more than the ${inMebibytes(ending.memoryBytes)} that it may have; ` +
      "raise --memory, or keep less";
    return { code: "out-of-memory", message: text };
  }
  if (ending.killedFor === "output") {
    const text =
      `the job's code wrote more than ${ending.outputMaxBytes} bytes to standard output; ` +
      "use log(), or write less";
    return { code: "limit-exceeded", message: text };
  }
  if (ending.killedFor === "scratch") {
    const text =
      `the task had more than the ${inMebibytes(ending.scratchMaxBytes)} that it may have on the ` +
      "worker's disk; raise --scratch, or write less";
    return { code: "limit-exceeded", message: text };
  }
  if (ending.killedFor === "channel") {
    const text =
      "the job's code closed descriptor 3 or wrote to it, by which its process reports to the " +
      "worker; use log(), or files that it has opened itself";
    return { code: "user-error", message: text };
  }
  const byItself = taskExitName(ending.code);
  if (byItself !== null && byItself in userExits) {
    return { code: "user-error", message: `${userExits[byItself]}${said(ending)}` };
  }
  const tail = ending.tail.replace(unshareOfKilled, "");
  const isKilled = ending.code === 1 && tail !== ending.tail;
  const signal = ending.signal ?? (isKilled ? "SIGKILL" : signalOf(ending.code));
  const from = signal === "SIGKILL" && !ending.isKilledHere ? outside : "";
  const how =
    signal === null ? `exited with code ${ending.code}` : `was killed by ${signal}${from}`;
  const message = `the process that ran the task ${how}${said({ ...ending, tail })}`;
  return { code: "task-crashed", message };
}

/** Job code cannot: it may not signal processes. Which of the two it was, the worker cannot see. */
const outside =
  ", and not by its worker: by the kernel because the machine ran out of memory (see `dmesg`), " +
  "or by an administrator";

/** What util-linux 2.38 says, with exit code 1, when SIGKILL has ended the process that it waits
 *  for: it cannot take that signal on for itself. */
const unshareOfKilled = /^unshare: sigprocmask unblock failed.*\n?/m;

/** A process that only waits for the task process says by 128 + n that signal n has ended it. */
function signalOf(code: number | null): string | null {
  const number = (code ?? 0) - 128;
  const known = Object.entries(constants.signals).find(([, value]) => value === number);
  return known?.[0] ?? null;
}

function inMebibytes(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MiB`;
}

/** Ways in which job code ends its process without a fault of the machine. */
const userExits: Partial<Record<TaskExit, string>> = {
  exitCalled: "the job called process.exit",
  // The worker never closes it before it ends the process.
  channelClosed: "the job closed descriptor 3, by which its process reports to the worker",
  uncaughtException: "the job threw where nothing catches it (a timer or a callback)",
  unhandledRejection: "a promise of the job that nothing awaits was rejected",
};

function said({ tail }: Ending): string {
  const lines = lastLines(tail);
  return lines === "" ? "" : `; its output: ${lines}`;
}

/** Control characters are left out: this text is shown on terminals. */
function lastLines(tail: string): string {
  const clean = tail.replace(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/g, " ").trim();
  return clean.length > 2_000 ? `…${clean.slice(-2_000)}` : clean;
}
