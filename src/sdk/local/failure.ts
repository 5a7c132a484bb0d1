/** What job code threw under the judge, as the error that a worker would report. */
import { ClusterError } from "../../core/error.ts";
import { harmless, shown } from "../../core/thrown.ts";
import { type Stray, Strayed, strayText } from "../../environment/strays.ts";
import { jobTexts } from "../../environment/thrown.ts";
import type { Key } from "../job.ts";

/** What user code threw, saying in which function and on what. */
export function failure(role: string, caught: unknown, where: string): ClusterError {
  const thrown = harmless(caught);
  if (thrown instanceof ClusterError) {
    if (thrown.code !== "user-error") return thrown;
    return new ClusterError("user-error", `${thrown.text} on ${where}`, { cause: thrown });
  }
  if (thrown instanceof Strayed) return strayFailure(thrown.stray, ` on ${where}`);
  const text = `${role} threw ${shown(thrown, jobTexts)} on ${where}`;
  return new ClusterError("user-error", text, { cause: thrown });
}

export function strayFailure(stray: Stray, on: string): ClusterError {
  const cause = harmless(stray.thrown);
  const text = `${strayText(stray)}: ${shown(cause, jobTexts)}${on}`;
  return new ClusterError("user-error", text, { cause });
}

export function refusePromise(role: string, returned: unknown): void {
  if (typeof returned !== "object" || returned === null) return;
  if (typeof (returned as { then?: unknown }).then !== "function") return;
  // Its rejection is this same mistake, not a second one.
  (returned as Promise<unknown>).then(undefined, () => {});
  throw new ClusterError(
    "user-error",
    `${role} returned a promise, but it must not be async; for asynchronous work use ` +
      "tasks({ items, run })",
  );
}

/** As workers show it. */
export function shownKey(key: Key): string {
  const text = JSON.stringify(key) ?? String(key);
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
