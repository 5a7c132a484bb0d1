/** What user code threw, as an error that says in which function and on which record. */
import { isDiskFull } from "../../core/disk-full.ts";
import { ClusterError } from "../../core/error.ts";
import { harmless, shown as shownBy } from "../../core/thrown.ts";
import { type Stray, Strayed, strayText } from "../../environment/strays.ts";
import { jobTexts } from "../../environment/thrown.ts";
import { diskFailure } from "../kernels/run-file.ts";

/** As text: each error with its place in the job's files and its causes. */
export function shown(thrown: unknown): string {
  return shownBy(thrown, jobTexts);
}

/** `place` says what the function was working on; "" when that is nothing. The thrown thing becomes
 *  the cause. */
export function thrownBy(where: string, caught: unknown, place: string): ClusterError {
  const thrown = harmless(caught);
  const on = place === "" ? "" : ` on ${place}`;
  if (thrown instanceof ClusterError) {
    // Refusals of what was emitted are the user's; a full disk is not.
    if (thrown.code !== "user-error" || on === "") return thrown;
    return new ClusterError(thrown.code, `${thrown.text}${on}`, { cause: thrown });
  }
  if (thrown instanceof Strayed) return strayError(thrown.stray, place);
  const onDisk = diskTrouble(thrown);
  if (onDisk !== null) return onDisk;
  return new ClusterError("user-error", `${where} threw ${shown(thrown)}${on}`, { cause: thrown });
}

/** What no caller could catch, as the failure of the task that it belongs to. */
export function strayError(stray: Stray, place = ""): ClusterError {
  const on = place === "" ? "" : ` on ${place}`;
  const cause = harmless(stray.thrown);
  return new ClusterError("user-error", `${strayText(stray)}: ${shown(cause)}${on}`, { cause });
}

/** What the top of the job file threw. */
export function loadError(caught: unknown): ClusterError {
  const thrown = harmless(caught);
  const cause = thrown instanceof Strayed ? strayError(thrown.stray) : thrown;
  const why = cause instanceof ClusterError ? cause.text : shown(cause);
  return new ClusterError("user-error", `the job file cannot be loaded: ${why}`, { cause });
}

/** What job code wrote did not fit: on the disk, which is not its fault, or in what a task may
 *  have. The same text is used when the file is one of the job code's own. */
function diskTrouble(thrown: unknown): ClusterError | null {
  if (!(thrown instanceof Error)) return null;
  const isTooLarge = (thrown as NodeJS.ErrnoException).code === "EFBIG";
  if (!isDiskFull(thrown) && !isTooLarge) return null;
  return diskFailure(thrown, "a file of the job's code");
}

/** Whether the error is about the record at hand, so that the record can be set aside. */
export function isUserError(thrown: unknown): boolean {
  return !(thrown instanceof ClusterError) || thrown.code === "user-error";
}

/** `map` and `reduce` run to their end synchronously; an author who returns a promise expects
 *  otherwise. */
export function refusePromise(where: string, returned: unknown): void {
  if (typeof returned !== "object" || returned === null) return;
  if (typeof (returned as { then?: unknown }).then !== "function") return;
  // Its rejection is this same mistake, not a second one.
  (returned as Promise<unknown>).then(undefined, () => {});
  throw new ClusterError(
    "user-error",
    `${where} returned a promise, but it must not be async; for asynchronous work use ` +
      "tasks({ items, run })",
  );
}
