/** The manifest of a map task's output: how many bytes and records each partition has, and their
 *  SHA-256.
 *
 *  The SHA-256 of the manifest's own bytes is the output's `root`: a reader that knows the root can
 *  verify every partition before it uses a byte of it. Partitions are concatenated, so offsets are
 *  not stored. */
import { ClusterError } from "../../core/error.ts";
import { Arena, Cursor, damaged } from "./arena.ts";
import { runMinBytes } from "./run.ts";

/** "TQM" and the version. */
const magic = Uint8Array.of(0x54, 0x51, 0x4d, 0x01);
export const partitionsMax = 100_000;
/** Upper bound: magic, count, and per partition two numbers and a hash. */
export const manifestMaxBytes = 12 + partitionsMax * (8 + 8 + 32);

export type ManifestPartition = {
  /** Where the run starts in the output file. */
  readonly offset: number;
  /** 0 = the partition is empty; then there are no records and the hash is "". */
  readonly sizeBytes: number;
  readonly records: number;
  /** Lowercase hex SHA-256 of the run's bytes. */
  readonly sha256: string;
};

export type Manifest = {
  readonly partitions: readonly ManifestPartition[];
  /** Of the whole output file. */
  readonly sizeBytes: number;
  readonly records: number;
};

export function encodeManifest(
  partitions: ReadonlyArray<Omit<ManifestPartition, "offset">>,
): Uint8Array {
  if (partitions.length > partitionsMax) {
    throw new ClusterError(
      "limit-exceeded",
      `${partitions.length} partitions; a stage may have ${partitionsMax}`,
    );
  }
  const arena = new Arena(16 + partitions.length * 40);
  arena.append(magic);
  arena.varint(partitions.length);
  for (const { sizeBytes, records, sha256 } of partitions) {
    arena.varint(sizeBytes);
    if (sizeBytes === 0) continue;
    arena.varint(records);
    for (let i = 0; i < 64; i += 2) arena.byte(Number.parseInt(sha256.slice(i, i + 2), 16));
  }
  return arena.view().slice();
}

/** Checks everything that can be checked without the partitions themselves; damage is
 *  `data-lost`. */
export function decodeManifest(bytes: Uint8Array): Manifest {
  if (bytes.length > manifestMaxBytes) throw damaged(`a manifest of ${bytes.length} bytes`);
  const cursor = new Cursor(bytes);
  for (const byte of magic) {
    if (cursor.byte() !== byte) throw damaged("this is not a manifest");
  }
  const count = cursor.varint();
  if (count > partitionsMax || count > bytes.length) throw damaged("a manifest announces too much");
  const partitions: ManifestPartition[] = [];
  let offset = 0;
  let total = 0;
  for (let i = 0; i < count; i++) {
    const sizeBytes = cursor.varint();
    if (sizeBytes === 0) {
      partitions.push({ offset, sizeBytes, records: 0, sha256: "" });
      continue;
    }
    const records = cursor.varint();
    if (sizeBytes < runMinBytes || records === 0 || records > sizeBytes) {
      throw damaged(`partition ${i} of a manifest is impossible`);
    }
    const at = cursor.take(32);
    partitions.push({ offset, sizeBytes, records, sha256: hex(bytes.subarray(at, at + 32)) });
    offset += sizeBytes;
    total += records;
    if (!Number.isSafeInteger(offset)) throw damaged("a manifest announces too much");
  }
  if (cursor.at !== bytes.length) throw damaged("bytes follow a manifest");
  return { partitions, sizeBytes: offset, records: total };
}

function hex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}
