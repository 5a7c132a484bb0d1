/** Why the page has no Python, so that its text names who can fix that and how. */
import { NotGiven } from "../../../worker/browser/tab/python.ts";

export type WhyNoPython = {
  /** A text of the Try page. */
  readonly message: "noPython" | "pythonDenied" | "pythonAway" | "pythonFailed";
  readonly values: { readonly at: string; readonly why: string };
};

/** `error`: what the fetcher threw. `at`: host and port that the page comes from. */
export function whyNoPython(error: unknown, at: string): WhyNoPython {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const why = cause instanceof Error ? cause.message : String(cause);
  return { message: messageOf(cause), values: { at, why } };
}

function messageOf(cause: unknown): WhyNoPython["message"] {
  if (cause instanceof NotGiven) {
    if (cause.status === 404) return "noPython";
    return cause.status === 401 || cause.status === 403 ? "pythonDenied" : "pythonFailed";
  }
  // What `fetch` throws without an answer, and what ends it when nothing comes any more.
  const isAway = cause instanceof TypeError || (cause as Error | null)?.name === "AbortError";
  return isAway ? "pythonAway" : "pythonFailed";
}
