/** The log port: an append-only list of records with one snapshot. Stores keep data, they make no
 *  decisions.
 *
 *  1. Positions count from 1 without gaps; an empty log ends at 0.
 *  2. `append` is all or nothing and durable when it resolves; records are in order.
 *  3. A record read back is bit for bit the record appended, or reading fails with `storage-failed`
 *     naming the position. Never silently less or different.
 *  4. One writer: `after` must equal the last position, else `fenced`, and nothing is written.
 *  5. After an error from the disk (`storage-failed`) the log refuses every further append. */

export type LogRecord = { readonly position: number; readonly bytes: Uint8Array };

export interface Log {
  /** Appends records after position `after`; resolves with the new last position, once durable.
   *  Throws `fenced` (another writer), `storage-full` (nothing written; may be retried),
   *  `storage-failed`. */
  append(records: readonly Uint8Array[], after: number): Promise<number>;
  /** Records with position > `after`, in order, all of them. Throws `storage-failed` at a damaged
   *  one. */
  read(after: number): AsyncIterable<LogRecord>;
  /** Last position that is durable; 0 when empty. Counts trimmed records too. */
  last(): Promise<number>;
  /** Replaces the snapshot: the state after `position`. Durable when resolved; the old one stays
   *  until then. */
  saveSnapshot(position: number, bytes: Uint8Array): Promise<void>;
  /** Newest snapshot, or null. Throws `storage-failed` when it is damaged. */
  loadSnapshot(): Promise<LogRecord | null>;
  /** Deletes records up to and including `position`, which must not be above the snapshot's. */
  trim(position: number): Promise<void>;
  /** Releases files and locks. Every later call throws. May be called twice. */
  close(): Promise<void>;
}
