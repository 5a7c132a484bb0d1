/** Task ids: 34 bytes that name an attempt, shaped like the multihash that existing implementations
 *  use.
 *
 *  `1b 20` (Keccak-256, 32 bytes), then, numbers big-endian: cluster tag 8 · job number 8 · stage 4
 *  · task 4 · attempt 4 · "tqo1" 4. Packed, not hashed: the coordinator reads the attempt from the
 *  id, without a table and without cost. */
import { assert } from "../../core/error.ts";
import { type AttemptRef, idNumber, jobId } from "../../core/ids.ts";
import type { TaskIdBytes } from "./messages.ts";

export const taskIdBytes = 34;
/** Random, made once for a cluster, so that ids of another cluster are recognised. */
export const clusterTagBytes = 8;

const multihash = [0x1b, 0x20] as const;
/** Ends every id of this layout; one of 2^32 real hashes has the same end, and fails the other
 *  checks. */
const layout = 0x74_71_6f_31;

/** Fails an assertion when the tag does not have 8 bytes or a number is out of its range. */
export function packTaskId(tag: Uint8Array, ref: AttemptRef): TaskIdBytes {
  const job = idNumber(ref.job);
  assert(tag.length === clusterTagBytes, "a cluster tag has 8 bytes");
  assert(Number.isSafeInteger(job), "a job id has a number");
  assert(isU32(ref.stage) && isU32(ref.task), "stage and task are below 2^32");
  assert(isU32(ref.attempt) && ref.attempt > 0, "attempts count from 1, below 2^32");
  const id = new Uint8Array(taskIdBytes);
  id[0] = multihash[0];
  id[1] = multihash[1];
  for (let i = 0; i < clusterTagBytes; i++) id[2 + i] = tag[i]!;
  writeU32(id, 10, Math.floor(job / 0x1_0000_0000));
  writeU32(id, 14, job);
  writeU32(id, 18, ref.stage);
  writeU32(id, 22, ref.task);
  writeU32(id, 26, ref.attempt);
  writeU32(id, 30, layout);
  return id;
}

/** The attempt that a packed id names; null for a foreign id, and with `tag` for another
 *  cluster's. */
export function unpackTaskId(id: TaskIdBytes, tag?: Uint8Array): AttemptRef | null {
  if (id.length !== taskIdBytes || id[0] !== multihash[0] || id[1] !== multihash[1]) return null;
  if (readU32(id, 30) !== layout) return null;
  if (tag !== undefined && !hasTag(id, tag)) return null;
  const job = readU32(id, 10) * 0x1_0000_0000 + readU32(id, 14);
  const attempt = readU32(id, 26);
  // 15 digits: what `idNumber` accepts.
  if (job < 1 || job > 999_999_999_999_999 || attempt < 1) return null;
  return { job: jobId(job), stage: readU32(id, 18), task: readU32(id, 22), attempt };
}

function hasTag(id: Uint8Array, tag: Uint8Array): boolean {
  for (let i = 0; i < clusterTagBytes; i++) if (id[2 + i] !== tag[i]) return false;
  return true;
}

function isU32(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff;
}

function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

function readU32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
  );
}
