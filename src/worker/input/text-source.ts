/** Looks at the beginning of each file that a task reads as text, before anything of it becomes a
 *  record. A plan has looked where it could: files of members, and what zstd has inside, are seen
 *  here first. */

import type { InputFile } from "../../wire/block/plan.ts";
import { checkText, contentStartBytes } from "../../wire/content/content.ts";
import type { ByteSource, SourcePiece } from "../kernels/byte-source.ts";

export class TextSource implements ByteSource {
  readonly #source: ByteSource;
  readonly #files: readonly InputFile[];
  readonly #start = new Uint8Array(contentStartBytes);
  /** What of the beginning is still to be read: [at, end). */
  #at = 0;
  #end = 0;

  constructor(source: ByteSource, files: readonly InputFile[]) {
    this.#source = source;
    this.#files = files;
  }

  /** Throws `bad-request` for what is no text. */
  nextPiece(): SourcePiece | null {
    this.#at = this.#end = 0;
    const piece = this.#source.nextPiece();
    if (piece === null || piece.offset > 0) return piece;
    while (this.#end < contentStartBytes) {
      const count = this.#source.read(this.#start, this.#end);
      if (count === 0) break;
      this.#end += count;
    }
    const { compression, name } = this.#files[piece.file] as InputFile;
    checkText(name, this.#start.subarray(0, this.#end), compression);
    return piece;
  }

  read(into: Uint8Array, at: number): number {
    if (this.#at === this.#end) return this.#source.read(into, at);
    const taken = this.#start.subarray(this.#at, Math.min(this.#end, this.#at + into.length - at));
    into.set(taken, at);
    this.#at += taken.length;
    return taken.length;
  }
}
