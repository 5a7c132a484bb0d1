/** Where a map task's bytes come from: pieces of files, one after the other, read synchronously.
 *
 *  In a task process the supervisor streams them through a pipe (`input/pipe-source.ts`); tabs,
 *  tests and `bench/` pass them from memory. */

export type SourcePiece = {
  /** Index in the plan's files. */
  readonly file: number;
  /** Offset of the piece's first byte in the uncompressed file. */
  readonly offset: number;
  /** First line of the file when the piece starts behind it and it was sent. */
  readonly head: Uint8Array | null;
};

export interface ByteSource {
  /** Goes to the next piece, past what is unread of this one; null after the last. */
  nextPiece(): SourcePiece | null;
  /** Puts the piece's next bytes at `at` of `into`, as many as are there and fit; 0 = the piece is
   *  over. */
  read(into: Uint8Array, at: number): number;
}

/** A source that can look at the bytes that come next in the piece. */
export class PeekSource implements ByteSource {
  readonly #source: ByteSource;
  #ahead = new Uint8Array(512);
  /** What has been looked at and not been read: [at, end). */
  #at = 0;
  #end = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  nextPiece(): SourcePiece | null {
    this.#at = this.#end = 0;
    return this.#source.nextPiece();
  }

  /** The piece that the source below is at, when it was not asked for here. */
  nextIs(_piece: SourcePiece): void {
    this.#at = this.#end = 0;
  }

  /** `sizeBytes` of them, or all that the piece has; valid until the next call. */
  peek(sizeBytes: number): Uint8Array {
    if (this.#ahead.length < this.#at + sizeBytes) {
      const grown = new Uint8Array(this.#at + sizeBytes);
      grown.set(this.#ahead.subarray(0, this.#end));
      this.#ahead = grown;
    }
    const until = this.#at + sizeBytes;
    while (this.#end < until) {
      const count = this.#source.read(this.#ahead.subarray(0, until), this.#end);
      if (count === 0) break;
      this.#end += count;
    }
    return this.#ahead.subarray(this.#at, Math.min(this.#end, until));
  }

  read(into: Uint8Array, at: number): number {
    if (this.#at === this.#end) return this.#source.read(into, at);
    const taken = this.#ahead.subarray(this.#at, Math.min(this.#end, this.#at + into.length - at));
    into.set(taken, at);
    this.#at += taken.length;
    return taken.length;
  }
}

/** Pieces that are in memory already. */
export function memorySource(
  pieces: ReadonlyArray<SourcePiece & { readonly bytes: Uint8Array }>,
): ByteSource {
  let next = 0;
  let rest: Uint8Array = new Uint8Array(0);
  return {
    nextPiece() {
      const piece = pieces[next++];
      rest = piece === undefined ? rest : piece.bytes;
      return piece ?? null;
    },
    read(into, at) {
      const taken = rest.subarray(0, into.length - at);
      into.set(taken, at);
      rest = rest.subarray(taken.length);
      return taken.length;
    },
  };
}
