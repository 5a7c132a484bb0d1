/** Memory for received pieces: a few larger buffers that are reused, since allocating megabytes for
 *  every piece would cost more than hashing them. They are transferred to the hashing threads and
 *  back; shared memory was measured to be slower to fill. */
import { pieceMaxBytes } from "../../wire/p4/merkle.ts";

/** Some large pieces or many small ones: one batch of a hashing thread. */
const slabBytes = 4 * pieceMaxBytes + 64 * 1024;
const spareMax = 16;
/** More than the head of any message. */
const headBytes = 64;

export type SpareSlabs = ArrayBuffer[];

export function giveBack(spare: SpareSlabs, slab: ArrayBuffer): void {
  if (slab.byteLength === slabBytes && spare.length < spareMax) spare.push(slab);
}

/** Hands out parts of slabs in order; a slab that is passed on is never written to again. */
export class Slabs {
  readonly #spare: SpareSlabs;
  readonly #sizeBytes: number;
  #slab: ArrayBuffer | null = null;
  #used = 0;

  /** For a run of this many pieces. */
  constructor(spare: SpareSlabs, run: { readonly count: number; readonly pieceBytes: number }) {
    this.#spare = spare;
    this.#sizeBytes = Math.min(slabBytes, run.count * (run.pieceBytes + headBytes));
  }

  allocate(lengthBytes: number): Uint8Array {
    if (this.#slab === null || this.#used + lengthBytes > this.#slab.byteLength) {
      // A peer may announce more than a piece, up to the largest message.
      this.#slab = this.#take(Math.max(this.#sizeBytes, lengthBytes));
      this.#used = 0;
    }
    const part = new Uint8Array(this.#slab, this.#used, lengthBytes);
    this.#used += lengthBytes;
    return part;
  }

  #take(sizeBytes: number): ArrayBuffer {
    const spare = sizeBytes === slabBytes ? this.#spare.pop() : undefined;
    return spare ?? new ArrayBuffer(sizeBytes);
  }
}
