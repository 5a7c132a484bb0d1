/** Rows that a kernel does not read, read as any job would: their pairs go into a table of their
 *  own, which becomes one more spill of the task. */
import { rmSync } from "node:fs";
import type { ByteSource, SourcePiece } from "../../kernels/byte-source.ts";
import type { SpillFiles } from "../../kernels/spill.ts";
import { EmitTable } from "../../kernels/table.ts";
import type { BadRecords } from "../../task/bad-records.ts";
import { combineOf } from "../../task/job.ts";
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
  readonly #table: EmitTable;
  readonly #path: string;
  readonly #read: (piece: SourcePiece) => void;
  #count = 0;

  constructor(task: MapTask, bad: BadRecords) {
    this.#path = `${task.out}.odd`;
    this.#table = new EmitTable({
      partitionCount: task.plan.reducers,
      spillBytes: Math.max(1024, task.plan.spillBytes >> 1),
      combine: combineOf(task.job),
      partition: null,
      descending: false,
      path: this.#path,
    });
    const input = inputOf(task);
    const emit: EmitTable["emit"] = (key, value) => {
      this.#count++;
      this.#table.emit(key, value);
    };
    this.#read = readerOf({ task, input, emit, bad, words: null }, this.#source);
  }

  /** Reads lines of the piece: `bytes`, which lie at `offset` of the file, and what is left in
   *  `rest`. */
  read(piece: SourcePiece, offset: number, bytes: Uint8Array, rest: ByteSource | null): void {
    this.#source.give(bytes, rest);
    this.#read({ ...piece, offset });
  }

  /** Leaves a spill if there were any pairs. */
  finish(spills: SpillFiles): void {
    if (this.#count > 0) spills.adopt(this.#path, this.#table.finish());
  }

  /** After success or failure alike. */
  close(): void {
    this.#table.close();
    rmSync(this.#path, { force: true });
  }
}
