/** Takes the SHA-256 of a segment while it is read from its start to its end: what is merged is
 *  what its manifest names, whatever the disk has made of it meanwhile.
 *
 *  The end of a segment is read first, since it says how large blocks are; it is hashed last. */
import { createHash } from "node:crypto";
import { damaged } from "../../wire/block/arena.ts";

export type Hashed = {
  readonly path: string;
  readonly sizeBytes: number;
  /** Lowercase hex. Absent: written by this very attempt, and nothing to compare with. */
  readonly sha256?: string;
};

export class SegmentHash {
  readonly #of: Hashed;
  readonly #digest = createHash("sha256");
  #next = 0;
  #ahead: Uint8Array = new Uint8Array(0);
  #aheadAt = 0;

  constructor(of: Hashed) {
    this.#of = of;
  }

  /** `bytes` were read at `at` of the segment. Throws `DamagedBytes` with the last of them. */
  add(bytes: Uint8Array, at: number): void {
    if (at !== this.#next) {
      // Read again after a look at the start, or before its turn.
      if (at > this.#next) [this.#ahead, this.#aheadAt] = [bytes.slice(), at];
      return;
    }
    this.#digest.update(bytes);
    this.#next += bytes.length;
    const known = this.#next - this.#aheadAt;
    if (known >= 0 && known < this.#ahead.length) {
      this.#digest.update(this.#ahead.subarray(known));
      this.#next += this.#ahead.length - known;
    }
    const { path, sha256, sizeBytes } = this.#of;
    if (this.#next < sizeBytes) return;
    if (this.#digest.digest("hex") !== sha256) throw damaged(`${path} has other bytes`);
  }
}
