/** A file that is being downloaded: its bytes under a hidden name beside the target, its journal,
 *  and at the end the one step by which it gets its name.
 *
 *  Kept when a download is interrupted. Only the holder of the target's lock may open it. */
import { createHash } from "node:crypto";
import { closeSync, fdatasync, fstatSync, ftruncateSync, openSync, statfsSync } from "node:fs";
import { link, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { ClusterError } from "../../core/error.ts";
import type { Hash } from "../../core/ids.ts";
import { syncDirectory } from "../../store/directory.ts";
import { hit } from "../../store/failpoint.ts";
import { systemCode } from "../../store/failure.ts";
import type { FileAttributes, PieceRun } from "../../wire/p4/data.ts";
import {
  hashOf,
  pieceBytesOf,
  pieceCountOf,
  pieceLength,
  sameBytes,
} from "../../wire/p4/merkle.ts";
import type { HashPool } from "../hashing/pool.ts";
import { zeroHash } from "../hashing/sha256.ts";
import { setAttributes } from "./attributes.ts";
import { Bits } from "./bits.ts";
import { downloadAgain, downloadFailure } from "./full-disk.ts";
import { Journal } from "./journal.ts";
import { unchangedPieces } from "./resume.ts";

export type Shape = {
  readonly root: Hash;
  readonly sizeBytes: number;
  readonly layer: Uint8Array;
};

/** Bytes, or ms, after which the journal is brought up to date at the latest; pieces not yet in it
 *  are fetched again after a kill. */
const syncBytes = 256 * 1024 * 1024;
const syncMs = 1_000;
const runsMax = 65_536;
const sync = promisify(fdatasync);

export class PartialFile {
  readonly descriptor: number;
  /** Pieces whose verified bytes are in the file. */
  readonly done: Bits;
  /** Count of pieces that an earlier process left and that are still correct. */
  readonly resumed: number;
  readonly #target: string;
  readonly #shape: Shape;
  readonly #journal: Journal;
  #noted: number[] = [];
  #syncing: Promise<void> | null = null;
  #syncedAtMs = performance.now();
  #failure: unknown = null;

  private constructor(
    target: string,
    shape: Shape,
    opened: { descriptor: number; journal: Journal; done: Bits; resumed: number },
  ) {
    this.#target = target;
    this.#shape = shape;
    this.descriptor = opened.descriptor;
    this.#journal = opened.journal;
    this.done = opened.done;
    this.resumed = opened.resumed;
  }

  /** `pool` hashes what an earlier process left. */
  static async open(target: string, shape: Shape, pool: HashPool): Promise<PartialFile> {
    const names = partialNames(target, shape.root);
    let descriptor = -1;
    try {
      descriptor = openKept(names.part);
      const stats = fstatSync(descriptor, { bigint: true });
      const inode = `${stats.dev}:${stats.ino}`;
      const subject = { root: shape.root, sizeBytes: shape.sizeBytes, inode };
      const left = new Bits(pieceCountOf(shape.sizeBytes));
      const isKept = Number(stats.size) === shape.sizeBytes;
      const kept = isKept ? Journal.read(names.journal, subject) : [];
      for (const run of kept) left.addRun(run);
      // Without a journal the bytes have no meaning: start with an empty file, all holes.
      if (kept.length === 0) ftruncateSync(descriptor, 0);
      ftruncateSync(descriptor, shape.sizeBytes);
      const claimed = new Bits(left.length);
      for (const run of left.runs(runsMax)) claimed.addRun(run);
      addHoles(claimed, shape);
      const isNew = kept.length === 0;
      const done = isNew ? claimed : await unchangedPieces(claimed, { descriptor, pool, ...shape });
      const resumed = countBoth(left, done);
      checkSpace(target, shape, done);
      const journal = await Journal.create(names.journal, subject, done.runs(runsMax));
      return new PartialFile(target, shape, { descriptor, journal, done, resumed });
    } catch (error) {
      if (descriptor >= 0) closeSync(descriptor);
      throw downloadFailure(error, target);
    }
  }

  /** Call when the piece is verified and written. Throws the error of an earlier sync. */
  note(piece: number): void {
    if (this.#failure !== null) throw downloadFailure(this.#failure, this.#target);
    this.#noted.push(piece);
    const isMuch = this.#noted.length * pieceBytesOf(this.#shape.sizeBytes) >= syncBytes;
    if (this.#syncing !== null) return;
    if (!isMuch && performance.now() - this.#syncedAtMs < syncMs) return;
    this.#syncing = this.flush()
      .catch((error) => {
        this.#failure = error;
      })
      .finally(() => {
        this.#syncing = null;
        this.#syncedAtMs = performance.now();
      });
  }

  /** What was noted before the call is durable afterwards, and so is its journal. */
  async flush(): Promise<void> {
    const pieces = this.#noted;
    if (pieces.length === 0) return;
    this.#noted = [];
    hit("download.sync", "before");
    await sync(this.descriptor);
    hit("download.sync", "after");
    await this.#journal.append(runsOf(pieces));
  }

  /** Gives the complete file its name. `replaces`: an existing file of that name is replaced;
   *  `attributes`: null = none are known. */
  async land(replaces: boolean, attributes: FileAttributes | null): Promise<void> {
    const names = partialNames(this.#target, this.#shape.root);
    await this.#syncing;
    this.#noted = [];
    try {
      if (attributes !== null) setAttributes(this.descriptor, attributes);
      hit("download.seal", "before");
      await sync(this.descriptor);
      hit("download.seal", "after");
      hit("download.rename", "before");
      if (replaces) await rename(names.part, this.#target);
      else await moveToFree(names.part, this.#target);
      hit("download.rename", "after");
      hit("download.directory-sync", "before");
      await syncDirectory(dirname(this.#target));
      hit("download.directory-sync", "after");
      await rm(names.journal, { force: true });
    } catch (error) {
      throw downloadFailure(error, this.#target);
    }
  }

  /** Leaves file and journal for the next attempt; after `land` only the descriptor is left. */
  async close(): Promise<void> {
    await this.#syncing;
    try {
      if (this.#failure === null) await this.flush();
    } finally {
      this.#journal.close();
      closeSync(this.descriptor);
    }
  }
}

export function partialNames(target: string, root: Hash): { part: string; journal: string } {
  const digest = createHash("sha256")
    .update(`${basename(target)}\n${root}`)
    .digest("hex");
  const name = join(dirname(target), `.tequio-${digest.slice(0, 24)}`);
  return { part: `${name}.part`, journal: `${name}.journal` };
}

function countBoth(some: Bits, others: Bits): number {
  let count = 0;
  for (let piece = 0; piece < some.length; piece++) {
    if (some.has(piece) && others.has(piece)) count++;
  }
  return count;
}

function openKept(path: string): number {
  try {
    return openSync(path, "r+");
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error;
    return openSync(path, "wx+", 0o666);
  }
}

/** Pieces of zeros are there already: the file has holes where nothing was written. */
function addHoles(done: Bits, { sizeBytes, layer }: Shape): void {
  const hole = zeroHash(pieceBytesOf(sizeBytes));
  const last = done.length - 1;
  for (let piece = 0; piece < last; piece++) {
    if (!done.has(piece) && sameBytes(hashOf(layer, piece), hole)) done.add(piece);
  }
  if (last < 0 || done.has(last)) return;
  const end = zeroHash(pieceLength(sizeBytes, last));
  if (sameBytes(hashOf(layer, last), end)) done.add(last);
}

function checkSpace(target: string, { sizeBytes }: Shape, done: Bits): void {
  const { bavail, bsize } = statfsSync(dirname(target));
  const needBytes = (done.length - done.count) * pieceBytesOf(sizeBytes);
  const freeBytes = bavail * bsize;
  if (freeBytes >= Math.min(needBytes, sizeBytes)) return;
  throw new ClusterError(
    "storage-full",
    `${target} needs ${needBytes} more bytes, the disk has ${freeBytes}; ${downloadAgain}`,
  );
}

/** Fails when the name is taken, even if it was taken a moment ago. */
async function moveToFree(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (systemCode(error) === "EEXIST") {
      throw new ClusterError("conflict", `${to} has appeared meanwhile; use --overwrite`);
    }
    // File systems without hard links.
    await rename(from, to);
    return;
  }
  await rm(from, { force: true });
}

function runsOf(pieces: readonly number[]): PieceRun[] {
  const runs: Array<{ first: number; count: number }> = [];
  for (const piece of [...pieces].sort((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last !== undefined && last.first + last.count === piece) last.count += 1;
    else runs.push({ first: piece, count: 1 });
  }
  return runs;
}
