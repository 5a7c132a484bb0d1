/** The input of a task process: pieces as frames from a file descriptor. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { ClusterError } from "../../core/error.ts";
import type { ByteSource, SourcePiece } from "../kernels/byte-source.ts";
import {
  type FileRange,
  frameKinds,
  frameMaxBytes,
  headMaxBytes,
  rangeMaxBytes,
} from "./frames.ts";

const waitCell = new Int32Array(new SharedArrayBuffer(4));
const bufferBytes = 256 * 1024;
/** How long to sleep when the pipe is non-blocking and empty, in ms. */
const emptyPipeWaitMs = 1;

/** The frames of `frames.ts` from a file descriptor. One per process: what is read ahead of one
 *  task's END belongs to the next task. */
export class PipeSource implements ByteSource {
  /** Bytes of pieces handed out since `startTask`. */
  inputBytes = 0;
  readonly #fd: number;
  readonly #buffer = Buffer.allocUnsafeSlow(bufferBytes);
  #at = 0;
  #end = 0;
  /** What is left of the DATA frame that is being read. */
  #frameRest = 0;
  /** What is being read without the pipe. */
  #file: RangeReader | null = null;
  /** The frame kind that has been read and not yet acted on; 0 = none. */
  #pending = 0;
  #ended = true;

  readonly #onRead: (inputBytes: number) => void;

  /** `onRead` is called each time that the pipe was read, with the bytes of input read so far. */
  constructor(fd: number, onRead: (inputBytes: number) => void = () => {}) {
    this.#fd = fd;
    this.#onRead = onRead;
  }

  startTask(): void {
    this.#closeFile();
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
    const { bytes, at } = this.#few(12);
    const offset = bytes.readDoubleLE(at);
    const file = bytes.readUInt32LE(at + 8);
    return { file, offset, head: this.#head() };
  }

  read(into: Uint8Array, at: number): number {
    while (this.#frameRest === 0) {
      if (this.#file !== null) {
        const count = this.#file.read(into, at);
        if (count > 0) {
          this.inputBytes += count;
          this.#onRead(this.inputBytes);
          return count;
        }
        this.#closeFile();
      }
      if (this.#kind() === frameKinds.cut) this.#cut();
      if (this.#kind() === frameKinds.file) {
        this.#take();
        this.#file = new RangeReader(this.#exactly(this.#length(rangeMaxBytes)));
        continue;
      }
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
    this.#closeFile();
    if (this.#frameRest === 0) {
      if (this.#kind() === frameKinds.file) {
        this.#take();
        this.#exactly(this.#length(rangeMaxBytes));
        return true;
      }
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

  #closeFile(): void {
    this.#file?.close();
    this.#file = null;
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
    const { bytes, at } = this.#few(4);
    const length = bytes.readUInt32LE(at);
    if (length > maxBytes) throw broken(`a frame of ${length} bytes`);
    return length;
  }

  /** Where they lie, to be read at once; copied only where the buffer ends among them. */
  #few(count: number): { readonly bytes: Buffer; readonly at: number } {
    const at = this.#at;
    if (this.#end - at < count) return { bytes: Buffer.from(this.#exactly(count)), at: 0 };
    this.#at += count;
    return { bytes: this.#buffer, at };
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

/** A part of a file that is read here. */
class RangeReader {
  readonly #range: FileRange;
  readonly #fd: number;
  #at: number;

  constructor(description: Uint8Array) {
    this.#range = JSON.parse(Buffer.from(description).toString()) as FileRange;
    this.#at = this.#range.start;
    try {
      this.#fd = openSync(this.#range.path, "r");
    } catch (error) {
      const text = `a task process cannot open ${this.#range.name}: ${(error as Error).message}`;
      throw new ClusterError("download-failed", text, { cause: error });
    }
    try {
      this.#check();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** 0 = all of the part has been read, of the very file that was submitted. */
  read(into: Uint8Array, at: number): number {
    const wanted = Math.min(into.length - at, this.#range.end - this.#at);
    if (this.#at === this.#range.end) {
      this.#check();
      return 0;
    }
    const count = readSync(this.#fd, into, at, wanted, this.#at);
    if (count === 0) throw this.#changed();
    this.#at += count;
    return count;
  }

  close(): void {
    closeSync(this.#fd);
  }

  #check(): void {
    const { size, mtimeMs } = fstatSync(this.#fd);
    const isSame = Math.floor(mtimeMs) === Math.floor(this.#range.mtimeMs);
    if (size !== this.#range.sizeBytes || !isSame) throw this.#changed();
  }

  #changed(): ClusterError {
    return new ClusterError(
      "data-lost",
      `input ${this.#range.name} changed while the job runs; submit the job again when the file ` +
        "is complete",
    );
  }
}

/** The supervisor's mistake or death: this process is of no more use. */
export class InputBroken extends Error {}

function broken(what: string): InputBroken {
  const cause = new ClusterError("protocol-violated", `the input pipe is broken: ${what}`);
  return new InputBroken(cause.message, { cause });
}
