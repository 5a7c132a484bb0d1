/** Sorted records as bytes on the disk: the records as they lie in memory, and a trailer.
 *
 *  The trailer (36 bytes, little endian): "TQS" and the version, u32 longest record, u64 records,
 *  u64 bytes of them, 8 bytes zero, u32 CRC-32 of all before it. No records are no bytes at all. A
 *  reader that reads a segment to its end checks it; nothing of a segment is valid before. */
import { createHash, type Hash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { crc32 } from "node:zlib";
import { damaged } from "../../../wire/block/arena.ts";
import type { ManifestPartition } from "../../../wire/block/manifest.ts";
import { BlockFile, diskFailure, type Segment } from "../run-file.ts";
import { SegmentHash } from "../segment-hash.ts";

const magic = 0x01_53_51_54;
export const trailerBytes = 36;
const restBytes = 256 * 1024;

/** Records of a task on their way to a file. */
export interface RecordSink {
  /** Has used the bytes when it returns. `longest`: of the records in them, in bytes. */
  write(bytes: Uint8Array, records: number, longest: number): void;
}

/** Writes one segment after the other to a file. */
export class SegmentWriter implements RecordSink {
  readonly file: BlockFile;
  /** Of the finished segments. */
  readonly segments: Array<Omit<ManifestPartition, "offset">> = [];
  readonly #hashes: boolean;
  #hash: Hash | null = null;
  #sum = 0;
  #startedAt = 0;
  #records = 0;
  #longest = 0;

  /** With `hashes` each segment gets its SHA-256, for the workers that fetch it. */
  constructor(path: string, hashes: boolean) {
    this.file = new BlockFile(path);
    this.#hashes = hashes;
  }

  write(bytes: Uint8Array, records: number, longest: number): void {
    this.#longest = Math.max(this.#longest, longest);
    this.#records += records;
    this.#sum = crc32(bytes, this.#sum);
    this.#put(bytes);
  }

  /** Ends the segment; what is written next is another. */
  end(): void {
    const dataBytes = this.file.sizeBytes - this.#startedAt;
    if (dataBytes > 0) this.#put(this.#trailer(dataBytes));
    const sizeBytes = this.file.sizeBytes - this.#startedAt;
    const sha256 = this.#hash?.digest("hex") ?? "";
    this.segments.push({ sizeBytes, records: this.#records, sha256 });
    this.#startedAt = this.file.sizeBytes;
    this.#hash = null;
    [this.#sum, this.#records, this.#longest] = [0, 0, 0];
  }

  #put(bytes: Uint8Array): void {
    if (this.#hashes) {
      this.#hash ??= createHash("sha256");
      this.#hash.update(bytes);
    }
    this.file.write(bytes);
  }

  #trailer(dataBytes: number): Uint8Array {
    const trailer = Buffer.alloc(trailerBytes);
    trailer.writeUInt32LE(magic, 0);
    trailer.writeUInt32LE(this.#longest, 4);
    trailer.writeBigUInt64LE(BigInt(this.#records), 8);
    trailer.writeBigUInt64LE(BigInt(dataBytes), 16);
    trailer.writeUInt32LE(crc32(trailer.subarray(0, trailerBytes - 4), this.#sum), 32);
    return trailer;
  }
}

/** Reads the records of a segment from its start to its end. */
export class SegmentReader {
  /** Longest record, in bytes. */
  readonly longest: number;
  readonly records: number;
  readonly #fd: number;
  readonly #path: string;
  readonly #trailer: Buffer;
  #at: number;
  readonly #end: number;
  readonly #start: number;
  readonly #hash: SegmentHash | null;
  #sum = 0;

  /** `fd`: of the file that the segment lies in. The segment is not empty. */
  constructor(fd: number, segment: Segment) {
    const { path, offset, sizeBytes } = segment;
    this.#fd = fd;
    this.#path = path;
    this.#at = offset;
    this.#start = offset;
    this.#hash = segment.sha256 === undefined ? null : new SegmentHash(segment);
    this.#end = offset + sizeBytes - trailerBytes;
    this.#trailer = Buffer.alloc(trailerBytes);
    if (sizeBytes <= trailerBytes) throw damaged(`${path} has a segment of ${sizeBytes} bytes`);
    this.#exactly(this.#trailer, this.#end);
    const isWhole = this.#trailer.readUInt32LE(0) === magic;
    if (!isWhole || this.#trailer.readBigUInt64LE(16) !== BigInt(this.#end - offset)) {
      throw damaged(`${path} has a segment without an end`);
    }
    this.longest = this.#trailer.readUInt32LE(4);
    this.records = Number(this.#trailer.readBigUInt64LE(8));
    if (Math.max(this.longest, this.records) > sizeBytes) {
      throw damaged(`${path} has a segment that promises more than it has`);
    }
  }

  get leftBytes(): number {
    return this.#end - this.#at;
  }

  /** Fills `into`, or as much of it as the segment has left, and answers how much that is. */
  read(into: Uint8Array): number {
    const taken = into.subarray(0, Math.min(into.length, this.#end - this.#at));
    this.#exactly(taken, this.#at);
    this.#at += taken.length;
    // The SHA-256 says as much, at the same byte.
    if (this.#hash === null) this.#sum = crc32(taken, this.#sum);
    if (this.#hash === null && taken.length > 0 && this.#at === this.#end) this.#check();
    return taken.length;
  }

  /** Reads on where nothing of the rest is wanted, for the hash of the whole. */
  finish(): void {
    if (this.#hash === null || this.leftBytes === 0) return;
    const rest = Buffer.allocUnsafeSlow(Math.min(restBytes, this.leftBytes));
    while (this.leftBytes > 0) this.read(rest);
  }

  #check(): void {
    const sum = crc32(this.#trailer.subarray(0, trailerBytes - 4), this.#sum);
    if (sum !== this.#trailer.readUInt32LE(32)) throw damaged(`${this.#path} has other bytes`);
  }

  #exactly(into: Uint8Array, offset: number): void {
    for (let filled = 0; filled < into.length; ) {
      let count: number;
      try {
        count = readSync(this.#fd, into, filled, into.length - filled, offset + filled);
      } catch (error) {
        throw diskFailure(error, this.#path);
      }
      if (count === 0) throw damaged(`${this.#path} ends too early`);
      filled += count;
    }
    if (into.length > 0) this.#hash?.add(into, offset - this.#start);
  }
}

/** Files opened for reading, each once however many segments lie in it. */
export class OpenSegments {
  readonly #open = new Map<string, number>();

  reader(segment: Segment): SegmentReader {
    let fd = this.#open.get(segment.path);
    if (fd === undefined) {
      try {
        fd = openSync(segment.path, "r");
      } catch (error) {
        throw diskFailure(error, segment.path);
      }
      this.#open.set(segment.path, fd);
    }
    return new SegmentReader(fd, segment);
  }

  close(): void {
    for (const fd of this.#open.values()) closeSync(fd);
    this.#open.clear();
  }
}
