/** A file that is still being downloaded, whose verified pieces are served to other peers. */
import { read } from "node:fs";
import { promisify } from "node:util";
import { ClusterError } from "../../core/error.ts";
import { type PieceRun, runsMax } from "../../wire/p4/data.ts";
import { pieceBytesOf } from "../../wire/p4/merkle.ts";
import type { Content } from "./content.ts";

const readAt = promisify(read);

/** The part of a download that can be served: its content, and which pieces it has. */
type PartialDownload = {
  readonly root: string;
  readonly shape: { readonly sizeBytes: number; readonly layer: Uint8Array };
  readonly partial: {
    readonly descriptor: number;
    readonly done: { has(piece: number): boolean; runs(max: number): readonly PieceRun[] };
  };
};

export class PartialContent implements Content {
  readonly name: string;
  readonly #download: PartialDownload;
  readonly #reading = new Set<Promise<void>>();
  #isOver = false;

  /** `download` has opened its partial file; `end` must be awaited before that is closed. */
  constructor(name: string, download: PartialDownload) {
    this.name = name;
    this.#download = download;
  }

  get root(): string {
    return this.#download.root;
  }

  get sizeBytes(): number {
    return this.#download.shape.sizeBytes;
  }

  get layer(): Uint8Array {
    return this.#download.shape.layer;
  }

  have(): readonly PieceRun[] {
    return this.#isOver ? [] : this.#download.partial.done.runs(runsMax);
  }

  /** Nothing is read any more once it resolves: the number of a closed descriptor may soon be that
   *  of another file. */
  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.allSettled(this.#reading);
  }

  async read(position: number, into: Uint8Array): Promise<void> {
    if (this.#isOver) throw notYet(this.name);
    const reading = this.#read(position, into);
    this.#reading.add(reading);
    try {
      await reading;
    } finally {
      this.#reading.delete(reading);
    }
  }

  async #read(position: number, into: Uint8Array): Promise<void> {
    const { done, descriptor } = this.#download.partial;
    const pieceBytes = pieceBytesOf(this.sizeBytes);
    for (let at = position; at < position + into.length; at += pieceBytes) {
      if (!done.has(Math.floor(at / pieceBytes))) throw notYet(this.name);
    }
    for (let filled = 0; filled < into.length; ) {
      const left = into.length - filled;
      const { bytesRead } = await readAt(descriptor, into, filled, left, position + filled);
      if (bytesRead === 0) throw notYet(this.name);
      filled += bytesRead;
    }
  }
}

function notYet(name: string): ClusterError {
  return new ClusterError("not-found", `a piece of ${name} is not here yet; ask which pieces are`);
}
