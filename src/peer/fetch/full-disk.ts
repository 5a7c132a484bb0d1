/** What a download says that the disk has no room for. */
import type { ClusterError } from "../../core/error.ts";
import { storageFailure } from "../../store/failure.ts";

const next = "free some or choose another place, then run the same `tequio get` again";

/** Of a file that is fetched in pieces. */
export const downloadAgain = `${next}: downloaded pieces are kept`;

export function downloadFailure(error: unknown, target: string, keepsPieces = true): ClusterError {
  return storageFailure(error, `the download to ${target}`, keepsPieces ? downloadAgain : next);
}
