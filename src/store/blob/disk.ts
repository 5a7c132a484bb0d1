/** Blobs as files: `ab/cd/<hash>.<size>`, whole and durable before they have that name.
 *
 *  The size in the name makes a cut-off file visible without reading it. Bytes arrive in `part/`,
 *  on the same file system, are synced, renamed, and then their directory is synced. */
import { readdirSync, statSync } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { ClusterError } from "../../core/error.ts";
import type { Hash } from "../../core/ids.ts";
import { makeDirectory, syncDirectory } from "../directory.ts";
import { hit } from "../failpoint.ts";
import { placeFailure, storageFailure, systemCode } from "../failure.ts";
import type { BlobPut, Blobs, PutOptions } from "./blob.ts";
import { fileChunks, linkFile, sealFile } from "./disk-adopt.ts";
import { checkFileSize, readBlob, readRange } from "./disk-read.ts";
import { receive } from "./disk-write.ts";
import { layerPath, PieceLayers } from "./pieces.ts";
import * as rules from "./rules.ts";
import { sweepTemporary, temporaryName } from "./temporary.ts";

export type DiskBlobsOptions = {
  /** Largest blob, whatever a `put` allows; default 1 TiB. */
  readonly blobMaxBytes?: number;
  /** Unfinished files of other machines are removed when untouched for this long; default 24 h. */
  readonly partAgeMaxMs?: number;
};

export type DiskBlobs = Blobs & {
  /** Adopts a finished file by hard link, without a copy where the file system can. From then on
   *  the file must not be written to; its own name may be removed. It is read once, even when the
   *  caller hashed what it wrote: the disk may have changed the bytes. `ranges` as of `put`. Throws
   *  as `put` does, and `not-found`. */
  adopt(path: string, expect?: Hash, ranges?: boolean): Promise<BlobPut>;
};

/** Places of blobs that are cached. */
const seenMax = 1_000;

/** Opens or creates a store; several processes may share one. */
export async function openDiskBlobs(
  directory: string,
  options: DiskBlobsOptions = {},
): Promise<DiskBlobs> {
  const { blobMaxBytes = 2 ** 40, partAgeMaxMs = 24 * 3600 * 1000 } = options;
  rules.checkSizeMax(blobMaxBytes);
  const root = resolve(directory);
  makeDirectory(join(root, "part"));
  try {
    hit("blob.sweep", "before");
    await sweepTemporary(join(root, "part"), partAgeMaxMs);
    hit("blob.sweep", "after");
  } catch (error) {
    throw placeFailure(error, root);
  }
  return new DiskStore(root, blobMaxBytes, true);
}

/** A read-only view of a store: creates nothing and sweeps nothing. */
export function viewDiskBlobs(directory: string): BlobView {
  return new DiskStore(resolve(directory), 2 ** 40, false);
}

export type BlobView = Pick<Blobs, "size" | "read" | "list"> & {
  /** As `read` of a whole blob, for a consumer that copies: a chunk is overwritten when the second
   *  after it is asked for. */
  lend(hash: Hash): AsyncIterable<Uint8Array>;
};

class DiskStore implements DiskBlobs, BlobView {
  readonly #root: string;
  readonly #blobMaxBytes: number;
  /** Directories that this process created or found durable; at most 65,792. */
  readonly #durable = new Map<string, Promise<void>>();
  /** Where blobs were found; they may be gone. */
  readonly #seen = new Map<Hash, rules.BlobFile>();
  readonly #layers: PieceLayers;
  /** Files that were found damaged, by their inode: a blob that is put again has another. */
  readonly #damaged = new Map<Hash, number>();
  #closed = false;

  constructor(root: string, blobMaxBytes: number, mayWrite: boolean) {
    this.#root = root;
    this.#layers = new PieceLayers(mayWrite ? () => this.#part() : null);
    this.#blobMaxBytes = blobMaxBytes;
  }

