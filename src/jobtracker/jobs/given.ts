/** What becomes of a block that was given to a worker: decided of what is known, without asking. */
import type { Listen } from "../../link/listen.ts";

export type Given = {
  /** Null = not known: it was given out before this tracker started. */
  readonly worker: Listen | null;
  /** Where its task answers pings; null = whether a worker took it is not known: TASK was not
   *  answered, or was sent before this tracker started. */
  readonly ping: Listen | null;
  /** Since when this is so, ms on the caller's clock, as all times here. */
  readonly sinceMs: number;
  /** Pings in a row that were not answered. */
  readonly missed: number;
  /** When its executor reported that it had done it; null = not yet. */
  readonly reportedMs: number | null;
  /** When its row was WRITING at first; null = it is not. */
  readonly writingMs: number | null;
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
 *  again; `overdue`: one has it for too long, so another gets it. `unnamed`: DONE, and its
 *  executor, which would have named its results, is gone. `unwritten`: how much of it is in the
 *  files is not known, since the file system does not end writing it. */
export type Fate = "waits" | "over" | "lost" | "overdue" | "unnamed" | "unwritten";

export type Patience = {
  /** How long an executor may take to write where it answers pings, ms. */
  readonly takenMs: number;
  /** From the report of an executor until its row is DONE, and from DONE to the report of one that
   *  answers pings, ms. */
  readonly writtenMs: number;
  /** How long a row may be WRITING, ms: ours waits 10 minutes for files that other calls write. */
  readonly writingMs: number;
  /** How long a worker may have a block, ms. */
  readonly taskMaxMs: number;
};

export const missedMax = 2;

/** Executors append to map results, which calls the block DONE, then name them, then report: one
 *  that is DONE may have results that a reduce task would not find yet. */
export function fateOf(
  given: Given,
  { hasResult, isDone }: BlockFacts,
  { nowMs, takenMs, taskMaxMs, writingMs, writtenMs }: Patience & { readonly nowMs: number },
): Fate {
  const { doneMs, missed, ping, reportedMs, sinceMs } = given;
  const isGone = ping === null ? nowMs - sinceMs > takenMs : missed >= missedMax;
  if (isDone) {
    if (hasResult || reportedMs !== null) return "over";
    if (isGone) return "unnamed";
    return doneMs !== null && nowMs - doneMs > writtenMs ? "over" : "waits";
  }
  // A file system writes what it has acknowledged also when the executor has ended meanwhile.
  // Another worker that got the block now would have it counted twice.
  if (given.writingMs !== null) return nowMs - given.writingMs > writingMs ? "unwritten" : "waits";
  if (reportedMs !== null) return nowMs - reportedMs > writtenMs ? "lost" : "waits";
  if (isGone) return "lost";
  return nowMs - sinceMs > taskMaxMs ? "overdue" : "waits";
}
