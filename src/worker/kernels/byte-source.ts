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

/** Pieces that are in memory already. */
export function memorySource(
  pieces: ReadonlyArray<SourcePiece & { readonly bytes: Uint8Array }>,
): ByteSource {
  let next = 0;
  let rest = new Uint8Array(0);
  return {
    nextPiece() {
      const piece = pieces[next++];
      rest = piece === undefined ? rest : new Uint8Array(piece.bytes);
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
