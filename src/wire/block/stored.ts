/** A map output as one object of a store: head, manifest, run. One call puts it, one reads the
 *  manifest, and one each partition, by its range. */
import { ClusterError } from "../../core/error.ts";
import type { AttemptRef } from "../../core/ids.ts";
import { manifestMaxBytes } from "./manifest.ts";

/** "TQS" and the version, then the bytes of the manifest as a big-endian number. */
const magic = 0x54_51_53_01;
export const headBytes = 8;
/** So much is read first: the head, and nearly every manifest. */
export const firstBytes = 16 * 1024;
/** What S3 takes in one call. */
export const storedMaxBytes = 5 * 1024 ** 3;

/** Key of the object, below the place of the store. */
export function storedKey({ attempt, job, stage, task }: AttemptRef): string {
  return `${job}/${stage}/${task}.${attempt}`;
}

export function storedHead(manifestBytes: number): Uint8Array {
  const head = new Uint8Array(headBytes);
  const view = new DataView(head.buffer);
  view.setUint32(0, magic);
  view.setUint32(4, manifestBytes);
  return head;
}

/** Bytes of the manifest, by the first bytes of the object. Throws `data-lost`. */
export function manifestBytesIn(first: Uint8Array): number {
  const view = new DataView(first.buffer, first.byteOffset, first.byteLength);
  const isOurs = first.byteLength >= headBytes && view.getUint32(0) === magic;
  const count = isOurs ? view.getUint32(4) : manifestMaxBytes + 1;
  if (count <= manifestMaxBytes) return count;
  throw new ClusterError("data-lost", "an object of the store is no map output");
}

export type StoredRange = { readonly start: number; readonly end: number };

/** Bytes [start, end) of the object that are the partition. */
export function partitionIn(
  { encodedBytes }: { readonly encodedBytes: number },
  { offset, sizeBytes }: { readonly offset: number; readonly sizeBytes: number },
): StoredRange {
  const start = headBytes + encodedBytes + offset;
  return { start, end: start + sizeBytes };
}
