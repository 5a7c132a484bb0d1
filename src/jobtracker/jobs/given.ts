/** What becomes of a block that was given to a worker: decided of what is known, without asking. */
import type { Listen } from "../../link/listen.ts";

export type Given = {
  /** Where its task answers pings; null = whether a worker took it is not known: TASK was not
   *  answered, or was sent before this tracker started. */
  readonly ping: Listen | null;
  /** Since when this is so, ms on the caller's clock, as all times here. */
  readonly sinceMs: number;
  /** Pings in a row that were not answered. */
  readonly missed: number;
  /** When its executor reported that it had done it; null = not yet. */
  readonly reportedMs: number | null;
  /** When its row was DONE at first; null = not yet. */
  readonly doneMs: number | null;
};

/** What the rows of a job's database say of a block. */
export type BlockFacts = {
  readonly isDone: boolean;
  /** Whether there are names of what it left. */
  readonly hasResult: boolean;
};

/** `over`: DONE, and the names of its results are there. `lost`: no worker has it, so it is given
 *  again. `unnamed`: DONE, and its executor, which would have named its results, is gone. */
export type Fate = "waits" | "over" | "lost" | "unnamed";

export type Patience = {
  /** How long an executor may take to write where it answers pings, ms. */
  readonly takenMs: number;
  /** From the report of an executor until its row is DONE, and from DONE to the report of one that
   *  answers pings, ms. */
  readonly writtenMs: number;
};

export const missedMax = 2;

/** Executors append to map results, which calls the block DONE, then name them, then report: one
 *  that is DONE may have results that a reduce task would not find yet. */
export function fateOf(
  given: Given,
  { hasResult, isDone }: BlockFacts,
  { nowMs, takenMs, writtenMs }: Patience & { readonly nowMs: number },
): Fate {
  const { doneMs, missed, ping, reportedMs, sinceMs } = given;
  const isGone = ping === null ? nowMs - sinceMs > takenMs : missed >= missedMax;
  if (isDone) {
    if (hasResult || reportedMs !== null) return "over";
    if (isGone) return "unnamed";
    return doneMs !== null && nowMs - doneMs > writtenMs ? "over" : "waits";
  }
  // A file system writes what it has acknowledged also when the executor has ended meanwhile.
  if (reportedMs !== null) return nowMs - reportedMs > writtenMs ? "lost" : "waits";
  return isGone ? "lost" : "waits";
}
