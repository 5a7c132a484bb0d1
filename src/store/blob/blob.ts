/** The blob port: immutable bytes named by their SHA-256 (lowercase hex).
 *
 *  1. A blob is visible only when it is whole and durable; readers never see half of one.
 *  2. `put` of the same bytes twice is one blob. Callers own the chunks they pass only until `put`
 *     takes the next.
 *  3. What is read is what was put, or reading fails with `data-lost` naming the hash: no byte of a
 *     damaged piece is served as good, and of a full read never the last chunk. */
import type { Hash } from "../../core/ids.ts";

export type BlobPut = { readonly hash: Hash; readonly sizeBytes: number };

export type PutOptions = {
  readonly expect?: Hash;
  readonly sizeMaxBytes?: number;
  /** A hint that ranges of it will be read: the hashes of its pieces are computed while it is
   *  stored, instead of at the first range. */
  readonly ranges?: boolean;
};

export interface Blobs {
  /** Stores a stream. With `expect`, bytes with another hash are refused (`data-lost`) and leave
   *  nothing. Longer than `sizeMaxBytes`: `limit-exceeded`. Disk full: `storage-full`. */
  put(
    chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    options?: PutOptions,
  ): Promise<BlobPut>;
  /** Size in bytes, or null when there is no such blob. `data-lost` when it is known to be
   *  damaged. */
  size(hash: Hash): Promise<number | null>;
  /** Bytes [start, end) as a stream: the whole blob is verified as it passes, a range piece by
   *  piece before it is given. Throws `not-found`, `bad-request` (range outside), `data-lost`. */
  read(
    hash: Hash,
    range?: { readonly start: number; readonly end: number },
  ): AsyncIterable<Uint8Array>;
  /** When the blob got its name, by the wall clock, in ms; null when there is none. Absent in a
   *  store that does not know. */
  storedAtMs?(hash: Hash): Promise<number | null>;
  /** Deletes a blob; no error when there is none. */
  delete(hash: Hash): Promise<void>;
  /** All names, in no order. */
  list(): AsyncIterable<Hash>;
  /** Path of the file on this machine's disk, for hard links and fast copies; null when there is
   *  none. */
  path(hash: Hash): string | null;
  close(): Promise<void>;
}

/** What a store has, besides, that others can read without its credentials. */
export interface BlobAddresses {
  /** For GETs of ranges of the blob, valid for so long; there may be no such blob. */
  address(hash: Hash, expiresS: number): string;
}

export function hasAddresses(blobs: Blobs): blobs is Blobs & BlobAddresses {
  return "address" in blobs;
}
