/** Loads the job of the Try page into this Worker: a module from a blob, which may reach nothing.
 *  Refuses what `tequio run` would. What it throws is reported with the lines of the module; the
 *  page converts them to the author's. */
import { ClusterError } from "../../core/error.ts";
import type { Failure } from "../../core/job.ts";
import { errorsIn, shown } from "../../core/thrown.ts";
import { evaluated, Strayed, strayText } from "../../environment/strays.ts";
import { jobFrames, jobTexts, placeOf } from "../../environment/thrown.ts";
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
  refuseCaptured(program as SyntaxNode, source, `/${fileName}`, {});
  const text = `${code}\n//# sourceURL=${codeName}`;
  const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  try {
    const loaded: { readonly default?: unknown } = await evaluated(
      () => import(/* @vite-ignore */ url),
    );
    return checkJob(loaded.default, fileName);
  } finally {
    URL.revokeObjectURL(url);
  }
}

export function failureOf(error: unknown): Failure {
  const { code, text } = told(error);
  const root = errorsIn(rootOf(error)).find((one) => placeOf(one) !== "");
  const [frames, place] = [jobFrames(root), placeOf(root)];
  const at = text.includes(place) ? "" : ` (${place})`;
  const message = `${text.slice(0, textMaxCharacters)}${at}`;
  return frames.length === 0 ? { code, message } : { code, message, stack: frames.join("\n") };
}

/** The job's bundle has its own copy of the class. */
function told(error: unknown): Pick<ClusterError, "code" | "text"> {
  if (error instanceof ClusterError) return error;
  if (error instanceof Error && error.name === "ClusterError") return error as ClusterError;
  if (error instanceof Strayed) {
    const { stray } = error;
    return { code: "user-error", text: `${strayText(stray)}: ${shown(stray.thrown, jobTexts)}` };
  }
  return { code: "user-error", text: shown(error, jobTexts) };
}

/** What was thrown first; only that has frames of the job. */
function rootOf(error: unknown): unknown {
  let root = error;
  while (root instanceof ClusterError && root.cause !== undefined) root = root.cause;
  return root;
}
