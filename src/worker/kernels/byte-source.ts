/** Where a map task's bytes come from: pieces of files, one after the other, read synchronously.
 *
 *  In a task process the supervisor streams them through a pipe; tests and `bench/` pass them
 *  from memory. */
import { readSync } from "node:fs";
import { ClusterError } from "../../core/error.ts";
import { frameKinds, frameMaxBytes, headMaxBytes } from "../input/frames.ts";

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
  /** Puts the piece's next bytes at `at` of `into`, as many as are there and fit; 0 = the piece
   *  is over. */
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

const waitCell = new Int32Array(new SharedArrayBuffer(4));
const bufferBytes = 256 * 1024;
/** How long to sleep when the pipe is non-blocking and empty, in ms. */
const emptyPipeWaitMs = 1;

/** The frames of `input/frames.ts` from a file descriptor. One per process: what is read ahead
 *  of one task's END belongs to the next task. */
export class PipeSource implements ByteSource {
  /** Bytes of pieces handed out since `startTask`. */
  inputBytes = 0;
  readonly #fd: number;
  readonly #buffer = Buffer.allocUnsafeSlow(bufferBytes);
  #at = 0;
  #end = 0;
  /** What is left of the DATA frame that is being read. */
  #frameRest = 0;
  /** The frame kind that has been read and not yet acted on; 0 = none. */
  #pending = 0;
  #ended = true;

  readonly #onRead: (inputBytes: number) => void;

  /** `onRead` hears how far the task is, each time that the pipe was read. */
  constructor(fd: number, onRead: (inputBytes: number) => void = () => {}) {
    this.#fd = fd;
    this.#onRead = onRead;
  }

  startTask(): void {
    this.inputBytes = 0;
    this.#ended = false;
  }

  /** Reads past the rest of a task's input, so that the next task starts at its own. */
  drain(): void {
    while (!this.#ended) {
      try {
        this.nextPiece();
      } catch (error) {
        if (!this.#ended) throw error;
      }
    }
  }

  nextPiece(): SourcePiece | null {
    if (this.#ended) return null;
    while (this.#skipFrame());
    const kind = this.#take();
    if (kind === frameKinds.end) {
      this.#ended = true;
      return null;
    }
    if (kind === frameKinds.cut) this.#cut();
    if (kind !== frameKinds.piece) throw broken(`frame ${kind} where a piece must start`);
    const header = this.#exactly(12);
    const view = new DataView(header.buffer, header.byteOffset, 12);
    const offset = view.getFloat64(0, true);
    const file = view.getUint32(8, true);
    return { file, offset, head: this.#head() };
  }

  read(into: Uint8Array, at: number): number {
    while (this.#frameRest === 0) {
      if (this.#kind() === frameKinds.cut) this.#cut();
      if (this.#kind() !== frameKinds.bytes) return 0;
      this.#take();
      this.#frameRest = this.#length(frameMaxBytes);
    }
    if (this.#at === this.#end) this.#fill();
    const count = Math.min(into.length - at, this.#frameRest, this.#end - this.#at);
    into.set(this.#buffer.subarray(this.#at, this.#at + count), at);
    this.#at += count;
    this.#frameRest -= count;
    this.inputBytes += count;
    return count;
  }

  /** The task ends here without its input. */
  #cut(): never {
    this.#ended = true;
    this.#pending = 0;
    throw new ClusterError("download-failed", "the worker could not read the input to its end");
  }

  /** Skips the rest of a DATA frame, or the next one; false when another kind comes. */
  #skipFrame(): boolean {
    if (this.#frameRest === 0) {
      if (this.#kind() !== frameKinds.bytes) return false;
      this.#take();
      this.#frameRest = this.#length(frameMaxBytes);
    }
    while (this.#frameRest > 0) {
      if (this.#at === this.#end) this.#fill();
      const count = Math.min(this.#frameRest, this.#end - this.#at);
      this.#at += count;
      this.#frameRest -= count;
    }
    return true;
  }

  #head(): Uint8Array | null {
    if (this.#kind() !== frameKinds.head) return null;
    this.#take();
    return this.#exactly(this.#length(headMaxBytes));
  }

  #kind(): number {
    if (this.#pending === 0) {
      if (this.#at === this.#end) this.#fill();
      this.#pending = this.#buffer[this.#at++] as number;
    }
    return this.#pending;
  }

  #take(): number {
    const kind = this.#kind();
    this.#pending = 0;
    return kind;
  }

  #length(maxBytes: number): number {
    const header = this.#exactly(4);
    const length = new DataView(header.buffer, header.byteOffset, 4).getUint32(0, true);
    if (length > maxBytes) throw broken(`a frame of ${length} bytes`);
    return length;
  }

  #exactly(count: number): Uint8Array {
    const bytes = new Uint8Array(count);
    for (let filled = 0; filled < count; ) {
      if (this.#at === this.#end) this.#fill();
      const part = Math.min(count - filled, this.#end - this.#at);
      bytes.set(this.#buffer.subarray(this.#at, this.#at + part), filled);
      this.#at += part;
      filled += part;
    }
    return bytes;
  }

  #fill(): void {
    this.#onRead(this.inputBytes);
    for (;;) {
      try {
        this.#end = readSync(this.#fd, this.#buffer, 0, bufferBytes, null);
        this.#at = 0;
        break;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
        Atomics.wait(waitCell, 0, 0, emptyPipeWaitMs);
      }
    }
    if (this.#end === 0) throw broken("it was closed in the middle of a task");
  }
}

/** The supervisor's mistake or death: this process is of no more use. */
export class InputBroken extends Error {}

function broken(what: string): InputBroken {
  const cause = new ClusterError("protocol-violated", `the input pipe is broken: ${what}`);
  return new InputBroken(cause.message, { cause });
}
