/** Memory for pieces that are received: a few larger buffers that go round, shared with the hashing
 *  threads, since neither new megabytes nor handing them over is free. */
import { pieceMaxBytes } from "../../wire/p4/merkle.ts";

/** Room for the largest piece with the head of its message, or many small ones. */
const slabBytes = pieceMaxBytes + 16 * 1024;
/** Kept while nobody uses them. */
const spareMax = 32;

export class SlabPool {
  readonly #spare: SharedArrayBuffer[] = [];
  readonly #numbers = new Map<SharedArrayBuffer, number>();
  readonly #onDropped: (number: number) => void;
  #made = 0;

  /** `onDropped`: a slab will not be used again. */
  constructor(onDropped: (number: number) => void) {
    this.#onDropped = onDropped;
  }

  take(): SharedArrayBuffer {
    const spare = this.#spare.pop();
    if (spare !== undefined) return spare;
    const made = new SharedArrayBuffer(slabBytes);
    this.#made += 1;
    this.#numbers.set(made, this.#made);
    return made;
  }

  giveBack(slab: SharedArrayBuffer): void {
    if (this.#spare.length < spareMax) this.#spare.push(slab);
    else {
      this.#onDropped(this.numberOf(slab));
      this.#numbers.delete(slab);
    }
  }

  numberOf(slab: SharedArrayBuffer): number {
    return this.#numbers.get(slab)!;
  }
}

/** Hands out parts of slabs in order; a slab that is passed is never written to again. */
export class Slabs {
  readonly #pool: SlabPool;
  /** Taken, and nobody else's business yet. */
  readonly #own = new Set<SharedArrayBuffer>();
  #slab: SharedArrayBuffer | null = null;
  #used = 0;

  constructor(pool: SlabPool) {
    this.#pool = pool;
  }

  allocate(lengthBytes: number): Uint8Array {
    if (this.#slab === null || this.#used + lengthBytes > slabBytes) {
      this.#slab = this.#pool.take();
      this.#own.add(this.#slab);
      this.#used = 0;
    }
    const part = new Uint8Array(this.#slab, this.#used, lengthBytes);
    this.#used += lengthBytes;
    return part;
  }

  /** Somebody else gives it back. */
  handOver(slab: SharedArrayBuffer): void {
    this.#own.delete(slab);
    if (this.#slab === slab) this.#slab = null;
  }

  /** Nothing is written any more: what was received in vain goes back. */
  close(): void {
    for (const slab of this.#own) this.#pool.giveBack(slab);
    this.#own.clear();
    this.#slab = null;
  }
}
