/** Errors as failures that go back to the user: with the job file's own lines, without ours. */
import { ClusterError } from "../../core/error.ts";
import type { Failure } from "../../core/job.ts";
import { errorsIn } from "../../core/thrown.ts";
import { jobFrames } from "../../environment/thrown.ts";
import { DamagedBytes } from "../../wire/block/arena.ts";
import { ofDisk } from "../task/of-disk.ts";
import { shown } from "../task/thrown.ts";

const messageMaxCharacters = 4000;
const stackMaxCharacters = 8000;

/** `codeFolder` is where the job's code was loaded from; it is cut from the paths. "" = it is not
 *  known. */
export function failureOf(error: unknown, codeFolder: string): Failure {
  const code = codeOf(error);
  const text = error instanceof ClusterError ? error.text : shown(error);
  const frames = framesOfAny(rootOf(error), codeFolder);
  const first = frames[0] === undefined ? null : /([^\s(/\\]+:\d+):\d+\)?$/.exec(frames[0]);
  const at = first === null || text.includes(first[1] as string) ? "" : ` (${first[1]})`;
  const message = `${text.slice(0, messageMaxCharacters)}${at}`;
  const isFinal = error instanceof ClusterError && error.isFinal;
  return {
    ...{ code, message },
    ...(frames.length === 0 ? {} : { stack: frames.join("\n").slice(0, stackMaxCharacters) }),
    ...(isFinal ? { isFinal: true as const } : {}),
    ...(error instanceof ClusterError ? ofDisk(error) : {}),
  };
}

/** Damage between tasks ends no job: another attempt has the bytes computed again. */
function codeOf(error: unknown): Failure["code"] {
  if (error instanceof DamagedBytes) return "storage-failed";
  return error instanceof ClusterError ? error.code : "user-error";
}

/** What was thrown first; only that has frames of the job. */
function rootOf(error: unknown): unknown {
  let root = error;
  while (root instanceof ClusterError && root.cause !== undefined) root = root.cause;
  return root;
}

/** Of the first error with a place in the job; its causes may have one when it has none. */
function framesOfAny(error: unknown, codeFolder: string): string[] {
  for (const one of errorsIn(error)) {
    const frames = framesOf(one, codeFolder);
    if (frames.length > 0) return frames;
  }
  return [];
}

function framesOf(error: unknown, codeFolder: string): string[] {
  const frames = jobFrames(error);
  return codeFolder === "" ? frames : frames.map((line) => line.replaceAll(`${codeFolder}/`, ""));
}
