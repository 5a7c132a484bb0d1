/** Uploads that come in ranges, in any order and over several connections, until they are blobs.
 *
 *  1. What has arrived stays for a day without a write, also over a restart: an upload goes on
 *     where it was.
 *  2. Nothing here is a blob. The whole is hashed before it becomes one, so what a power loss or
 *     a bad disk leaves is noticed then, and the upload begins anew.
 *  3. Uploads of different owners never meet: bytes of one are no part of another's.
 *  4. What has arrived can be read before the whole is there, by those who wait for the end to see
 *     whether it was right. */
import { createHash } from "node:crypto";
import { type FileHandle, open, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { ClusterError } from "../../core/error.ts";
import type { Hash } from "../../core/ids.ts";
import { rangeMinBytes as unitBytes } from "../../core/transfer/pace.ts";
import { storageFailure, systemCode } from "../failure.ts";
import type { BlobPut, Blobs } from "./blob.ts";
import type { DiskBlobs } from "./disk.ts";
import { fileChunks } from "./disk-adopt.ts";
import { chunksOf } from "./disk-read.ts";
import { blobTooLarge, checkHash, type Range, wrongBytes } from "./rules.ts";

export type StagingOptions = {
  /** Uploads at once; default 256. */
  readonly uploadsMax?: number;
  /** One that was not written to for this long makes room for others, ms; default 10 min. */
  readonly idleMs?: number;
  /** One that was not written to for this long is removed, ms; default 24 h. */
  readonly keepMs?: number;
  /** Largest upload, bytes; default 1 TiB. */
  readonly sizeMaxBytes?: number;
};

/** What is uploaded, and by whom. */
export type UploadOf = {
  readonly owner: string;
  readonly hash: Hash;
  readonly sizeBytes: number;
};

/** Units of the journal, in which a range that has arrived is written down: first, count. */
const entryBytes = 8;
const prefix = "upload-";

/** One that can adopts a file, others take a copy. */
type Store = Pick<Blobs, "put" | "read" | "size"> & Partial<Pick<DiskBlobs, "adopt">>;

export class Staging {
  /** Called when a range of an upload has arrived, when it became a blob, and when it was found to
   *  be something else: `isWrong`. */
  changed: (of: UploadOf, isWrong: boolean) => void = () => {};
  readonly #directory: string;
  readonly #blobs: Store;
  readonly #options: Required<StagingOptions>;
  readonly #open = new Map<string, Promise<StagedUpload>>();

  /** `directory`: on the file system of a store that adopts files. */
  constructor(
    directory: string,
    blobs: Store,
    { idleMs = 600_000, keepMs = 86_400_000, sizeMaxBytes = 2 ** 40, uploadsMax = 256 } = {},
  ) {
    this.#directory = directory;
    this.#blobs = blobs;
    this.#options = { idleMs, keepMs, sizeMaxBytes, uploadsMax };
  }

  /** What of it has not arrived yet, in order; all of it when none has. */
  async missing(of: UploadOf): Promise<readonly Range[]> {
    const name = this.#nameOf(of);
    const upload = await (this.#open.get(name) ?? this.#found(name, of));
    return upload?.missing() ?? (of.sizeBytes === 0 ? [] : [{ start: 0, end: of.sizeBytes }]);
  }

  /** Writes one range, whose SHA-256 is `expect`; `start` is a multiple of the unit, and so is the
   *  end, unless it is that of the whole. Throws `data-lost` for other bytes, `bad-request` for
   *  another place, `unavailable` when too many uploads are in progress. */
  async write(
    of: UploadOf,
    { start, chunks, expect }: { start: number; chunks: AsyncIterable<Uint8Array>; expect: Hash },
  ): Promise<void> {
    const upload = await this.#opened(of);
    await upload.write(start, chunks, expect);
    this.changed(of, false);
  }

  /** A range that has arrived; null when there is no such upload, as after its end. Throws
   *  `unavailable` when some of it has not arrived yet. */
  async read(of: UploadOf, range: Range): Promise<AsyncIterable<Uint8Array> | null> {
    const name = this.#nameOf(of);
    const upload = await (this.#open.get(name) ?? this.#found(name, of));
    return upload?.read(range) ?? null;
  }

  /** Whether what has arrived is part of the blob of that name, which has come another way. Reads
   *  both. */
  async agrees(of: UploadOf): Promise<boolean> {
    let at = 0;
    for (const { end, start } of [...(await this.missing(of)), { start: of.sizeBytes, end: 0 }]) {
      if (at < start && !(await this.#isSame(of, { start: at, end: start }))) return false;
      at = end;
    }
    return true;
  }

  async #isSame(of: UploadOf, range: Range): Promise<boolean> {
    const mine = await this.read(of, range);
    if (mine === null) return true;
    const [one, other] = [createHash("sha256"), createHash("sha256")];
    for await (const chunk of mine) one.update(chunk);
    for await (const chunk of this.#blobs.read(of.hash, range)) other.update(chunk);
    return one.digest("hex") === other.digest("hex");
  }

  /** Makes the blob. Throws `conflict` when ranges are missing, and `data-lost` when the whole is
   *  not what its name says: then it is gone. */
  async finish(of: UploadOf): Promise<BlobPut> {
    const name = this.#nameOf(of);
    const upload = await this.#opened(of);
    if (upload.missing().length > 0) {
      const text = `parts of ${of.hash.slice(0, 12)} have not arrived; send what is missing`;
      throw new ClusterError("conflict", text);
    }
    let isWrong = false;
    try {
      return await upload.finish(() => this.#keep(upload.path, of.hash));
    } catch (error) {
      isWrong = isDataLost(error);
      throw error;
    } finally {
      this.#open.delete(name);
      this.changed(of, isWrong);
    }
  }

  #keep(path: string, expect: Hash): Promise<BlobPut> {
    if (this.#blobs.adopt !== undefined) return this.#blobs.adopt(path, expect, true);
    return this.#blobs.put(fileChunks(path), { expect, ranges: true });
  }

  #nameOf({ hash, owner, sizeBytes }: UploadOf): string {
    checkHash(hash);
    if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) {
      throw new ClusterError("bad-request", "sizeBytes is a whole number of at least 0");
    }
    if (sizeBytes > this.#options.sizeMaxBytes) throw blobTooLarge(this.#options.sizeMaxBytes);
    const key = createHash("sha256").update(owner).digest("hex").slice(0, 16);
    return `${prefix}${key}-${hash}.${sizeBytes}`;
  }

  #opened(of: UploadOf): Promise<StagedUpload> {
    const name = this.#nameOf(of);
    const known = this.#open.get(name);
    if (known !== undefined) return known;
    const opening = this.#make(name, of);
    this.#open.set(name, opening);
    opening.catch(() => this.#open.delete(name));
    return opening;
  }

  async #make(name: string, of: UploadOf): Promise<StagedUpload> {
    const found = await this.#found(name, of);
    if (found !== null) return found;
    await this.#makeRoom();
    return StagedUpload.create(join(this.#directory, name), of);
  }

  async #found(name: string, of: UploadOf): Promise<StagedUpload | null> {
    return StagedUpload.open(join(this.#directory, name), of);
  }

  /** Removes what is too old, and then what is idle if there are too many. */
  async #makeRoom(): Promise<void> {
    const { idleMs, keepMs, uploadsMax } = this.#options;
    const left: Array<{ readonly name: string; readonly idleMs: number }> = [];
    for (const name of await readdir(this.#directory)) {
      if (!name.startsWith(prefix) || name.endsWith(journalEnd)) continue;
      const found = await stat(join(this.#directory, name)).catch(() => null);
      if (found === null) continue;
      const restMs = Date.now() - found.mtimeMs;
      if (restMs > keepMs) await this.#remove(name);
      else left.push({ name, idleMs: restMs });
    }
    left.sort((one, other) => other.idleMs - one.idleMs);
    for (const one of left.slice(0, Math.max(0, left.length + 1 - uploadsMax))) {
      if (one.idleMs < idleMs) {
        const text = `${uploadsMax} uploads are in progress; try again when one has ended`;
        throw new ClusterError("unavailable", text);
      }
      await this.#remove(one.name);
    }
  }

  async #remove(name: string): Promise<void> {
    this.#open.delete(name);
    await removeUpload(join(this.#directory, name));
  }
}

/** Another than that of versions whose unit was longer: theirs is not read. */
const journalEnd = ".has";

async function removeUpload(path: string): Promise<void> {
  await rm(path, { force: true });
  await rm(path + journalEnd, { force: true });
}

class StagedUpload {
  readonly path: string;
  readonly #of: UploadOf;
  /** One byte a unit: 1 = it is there. */
  readonly #has: Uint8Array;
  readonly #writing = new Set<Promise<unknown>>();
  /** From when it becomes a blob, whose bytes no late range may change. */
  #isSealed = false;
  #finishing: Promise<BlobPut> | null = null;

  private constructor(path: string, of: UploadOf) {
    this.path = path;
    this.#of = of;
    this.#has = new Uint8Array(Math.ceil(of.sizeBytes / unitBytes));
  }

  static async create(path: string, of: UploadOf): Promise<StagedUpload> {
    try {
      await rm(path + journalEnd, { force: true });
      const file = await open(path, "w", 0o600);
      await file.truncate(of.sizeBytes).finally(() => file.close());
    } catch (error) {
      throw storageFailure(error, path);
    }
    return new StagedUpload(path, of);
  }

  /** Null when there is none. */
  static async open(path: string, of: UploadOf): Promise<StagedUpload | null> {
    try {
      if ((await stat(path)).size !== of.sizeBytes) return null;
      const upload = new StagedUpload(path, of);
      const journal = await readFile(path + journalEnd).catch(noneThere);
      for (let at = 0; at + entryBytes <= journal.byteLength; at += entryBytes) {
        upload.#mark(journal.readUInt32LE(at), journal.readUInt32LE(at + 4));
      }
      return upload;
    } catch (error) {
      if (systemCode(error) === "ENOENT") return null;
      throw storageFailure(error, path);
    }
  }

  missing(): Range[] {
    const ranges: Array<{ start: number; end: number }> = [];
    for (const [unit, has] of this.#has.entries()) {
      if (has === 1) continue;
      const start = unit * unitBytes;
      const end = Math.min(start + unitBytes, this.#of.sizeBytes);
      const last = ranges.at(-1);
      if (last?.end === start) last.end = end;
      else ranges.push({ start, end });
    }
    return ranges;
  }

  async write(start: number, chunks: AsyncIterable<Uint8Array>, expect: Hash): Promise<void> {
    const { sizeBytes } = this.#of;
    checkHash(expect);
    if (!Number.isSafeInteger(start) || start < 0 || start >= sizeBytes || start % unitBytes > 0) {
      throw badRange(`a range begins at a multiple of ${unitBytes} below ${sizeBytes}`);
    }
    const file = await onDisk(open(this.path, "r+"), this.path);
    try {
      const end = await this.#receive(file, { start, chunks, expect });
      const first = start / unitBytes;
      const count = Math.ceil((end - start) / unitBytes);
      await onDisk(this.#noteDown(first, count), this.path);
      this.#mark(first, count);
    } finally {
      await file.close();
    }
  }

  read(range: Range): AsyncIterable<Uint8Array> {
    const units = this.#has.subarray(
      Math.floor(range.start / unitBytes),
      Math.ceil(range.end / unitBytes),
    );
    if (!units.includes(0)) return rangeOf(this.path, range);
    throw new ClusterError("unavailable", "this part of the input has not arrived yet; try again");
  }

  /** Where the range ends. */
  async #receive(
    file: FileHandle,
    { start, chunks, expect }: { start: number; chunks: AsyncIterable<Uint8Array>; expect: Hash },
  ): Promise<number> {
    const { sizeBytes } = this.#of;
    const hash = createHash("sha256");
    let at = start;
    for await (const chunk of chunks) {
      if (at + chunk.byteLength > sizeBytes) throw badRange(`it ends after ${sizeBytes} bytes`);
      hash.update(chunk);
      for (let from = 0; from < chunk.byteLength; ) {
        if (this.#isSealed) throw tooLate();
        const rest = chunk.byteLength - from;
        const { bytesWritten } = await this.#write(file.write(chunk, from, rest, at));
        from += bytesWritten;
        at += bytesWritten;
      }
    }
    if (at === start || (at !== sizeBytes && at % unitBytes > 0)) {
      throw badRange(`a range ends at a multiple of ${unitBytes}, or at the end`);
    }
    const found = hash.digest("hex");
    if (found !== expect) throw wrongBytes(expect, found);
    return at;
  }

  async #write<T>(work: Promise<T>): Promise<T> {
    const written = onDisk(work, this.path);
    this.#writing.add(written);
    return written.finally(() => this.#writing.delete(written));
  }

  /** One at a time, shared by all that ask. */
  finish(adopt: () => Promise<BlobPut>): Promise<BlobPut> {
    this.#finishing ??= this.#finish(adopt).finally(() => {
      this.#finishing = null;
    });
    return this.#finishing;
  }

  async #finish(adopt: () => Promise<BlobPut>): Promise<BlobPut> {
    this.#isSealed = true;
    try {
      await Promise.allSettled(this.#writing);
      const put = await adopt();
      await removeUpload(this.path);
      return put;
    } catch (error) {
      // Whatever is wrong with it, only sending it again can help.
      if (isDataLost(error)) {
        this.#has.fill(0);
        await removeUpload(this.path);
      }
      throw error;
    }
  }

  /** After the bytes: a process that ends in between has them sent again. */
  async #noteDown(first: number, count: number): Promise<void> {
    const entry = Buffer.alloc(entryBytes);
    entry.writeUInt32LE(first, 0);
    entry.writeUInt32LE(count, 4);
    const journal = await open(this.path + journalEnd, "a", 0o600);
    await journal.write(entry).finally(() => journal.close());
  }

  #mark(first: number, count: number): void {
    this.#has.fill(1, first, Math.min(this.#has.length, first + count));
  }
}

function isDataLost(error: unknown): boolean {
  return error instanceof ClusterError && error.code === "data-lost";
}

async function* rangeOf(path: string, range: Range): AsyncGenerator<Uint8Array> {
  const file = await onDisk(open(path, "r"), path);
  try {
    yield* chunksOf(file, range, path);
  } finally {
    await file.close();
  }
}

function noneThere(error: unknown): Buffer {
  if (systemCode(error) === "ENOENT") return Buffer.alloc(0);
  throw error;
}

function badRange(text: string): ClusterError {
  return new ClusterError("bad-request", `this is no range of the upload: ${text}`);
}

function tooLate(): ClusterError {
  return new ClusterError("unavailable", "the upload is whole already; ask what is missing");
}

async function onDisk<T>(work: Promise<T>, path: string): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw storageFailure(error, path);
  }
}
