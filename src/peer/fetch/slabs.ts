/** Memory for pieces that are received: a few larger buffers that go round, since new megabytes for
 *  every piece would cost more than hashing them. */
import { pieceMaxBytes } from "../../wire/p4/merkle.ts";

/** Room for the largest piece with the head of its message, or many small ones. */
const slabBytes = pieceMaxBytes + 16 * 1024;
const spareMax = 32;

export type SpareSlabs = ArrayBuffer[];

export function giveBack(spare: SpareSlabs, slab: ArrayBuffer): void {
  if (slab.byteLength === slabBytes && spare.length < spareMax) spare.push(slab);
}

/** Hands out parts of slabs in order; a slab that is passed is never written to again. */
export class Slabs {
  readonly #spare: SpareSlabs;
  #slab: ArrayBuffer | null = null;
  #used = 0;

  constructor(spare: SpareSlabs) {
    this.#spare = spare;
  }

  allocate(lengthBytes: number): Uint8Array {
    if (this.#slab === null || this.#used + lengthBytes > slabBytes) {
      this.#slab = this.#spare.pop() ?? new ArrayBuffer(slabBytes);
      this.#used = 0;
    }
    const part = new Uint8Array(this.#slab, this.#used, lengthBytes);
    this.#used += lengthBytes;
    return part;
  }
}
