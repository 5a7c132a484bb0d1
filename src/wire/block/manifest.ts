/** The manifest of a map task's output: how many bytes and records each partition has, and their
 *  SHA-256.
 *
 *  The SHA-256 of the manifest's own bytes is the output's `root`: a reader that knows the root can
 *  verify every partition before it uses a byte of it. Partitions are concatenated, so offsets are
 *  not stored. */
import { ClusterError } from "../../core/error.ts";
import { hexOf } from "../hex.ts";
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

/** What is read of a manifest. A reduce task looks at one partition of each of very many manifests,
 *  so they stay bytes, and a partition is made when it is asked for. */
export class Manifest {
  /** Of the whole output file. */
  readonly sizeBytes: number;
  readonly records: number;
  readonly #bytes: Uint8Array;
  /** Where a partition's run starts in the output file, and its numbers in the manifest. */
  readonly #offsets: Float64Array;
  readonly #starts: Uint32Array;

  /** `decodeManifest` has checked these bytes. */
  constructor(
    bytes: Uint8Array,
    found: Pick<Manifest, "sizeBytes" | "records"> & {
      readonly offsets: Float64Array;
      readonly starts: Uint32Array;
    },
  ) {
    this.#bytes = bytes;
    this.#offsets = found.offsets;
    this.#starts = found.starts;
    this.sizeBytes = found.sizeBytes;
    this.records = found.records;
  }

  /** Bytes of the manifest itself. */
  get encodedBytes(): number {
    return this.#bytes.length;
  }

  /** The number of partitions, empty ones included. */
  get length(): number {
    return this.#starts.length;
  }

  /** Undefined where there is no such partition. */
  at(partition: number): ManifestPartition | undefined {
    const offset = this.#offsets[partition];
    if (offset === undefined) return undefined;
    const cursor = new Cursor(this.#bytes, this.#starts[partition]);
    const sizeBytes = cursor.varint();
    if (sizeBytes === 0) return { offset, sizeBytes, records: 0, sha256: "" };
    const records = cursor.varint();
    const at = cursor.take(32);
    return { offset, sizeBytes, records, sha256: hexOf(this.#bytes.subarray(at, at + 32)) };
  }

  *[Symbol.iterator](): Generator<ManifestPartition, void> {
    for (let i = 0; i < this.length; i++) yield this.at(i) as ManifestPartition;
  }
}

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
  const offsets = new Float64Array(count);
  const starts = new Uint32Array(count);
  let sizeBytes = 0;
  let records = 0;
  for (let i = 0; i < count; i++) {
    offsets[i] = sizeBytes;
    starts[i] = cursor.at;
    const ofRun = cursor.varint();
    if (ofRun === 0) continue;
    const inRun = cursor.varint();
    if (ofRun < runMinBytes || inRun === 0 || inRun > ofRun) {
      throw damaged(`partition ${i} of a manifest is impossible`);
    }
    cursor.take(32);
    sizeBytes += ofRun;
    records += inRun;
    if (!Number.isSafeInteger(sizeBytes)) throw damaged("a manifest announces too much");
  }
  if (cursor.at !== bytes.length) throw damaged("bytes follow a manifest");
  return new Manifest(bytes, { offsets, starts, sizeBytes, records });
}
