/** The coordinator's disk: acknowledged writes survive a crash, others may or may not. Damage is
 *  detected by the checksum of every record. */
import { ClusterError } from "../../src/core/error.ts";
import type { Random } from "../../src/core/random.ts";
import type { Blobs } from "../../src/store/blob/blob.ts";
import { openMemoryBlobs } from "../../src/store/blob/memory.ts";
import type { Log, LogRecord } from "../../src/store/log/log.ts";
import { emptyLog, type LogContents, openMemoryLog } from "../../src/store/log/memory.ts";
import { digestOf } from "./digest.ts";
import type { SimProcess } from "./process.ts";
import { SimRelay } from "./relay.ts";

export type DiskOptions = {
  readonly random: Random;
  /** Mean time of one write with its fsync, ms. */
  readonly writeMs: number;
  readonly count: (what: string) => void;
  /** Called when records are durable, before they are acknowledged. */
  readonly onDurable: (records: readonly LogRecord[]) => void;
};

const decoder = new TextDecoder();

export class SimDisk {
  readonly contents: LogContents = emptyLog();
  full = false;
  /** Factor on the duration of writes. */
  slowFactor = 1;
  /** The next write fails, with an unknown effect on the disk. */
  failsNext = false;
  /** It has failed at least once. */
  failedOnce = false;
  /** Called when a write begins, with its duration, ms. */
  onWrite: ((takesMs: number) => void) | null = null;
  readonly options: DiskOptions;
  readonly relay: SimRelay;
  readonly #blobs = openMemoryBlobs({ sha256: (bytes) => digestOf(decoder.decode(bytes)) });
  /** Positions whose bytes are damaged. */
  readonly #flipped = new Map<number, number>();
  #snapshotFlipped = false;

  constructor(options: DiskOptions) {
    this.options = options;
    const isFull = () => this.full;
    this.relay = new SimRelay({
      get full() {
        return isFull();
      },
      writeMs: () => this.writeMs(),
      count: options.count,
    });
  }

  writeMs(): number {
    return this.options.writeMs * (0.5 + this.options.random.fraction()) * this.slowFactor;
  }

  /** Duration of the write that begins now, ms. */
  beginWrite(): number {
    const takesMs = this.writeMs();
    this.onWrite?.(takesMs);
    return takesMs;
  }

  /** Flips one bit in a record or in the snapshot. False when there is nothing to damage. */
  flipBit(): boolean {
    const { contents, options } = this;
    if (contents.records.length === 0) {
      if (contents.snapshot === null) return false;
      this.#snapshotFlipped = true;
      return true;
    }
    const index = options.random.below(contents.records.length);
    const bytes = contents.records[index]!;
    const bit = options.random.below(bytes.length * 8);
    bytes[bit >> 3]! ^= 1 << (bit & 7);
    this.#flipped.set(contents.trimmed + 1 + index, bit);
    return true;
  }

  get damaged(): boolean {
    return this.#flipped.size > 0 || this.#snapshotFlipped;
  }

  /** Restores it as if from a backup. */
  repair(): void {
    for (const [position, bit] of this.#flipped) {
      const bytes = this.contents.records[position - this.contents.trimmed - 1];
      if (bytes !== undefined) bytes[bit >> 3]! ^= 1 << (bit & 7);
    }
    this.#flipped.clear();
    this.#snapshotFlipped = false;
  }

  async *checked(records: AsyncIterable<LogRecord>): AsyncIterable<LogRecord> {
    for await (const record of records) {
      if (this.#flipped.has(record.position)) {
        throw new ClusterError("storage-failed", `record ${record.position} is damaged`);
      }
      yield record;
    }
  }

  checkSnapshot(): void {
    if (this.#snapshotFlipped) throw new ClusterError("storage-failed", "the snapshot is damaged");
  }

  /** The blobs of the disk as one process sees them. */
  blobs(process: SimProcess): Blobs {
    const store = this.#blobs;
    return {
      ...store,
      put: async (chunks, options) => {
        await process.sleep(this.writeMs());
        if (this.full) throw fullDisk();
        return store.put(chunks, options);
      },
      async close() {},
    };
  }

  readBlob(hash: string): AsyncIterable<Uint8Array> {
    return this.#blobs.read(hash);
  }
}

function failedDisk(): ClusterError {
  return new ClusterError("storage-failed", "the disk has failed (EIO); start again");
}

function fullDisk(): ClusterError {
  return new ClusterError("storage-full", "the disk is full: nothing was written");
}

/** The stage of an append, which decides the effect of a crash. */
type Stage = "idle" | "writing" | "written";

/** Opens the log for one process; fences an earlier opener. */
export function openSimLog(disk: SimDisk, process: SimProcess): Log {
  const inner = openMemoryLog(disk.contents);
  const { count, onDurable } = disk.options;
  let stage: Stage = "idle";
  let broken = false;
  process.onDeath.push(() => {
    if (stage === "writing") count("crash: unsynced write lost");
    if (stage === "written") count("crash: write kept, its Ack lost");
  });
  const write = async (records: readonly Uint8Array[], after: number): Promise<number> => {
    const last = await inner.append(records, after);
    onDurable(records.map((bytes, index) => ({ position: after + 1 + index, bytes })));
    return last;
  };
  const append = async (records: readonly Uint8Array[], after: number): Promise<number> => {
    if (broken) throw failedDisk();
    stage = "writing";
    await process.sleep(disk.beginWrite());
    stage = "idle";
    if (disk.full) {
      count("log: disk full");
      throw fullDisk();
    }
    if (disk.failsNext) {
      disk.failsNext = false;
      disk.failedOnce = true;
      broken = true;
      count("log: write failed (EIO)");
      // It may have reached the disk all the same.
      if (disk.options.random.chance(0.5)) await write(records, after);
      throw failedDisk();
    }
    const last = await write(records, after);
    stage = "written";
    await process.sleep(disk.writeMs() * 0.2);
    stage = "idle";
    return last;
  };
  return {
    ...inner,
    append,
    read: (after) => (disk.damaged ? disk.checked(inner.read(after)) : inner.read(after)),
    async saveSnapshot(position, bytes) {
      await process.sleep(disk.writeMs());
      if (disk.full) throw fullDisk();
      await inner.saveSnapshot(position, bytes);
      count("snapshot taken");
    },
    async loadSnapshot() {
      disk.checkSnapshot();
      return inner.loadSnapshot();
    },
  };
}
