/** Which partition a key goes to when the job does not decide: part of the format, the same on
 *  every worker. */
import { ClusterError } from "../../core/error.ts";

/** FNV-1a over the key's bytes, mixed by the finalizer of MurmurHash3 (FNV's low bits are weak). 32
 *  bits. */
export function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** The partition, 0 … count − 1, of an encoded key. */
export function partitionOf(keyBytes: Uint8Array, count: number): number {
  return count === 1 ? 0 : hashOf(keyBytes, 0, keyBytes.length) % count;
}

/** Checks the value that the job's own `partition` returned. */
export function checkedPartition(answer: unknown, count: number): number {
  if (Number.isInteger(answer) && (answer as number) >= 0 && (answer as number) < count) {
    return (answer as number) === 0 ? 0 : (answer as number);
  }
  throw new ClusterError(
    "user-error",
    `partition returned ${String(answer)}; it must return a whole number from 0 to ${count - 1}`,
  );
}
