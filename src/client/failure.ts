/** What ends a job or a call without a result, as an error of the program. */
import { ClusterError } from "../core/error.ts";
import type { JobSummary } from "../core/summary.ts";
import type { Outcome, Thrown } from "../sdk/ship/calls.ts";

/** What a function of the program threw on a worker. */
export class CallFailed extends ClusterError {
  /** Of the item, from 0. */
  readonly index: number;
  /** Name of the class of what was thrown, as "TypeError". */
  readonly exception: string;
  /** Where it was thrown, a frame a line, in the files of the program; "" when that is unknown. */
  readonly remoteStack: string;

  constructor({ exception, message, stack }: Thrown, index: number) {
    const frames = shortFrames(stack);
    const at = /([^\s(:]+:\d+)(?::\d+)?\)?$/m.exec(frames)?.[1];
    const place = at === undefined ? "" : ` (${at})`;
    super("user-error", `${exception}: ${message}${place}, for item ${index}`);
    this.name = "CallFailed";
    this.index = index;
    this.exception = exception;
    this.remoteStack = frames;
  }
}

/** Without the folder of the worker, and the name that a function has only there. */
function shortFrames(stack: string): string {
  return stack.replace(/[^\s(]*[\\/]/g, "").replace(/tequioFunction_*\d+ \(([^)]*)\)/g, "$1");
}

/** What the function returned; throws `CallFailed`. */
export function returned(outcome: Outcome, index: number): unknown {
  if ("exception" in outcome) throw new CallFailed(outcome, index);
  return outcome[0];
}

/** Why a job has ended without a result: its failure, with its code; `conflict` when it was
 *  cancelled. */
export function failureOf({ failure, job }: JobSummary): ClusterError {
  if (failure === null) return new ClusterError("conflict", `${job} was cancelled`);
  const error = new ClusterError(failure.code, `${job} failed: ${failure.message}`);
  if (failure.stack !== undefined)
    error.stack = `${error.name}: ${error.message}\n${failure.stack}`;
  return error;
}
