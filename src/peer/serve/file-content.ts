/** A file that is shared where it lies: nothing is copied, and a byte leaves only while the file is
 *  the one that was hashed. */
import { closeSync, constants, openSync, readSync } from "node:fs";
import { ClusterError } from "../../core/error.ts";
import type { Hash } from "../../core/ids.ts";
import type { FileAttributes } from "../../wire/p4/data.ts";
import { hashBytes, hashOf, pieceBytesOf, sameBytes } from "../../wire/p4/merkle.ts";
import { sha256 } from "../hashing/sha256.ts";
import type { Content } from "./content.ts";
import type { Descriptors } from "./descriptors.ts";
import { isFresh, type Stamp, sameStamp, stampOf } from "./stamp.ts";

export type HashedFile = {
  /** Absolute, without symbolic links. */
  readonly path: string;
  readonly stamp: Stamp;
  readonly root: Hash;
  readonly layer: Uint8Array;
  /** When it was hashed, ms since the epoch. */
  readonly hashedAtMs: number;
};

export class FileContent implements Content {
  readonly name: string;
  readonly file: HashedFile;
  readonly #descriptors: Descriptors;
  readonly #onChanged: (content: FileContent) => void;
  /** The file was modified so shortly before it was hashed that each piece is hashed again before
   *  it leaves. */
  readonly isInDoubt: boolean;

  constructor(
    name: string,
    file: HashedFile,
    around: { readonly descriptors: Descriptors; onChanged(content: FileContent): void },
  ) {
    this.name = name;
    this.file = file;
    this.#descriptors = around.descriptors;
    this.#onChanged = around.onChanged;
    this.isInDoubt = isFresh(file.stamp, file.hashedAtMs);
  }

  get root(): Hash {
    return this.file.root;
  }

  get path(): string {
    return this.file.path;
  }

  get sizeBytes(): number {
    return this.file.stamp.sizeBytes;
  }

  get layer(): Uint8Array {
    return this.file.layer;
  }

  get attributes(): FileAttributes {
    const { isExecutable, mtimeNs } = this.file.stamp;
    return { modifiedUs: Math.max(0, Number(BigInt(mtimeNs) / 1_000n)), isExecutable };
  }

  /** True while the path leads to the file that was hashed. */
  isCurrent(): boolean {
    return sameStamp(stampOf(this.file.path), this.file.stamp);
  }

  /** All of it; throws when the file has changed. */
  have() {
    const count = this.layer.length / hashBytes;
    if (!this.isCurrent()) this.#changed();
    return count === 0 ? [] : [{ first: 0, count }];
  }

  async read(position: number, into: Uint8Array): Promise<void> {
    try {
      await this.#descriptors.use(this.file.path, async (file) => {
        for (let filled = 0; filled < into.length; ) {
          const left = into.length - filled;
          const { bytesRead } = await file.read(into, filled, left, position + filled);
          if (bytesRead === 0) this.#changed();
          filled += bytesRead;
        }
        // Checked after the bytes were read: an earlier change is noticed, a later one does not
        // matter.
        if (!sameStamp(stampOf(file.fd), this.file.stamp)) this.#changed();
      });
    } catch (error) {
      if (error instanceof ClusterError) throw error;
      this.#changed(error);
    }
    if (this.isInDoubt) this.#verify(position, into);
  }

  /** All of it, read on the calling thread: opening, reading and closing a small file takes less
   *  than the promises of that. Throws as `read` does. */
  readNow(): Uint8Array {
    const into = Buffer.allocUnsafe(this.sizeBytes);
    let descriptor = -1;
    try {
      descriptor = openSync(this.file.path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
      for (let filled = 0; filled < into.length; ) {
        const count = readSync(descriptor, into, filled, into.length - filled, filled);
        if (count === 0) this.#changed();
        filled += count;
      }
      if (!sameStamp(stampOf(descriptor), this.file.stamp)) this.#changed();
    } catch (error) {
      if (error instanceof ClusterError) throw error;
      this.#changed(error);
    } finally {
      if (descriptor >= 0) closeSync(descriptor);
    }
    if (this.isInDoubt) this.#verify(0, into);
    return into;
  }

  #verify(position: number, bytes: Uint8Array): void {
    const pieceBytes = pieceBytesOf(this.sizeBytes);
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      const piece = (position + at) / pieceBytes;
      const view = bytes.subarray(at, at + pieceBytes);
      if (!sameBytes(sha256(view), hashOf(this.layer, piece))) this.#changed();
    }
  }

  #changed(cause?: unknown): never {
    this.#descriptors.drop(this.file.path);
    this.#onChanged(this);
    throw new ClusterError(
      "data-lost",
      `${this.name} has changed since it was shared; it is being hashed again, so try again`,
      { cause },
    );
  }
}
