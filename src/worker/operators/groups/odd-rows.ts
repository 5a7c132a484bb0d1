/** Rows that a kernel does not read, read as any job would. */
import type { ByteSource, SourcePiece } from "../../kernels/byte-source.ts";
import type { BadRecords } from "../../task/bad-records.ts";
import type { Emit } from "../../task/job.ts";
import { inputOf, type MapTask, readerOf } from "../../task/map-task.ts";

/** Bytes that are set before they are read, and what comes behind them. */
class GivenSource implements ByteSource {
  #bytes: Uint8Array = new Uint8Array(0);
  #rest: ByteSource | null = null;

  give(bytes: Uint8Array, rest: ByteSource | null): void {
    this.#bytes = bytes;
    this.#rest = rest;
  }

  nextPiece(): SourcePiece | null {
    return null;
  }

  read(into: Uint8Array, at: number): number {
    if (this.#bytes.length === 0) return this.#rest?.read(into, at) ?? 0;
    const taken = this.#bytes.subarray(0, into.length - at);
    into.set(taken, at);
    this.#bytes = this.#bytes.subarray(taken.length);
    return taken.length;
  }
}

export class OddRows {
  readonly #source = new GivenSource();
  readonly #read: (piece: SourcePiece) => void;

  /** Their pairs go to `emit`. */
  constructor(task: MapTask, bad: BadRecords, emit: Emit) {
    this.#read = readerOf({ task, input: inputOf(task), emit, bad, words: null }, this.#source);
  }

  /** Reads lines of the piece: `bytes`, which lie at `offset` of the file, and what is left in
   *  `rest`. */
  read(piece: SourcePiece, offset: number, bytes: Uint8Array, rest: ByteSource | null): void {
    this.#source.give(bytes, rest);
    this.#read({ ...piece, offset });
  }
}
