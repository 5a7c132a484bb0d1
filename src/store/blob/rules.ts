/** The checks and errors that all blob stores share: free of Node. */
import { ClusterError } from "../../core/error.ts";
import type { Hash } from "../../core/ids.ts";

/** Names come from other machines; one that is not a hash must never become part of a path. */
export function checkHash(hash: Hash): void {
  if (/^[0-9a-f]{64}$/.test(hash)) return;
  const text = `${JSON.stringify(hash.slice(0, 80))} is no blob name: 64 hex digits are needed`;
  throw new ClusterError("bad-request", text);
}

/** A blob's file; `sizeBytes` is the size that it must have. */
export type BlobFile = {
  readonly path: string;
  readonly hash: Hash;
  readonly sizeBytes: number;
};

export type Range = { readonly start: number; readonly end: number };

/** The requested range, or all of it; throws when it reaches outside. */
export function checkRange(hash: Hash, sizeBytes: number, range?: Range): Range {
  if (range === undefined) return { start: 0, end: sizeBytes };
  const { start, end } = range;
  const whole = Number.isSafeInteger(start) && Number.isSafeInteger(end);
  if (whole && start >= 0 && start <= end && end <= sizeBytes) return { start, end };
  const text = `bytes ${start} to ${end} lie outside of blob ${hash}, which has ${sizeBytes} bytes`;
  throw new ClusterError("bad-request", text);
}

export function checkSizeMax(sizeMaxBytes: number): void {
  if (Number.isSafeInteger(sizeMaxBytes) && sizeMaxBytes >= 0) return;
  const text = `sizeMaxBytes must be a whole number up to 2^53 − 1, not ${sizeMaxBytes}`;
  throw new ClusterError("bad-request", text);
}

export function blobTooLarge(sizeMaxBytes: number): ClusterError {
  const text = `a blob has more than ${sizeMaxBytes} bytes: raise sizeMaxBytes or send less`;
  return new ClusterError("limit-exceeded", text);
}

export function wrongBytes(expect: Hash, hash: Hash): ClusterError {
  const text = `bytes that should be blob ${expect} are ${hash}: fetch them again`;
  return new ClusterError("data-lost", text);
}

export function damagedBlob(hash: Hash, reason: string): ClusterError {
  const text = `blob ${hash} is damaged, ${reason}: delete it and put it again`;
  return new ClusterError("data-lost", text);
}

export function missingBlob(hash: Hash): ClusterError {
  return new ClusterError("not-found", `there is no blob ${hash} here: put it again`);
}

export function closedBlobs(name: string): ClusterError {
  return new ClusterError("unavailable", `${name} is closed: open it again`);
}
