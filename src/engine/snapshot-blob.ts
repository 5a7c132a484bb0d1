/** Snapshots of a log as blobs: engines have limits for messages and rows, and a log that is short
 *  otherwise. The log itself keeps the name and a seal over name and position. */
import { ClusterError } from "../core/error.ts";
import type { Hash } from "../core/ids.ts";
import type { Blobs } from "../store/blob/blob.ts";
import { readWhole } from "../store/blob/whole.ts";
import { sameHash, sealOf } from "../store/log/chain.ts";
import type { LogRecord } from "../store/log/log.ts";

/** `blob` "" = there is no snapshot. */
export type SnapshotName = {
  readonly position: number;
  readonly blob: Hash;
  readonly seal: Uint8Array;
};

export async function putSnapshot(
  blobs: Blobs,
  position: number,
  bytes: Uint8Array,
): Promise<SnapshotName> {
  const { hash } = await blobs.put([bytes]);
  return { position, blob: hash, seal: sealOf([position, hash]) };
}

/** Throws `storage-failed` when it is damaged or gone; `log` is the log's name. */
export async function readSnapshot(
  blobs: Blobs,
  { blob, position, seal }: SnapshotName,
  log: string,
): Promise<LogRecord | null> {
  if (blob === "") return null;
  const what = `the snapshot of ${log} at ${position}`;
  if (!sameHash(seal, sealOf([position, blob]))) {
    const text = `${what} is damaged: restore the cluster from a backup`;
    throw new ClusterError("storage-failed", text);
  }
  try {
    // No limit: what was written must be readable.
    return { position, bytes: await readWhole(blobs, blob, Infinity) };
  } catch (cause) {
    const { code, text } = cause as Partial<ClusterError>;
    if (code === "unavailable") throw cause;
    const reason = code === "not-found" ? "is not in the blob store" : (text ?? String(cause));
    const way = "give the blob store with which the log was written, or restore a backup";
    throw new ClusterError("storage-failed", `${what} ${reason}: ${way}`, { cause });
  }
}

/** Removes what the log does not name any more. Harmless when it fails. */
export async function sweepSnapshots(blobs: Blobs, keep: ReadonlySet<Hash>): Promise<void> {
  const gone: Hash[] = [];
  for await (const hash of blobs.list()) if (!keep.has(hash)) gone.push(hash);
  for (const hash of gone) await blobs.delete(hash);
}
