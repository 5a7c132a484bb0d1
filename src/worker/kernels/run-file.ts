/** Files of this machine as sinks and sources of bytes: outputs being written, runs being read. */
import { createHash } from "node:crypto";
import { closeSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { crc32 } from "node:zlib";
import { isDiskFull } from "../../core/disk-full.ts";
import { ClusterError } from "../../core/error.ts";
import { damaged } from "../../wire/block/arena.ts";
import { encodeManifest, type ManifestPartition } from "../../wire/block/manifest.ts";
import { RunReader, RunWriter } from "../../wire/block/run.ts";
import { type Hashed, SegmentHash } from "./segment-hash.ts";

const bufferBytes = 256 * 1024;

/** An error of the disk, as one of the codes that a user can act on. */
export function diskFailure(error: unknown, path: string): ClusterError {
  const { code, message } = error as NodeJS.ErrnoException;
  if (isDiskFull(error)) {
    const text = `no space left for ${path}; free some there: the task is tried again by itself`;
    return new ClusterError("storage-full", text, { cause: error });
  }
  if (code === "EFBIG") {
    const text = `${path} is larger than all that a task may have on the disk; raise --scratch`;
    return new ClusterError("limit-exceeded", text, { cause: error });
  }
  return new ClusterError("storage-failed", `${path}: ${message}`, { cause: error });
}

/** A file to which whole buffers are written. */
export class BlockFile {
  readonly path: string;
  sizeBytes = 0;
  readonly #fd: number;
  #closed = false;

  constructor(path: string) {
    this.path = path;
    try {
      this.#fd = openSync(path, "w", 0o600);
    } catch (error) {
      throw diskFailure(error, path);
    }
  }

  write(bytes: Uint8Array): void {
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at);
    } catch (error) {
      throw diskFailure(error, this.path);
    }
    this.sizeBytes += bytes.length;
  }

  /** May be called twice. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#fd);
  }

  /** Closes and leaves no file. */
  discard(): void {
    this.close();
    rmSync(this.path, { force: true });
  }
}

/** The same, written through a buffer. */
export class FileSink {
  readonly path: string;
  sizeBytes = 0;
  readonly #file: BlockFile;
  readonly #buffer = Buffer.allocUnsafeSlow(bufferBytes);
  #filled = 0;
  #closed = false;
  /** Set by a failed write: user code may swallow the error, the next call throws it again. */
  #broken: ClusterError | null = null;

  constructor(path: string) {
    this.path = path;
    this.#file = new BlockFile(path);
  }

  /** Has used the bytes when it returns. */
  write(bytes: Uint8Array): void {
    if (bytes.length > bufferBytes - this.#filled) this.#flush();
    if (bytes.length > bufferBytes) this.#writeAll(bytes);
    else {
      this.#buffer.set(bytes, this.#filled);
      this.#filled += bytes.length;
    }
    this.sizeBytes += bytes.length;
  }

  /** May be called twice. */
  close(): void {
    if (this.#closed) return;
    try {
      this.#flush();
    } finally {
      this.#closed = true;
      this.#file.close();
    }
  }

  /** Closes and leaves no file. */
  discard(): void {
    this.#closed = true;
    this.#file.discard();
  }

  /** What was written can be read from the file. */
  flush(): void {
    this.#flush();
  }

  #flush(): void {
    const filled = this.#filled;
    this.#filled = 0;
    this.#writeAll(this.#buffer.subarray(0, filled));
  }

  #writeAll(bytes: Uint8Array): void {
    if (this.#broken !== null) throw this.#broken;
    try {
      this.#file.write(bytes);
    } catch (error) {
      this.#broken = error as ClusterError;
      throw error;
    }
  }
}

/** A file with one run for each partition, in the order of the partitions. */
export class PartitionFile {
  readonly #sink: FileSink;
  readonly #count: number;
  readonly #partitions: Array<Omit<ManifestPartition, "offset">> = [];

  constructor(path: string, partitionCount: number) {
    this.#sink = new FileSink(path);
    this.#count = partitionCount;
  }

  /** Writes the next non-empty partition; those before it that were left out are empty. */
  partition(partition: number, fill: (run: RunWriter) => void): void {
    this.#skipTo(partition);
    const hash = createHash("sha256");
    const run = new RunWriter((bytes) => {
      hash.update(bytes);
      this.#sink.write(bytes);
    }, crc32);
    fill(run);
    run.finish();
    const { sizeBytes, entries } = run;
    const sha256 = sizeBytes === 0 ? "" : hash.digest("hex");
    this.#partitions.push({ sizeBytes, records: entries, sha256 });
  }

  /** Closes the file; answers the bytes of its manifest. */
  finish(): Uint8Array {
    this.#skipTo(this.#count);
    this.#sink.close();
    return encodeManifest(this.#partitions);
  }

  discard(): void {
    this.#sink.discard();
  }

  #skipTo(partition: number): void {
    while (this.#partitions.length < partition) {
      this.#partitions.push({ sizeBytes: 0, records: 0, sha256: "" });
    }
  }
}

/** A run inside a file. One of no bytes has no entries, and its file need not be there. */
export type Segment = Hashed & { readonly offset: number };

/** Files opened for reading, each once however many segments lie in it. */
export class SegmentFiles {
  readonly #open = new Map<string, number>();

  reader(segment: Segment): RunReader {
    const { path, offset, sha256, sizeBytes } = segment;
    if (sizeBytes === 0) return new RunReader(() => {}, 0, crc32);
    const fd = this.#open.get(path) ?? openForReading(path);
    this.#open.set(path, fd);
    const hash = sha256 === undefined ? null : new SegmentHash(segment);
    const read = (into: Uint8Array, at: number) => {
      readExactly(fd, into, offset + at, path);
      hash?.add(into, at);
    };
    return new RunReader(read, sizeBytes, crc32);
  }

  close(): void {
    for (const fd of this.#open.values()) closeSync(fd);
    this.#open.clear();
  }
}

function openForReading(path: string): number {
  try {
    return openSync(path, "r");
  } catch (error) {
    throw diskFailure(error, path);
  }
}

function readExactly(fd: number, into: Uint8Array, offset: number, path: string): void {
  for (let filled = 0; filled < into.length; ) {
    let count: number;
    try {
      count = readSync(fd, into, filled, into.length - filled, offset + filled);
    } catch (error) {
      throw diskFailure(error, path);
    }
    if (count === 0) throw damaged(`${path} ends too early`);
    filled += count;
  }
}
