/** A file that only takes up space: deleted when the disk is full, so that snapshot and trim still
 *  work. */
import { randomFillSync } from "node:crypto";
import { closeSync, openSync, rmSync, statfsSync, statSync, writeSync } from "node:fs";
import { hit } from "../failpoint.ts";
import { isFull } from "../failure.ts";

const chunkBytes = 1 << 20;

export class Ballast {
  readonly #path: string;
  readonly #sizeBytes: number;

  constructor(path: string, sizeBytes: number) {
    this.#path = path;
    this.#sizeBytes = sizeBytes;
  }

  release(): void {
    rmSync(this.#path, { force: true });
  }

  /** True when the ballast exists, or there was ample room to create it. */
  ensure(): boolean {
    if (this.#sizeBytes === 0) return true;
    const found = statSync(this.#path, { throwIfNoEntry: false });
    if (found?.size === this.#sizeBytes) return true;
    this.release();
    try {
      const descriptor = openSync(this.#path, "wx", 0o600);
      try {
        if (this.#room()) return this.#fill(descriptor);
      } finally {
        closeSync(descriptor);
      }
    } catch (error) {
      if (!isFull(error)) throw error;
    }
    this.release();
    return false;
  }

  /** Checked first, so that a full disk costs one call and not a file. As much again must stay
   *  free; otherwise the next record might not fit, and the ballast would be created and deleted
   *  for each. */
  #room(): boolean {
    const system = statfsSync(this.#path);
    return system.bavail * system.bsize >= 2 * this.#sizeBytes;
  }

  /** Random bytes, which no file system can compress. */
  #fill(descriptor: number): true {
    const chunk = randomFillSync(Buffer.alloc(Math.min(chunkBytes, this.#sizeBytes)));
    for (let written = 0; written < this.#sizeBytes; ) {
      const length = Math.min(chunk.byteLength, this.#sizeBytes - written);
      hit("log.ballast", "before");
      written += writeSync(descriptor, chunk, 0, length, written);
      hit("log.ballast", "after");
    }
    return true;
  }
}
