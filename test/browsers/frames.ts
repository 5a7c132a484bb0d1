/** Receives what a supervisor streams to a task process, and returns the pieces. */
import { Writable } from "node:stream";
import { frameKinds } from "../../src/worker/input/frames.ts";

export type StreamedPiece = {
  readonly file: number;
  readonly offset: number;
  head: string | null;
  bytes: string;
};

export class FrameCollector extends Writable {
  readonly #chunks: Buffer[] = [];

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#chunks.push(Buffer.from(chunk));
    done();
  }

  /** Without those that have no bytes. */
  pieces(): StreamedPiece[] {
    const all = Buffer.concat(this.#chunks);
    const found: StreamedPiece[] = [];
    for (let at = 0; at < all.length; ) {
      const kind = all[at++];
      if (kind === frameKinds.end) break;
      if (kind === frameKinds.piece) {
        const offset = all.readDoubleLE(at);
        found.push({ file: all.readUInt32LE(at + 8), offset, head: null, bytes: "" });
        at += 12;
        continue;
      }
      const text = all.toString("latin1", at + 4, at + 4 + all.readUInt32LE(at));
      const piece = found.at(-1)!;
      if (kind === frameKinds.head) piece.head = text;
      else piece.bytes += text;
      at += 4 + text.length;
    }
    return found.filter(({ bytes }) => bytes !== "");
  }
}