  async put(
    chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    options: PutOptions = {},
  ): Promise<BlobPut> {
    this.#mustBeOpen();
    const { expect, ranges = false, sizeMaxBytes = this.#blobMaxBytes } = options;
    rules.checkSizeMax(sizeMaxBytes);
    if (expect !== undefined) rules.checkHash(expect);
    const part = this.#part();
    try {
      const most = Math.min(sizeMaxBytes, this.#blobMaxBytes);
      const { hash, layer, sizeBytes } = await receive(part, chunks, {
        sizeMaxBytes: most,
        ranges,
      });
      const path = await this.#publish(part, { hash, sizeBytes }, expect);
      await this.#layers.keep({ path, hash, sizeBytes }, layer);
      return { hash, sizeBytes };
    } finally {
      await rm(part, { force: true });
    }
  }

  async adopt(path: string, expect?: Hash, ranges = false): Promise<BlobPut> {
    this.#mustBeOpen();
    if (expect !== undefined) rules.checkHash(expect);
    const part = this.#part();
    try {
      if (!(await linkFile(path, part))) {
        const options = { ranges, ...(expect === undefined ? {} : { expect }) };
        return await this.put(fileChunks(path), options);
      }
      const { hash, layer, sizeBytes } = await sealFile(part, ranges);
      if (sizeBytes > this.#blobMaxBytes) throw rules.blobTooLarge(this.#blobMaxBytes);
      const blobPath = await this.#publish(part, { hash, sizeBytes }, expect);
      await this.#layers.keep({ path: blobPath, hash, sizeBytes }, layer);
      return { hash, sizeBytes };
    } finally {
      await rm(part, { force: true });
    }
  }

  async size(hash: Hash): Promise<number | null> {
    // The same blobs are requested again and again, so the directory need not be read each time.
    const known = this.#seen.get(hash);
    if (known !== undefined && this.#isThere(known)) return known.sizeBytes;
    this.#seen.delete(hash);
    const blob = this.#find(hash);
    if (blob === null || !this.#isThere(blob)) return null;
    if (this.#seen.size >= seenMax) this.#seen.clear();
    this.#seen.set(hash, blob);
    return blob.sizeBytes;
  }

  /** Synchronous: the answer is in memory, and the thread pool may be busy with a slow disk. */
  #isThere(blob: rules.BlobFile): boolean {
    this.#mustBeOpen();
    try {
      const found = statSync(blob.path, { throwIfNoEntry: false });
      if (found === undefined) return false;
      checkFileSize(blob, found.size);
      if (this.#damaged.get(blob.hash) === found.ino) {
        throw rules.damagedBlob(blob.hash, "as a reader has found");
      }
      return true;
    } catch (error) {
      throw storageFailure(error, `blob ${blob.hash}`);
    }
  }

  read(hash: Hash, range?: rules.Range): AsyncGenerator<Uint8Array> {
    return this.#read(hash, (blob) => {
      if (range === undefined) return readBlob(blob);
      return readRange(blob, range, (of) => this.#layers.of(of, () => readBlob(of)));
    });
  }

  lend(hash: Hash): AsyncGenerator<Uint8Array> {
    return this.#read(hash, (blob) => readBlob(blob, true));
  }

  async *#read(
    hash: Hash,
    chunks: (blob: rules.BlobFile) => AsyncGenerator<Uint8Array>,
  ): AsyncGenerator<Uint8Array> {
    const blob = this.#find(hash);
    if (blob === null) throw rules.missingBlob(hash);
    try {
      yield* chunks(blob);
    } catch (error) {
      if (error instanceof ClusterError && error.code === "data-lost") this.#foundDamaged(blob);
      throw error;
    }
  }

  #foundDamaged({ hash, path }: rules.BlobFile): void {
    if (this.#damaged.size >= seenMax) this.#damaged.clear();
    this.#damaged.set(hash, statSync(path, { throwIfNoEntry: false })?.ino ?? 0);
  }

  /** A rename updates the file's change time, and nothing else does. */
  async storedAtMs(hash: Hash): Promise<number | null> {
    const blob = this.#find(hash);
    if (blob === null) return null;
    return statSync(blob.path, { throwIfNoEntry: false })?.ctimeMs ?? null;
  }

  async delete(hash: Hash): Promise<void> {
    const blob = this.#find(hash);
    if (blob === null) return;
    try {
      hit("blob.delete", "before");
      await rm(blob.path, { force: true });
      hit("blob.delete", "after");
      this.#layers.forget(hash);
      await rm(layerPath(blob.path, hash), { force: true });
    } catch (error) {
      throw storageFailure(error, `blob ${hash}`);
    }
  }

  async *list(): AsyncGenerator<Hash> {
    this.#mustBeOpen();
    for (const upper of await this.#directories(this.#root)) {
      for (const lower of await this.#directories(upper)) {
        for (const name of await namesIn(lower)) {
          const blob = parseName(lower, name);
          if (blob !== null) yield blob.hash;
        }
      }
    }
  }

  path(hash: Hash): string | null {
    return this.#find(hash)?.path ?? null;
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #part(): string {
    return join(this.#root, "part", temporaryName());
  }

  #bucket(hash: Hash): string {
    return join(this.#root, hash.slice(0, 2), hash.slice(2, 4));
  }

  /** Gives a synced file its name, and returns its path. Replaces an older one of the same name,
   *  which repairs it if it was damaged. */
  async #publish(part: string, put: BlobPut, expect?: Hash): Promise<string> {
    if (expect !== undefined && expect !== put.hash) throw rules.wrongBytes(expect, put.hash);
    const bucket = this.#bucket(put.hash);
    const path = join(bucket, `${put.hash}.${put.sizeBytes}`);
    try {
      await this.#makeDurable(join(bucket, ".."));
      await this.#makeDurable(bucket);
      hit("blob.rename", "before");
      await rename(part, path);
      hit("blob.rename", "after");
      hit("blob.directory-sync", "before");
      await syncDirectory(bucket);
      hit("blob.directory-sync", "after");
      return path;
    } catch (error) {
      throw storageFailure(error, `blob ${put.hash}`);
    }
  }

  /** Makes a directory once; a second caller waits until the first one's is durable. */
  #makeDurable(directory: string): Promise<void> {
    const known = this.#durable.get(directory);
    if (known !== undefined) return known;
    const making = (async () => {
      try {
        hit("blob.bucket", "before");
        await mkdir(directory, { recursive: true, mode: 0o700 });
        hit("blob.bucket", "after");
        hit("blob.bucket-sync", "before");
        await syncDirectory(join(directory, ".."));
        hit("blob.bucket-sync", "after");
      } catch (error) {
        this.#durable.delete(directory);
        throw error;
      }
    })();
    this.#durable.set(directory, making);
    return making;
  }

  /** Synchronous, as `path` is: a bucket holds a handful of names. */
  #find(hash: Hash): rules.BlobFile | null {
    this.#mustBeOpen();
    rules.checkHash(hash);
    const bucket = this.#bucket(hash);
    let names: string[];
    try {
      names = readdirSync(bucket);
    } catch (error) {
      if (systemCode(error) === "ENOENT") return null;
      throw storageFailure(error, `blob ${hash}`);
    }
    const name = names.find((candidate) => candidate.startsWith(`${hash}.`));
    return name === undefined ? null : parseName(bucket, name);
  }

  async #directories(above: string): Promise<string[]> {
    const names = await namesIn(above);
    return names.filter((name) => /^[0-9a-f]{2}$/.test(name)).map((name) => join(above, name));
  }

  #mustBeOpen(): void {
    if (this.#closed) throw rules.closedBlobs(`the blob store ${this.#root}`);
  }
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    throw storageFailure(error, directory);
  }
}

function parseName(bucket: string, name: string): rules.BlobFile | null {
  const parts = /^([0-9a-f]{64})\.([0-9]{1,16})$/.exec(name);
  if (parts === null) return null;
  return { path: join(bucket, name), hash: parts[1] as Hash, sizeBytes: Number(parts[2]) };
}
