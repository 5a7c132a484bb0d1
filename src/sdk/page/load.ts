/** Loads the job of the Try page into this Worker: a module from a blob, which may reach nothing.
 *  Refuses what `tequio run` would. What it throws is told with the lines of the module; the page
 *  knows the author's. */
import { ClusterError } from "../../core/error.ts";
import type { Failure } from "../../core/job.ts";
import { shown } from "../../core/thrown.ts";
import type { PageJob } from "../../wire/browser/trial.ts";
import { checkJob } from "../build/check-job.ts";
import type { SyntaxNode } from "../captured/tree.ts";
import { refuseCaptured } from "../captured.ts";
import type { Job } from "../job.ts";

/** As the page shows it. */
const fileName = "job.ts";
/** The module in stacks, as that of tasks in tabs. */
const codeName = "job.mjs";
const textMaxCharacters = 4_000;

export async function loadJob({ code, program, source }: PageJob): Promise<Job> {
  refuseCaptured(program as SyntaxNode, source, `/${fileName}`, () => null);
  const text = `${code}\n//# sourceURL=${codeName}`;
  const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  try {
    const loaded: { readonly default?: unknown } = await import(/* @vite-ignore */ url);
    return checkJob(loaded.default, fileName);
  } finally {
    URL.revokeObjectURL(url);
  }
}

export function failureOf(error: unknown): Failure {
  const { code, text } = told(error);
  const frames = framesOf(rootOf(error));
  const first = frames[0] === undefined ? null : /([^\s(/]+:\d+):\d+\)?$/.exec(frames[0]);
  const message = `${text.slice(0, textMaxCharacters)}${first === null ? "" : ` (${first[1]})`}`;
  return frames.length === 0 ? { code, message } : { code, message, stack: frames.join("\n") };
}

/** The job's bundle has its own copy of the class. */
function told(error: unknown): Pick<ClusterError, "code" | "text"> {
  if (error instanceof ClusterError) return error;
  if (error instanceof Error && error.name === "ClusterError") return error as ClusterError;
  return { code: "user-error", text: shown(error) };
}

/** What was thrown first; only that has frames of the job. */
function rootOf(error: unknown): unknown {
  let root = error;
  while (root instanceof ClusterError && root.cause !== undefined) root = root.cause;
  return root;
}

/** Without those of this file's bundle. */
function framesOf(error: unknown): string[] {
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  const lines = stack.split("\n").map((line) => line.trim());
  return lines.filter((line) => line.includes(`${codeName}:`));
}
