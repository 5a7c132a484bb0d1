/** Messages as frames on a pipe: a length (u32le, bytes of the body, at least 1), then the body,
 *  JSON in UTF-8. Either end bounds what it takes. */
import { ClusterError } from "../../core/error.ts";

const headerBytes = 4;
/** A body whose announced length has not arrived yet takes at first this much. */
const firstBytes = 64 * 1024;

/** Throws `limit-exceeded` when the body has more than `maxBytes`. */
export function encodeFrame(message: unknown, maxBytes: number): Buffer {
  const text = JSON.stringify(message);
  const sizeBytes = Buffer.byteLength(text);
  if (sizeBytes > maxBytes) {
    const what = `${sizeBytes} bytes, of at most ${maxBytes}`;
    throw new ClusterError("limit-exceeded", `a message between worker and task has ${what}`);
  }
  const frame = Buffer.allocUnsafe(headerBytes + sizeBytes);
  frame.writeUInt32LE(sizeBytes, 0);
  frame.write(text, headerBytes, "utf8");
  return frame;
}

/** Cuts what arrives into messages.
 *
 *  1. An announced length is checked before anything is kept for it.
 *  2. Memory grows with the bytes that have arrived, and never beyond the longest frame.
 *  3. After an error it is of no more use: where the next frame begins is unknown. */
export class FrameReader {
  readonly #maxBytes: number;
  readonly #header = Buffer.alloc(headerBytes);
  #headerFilled = 0;
  /** Of the body that is arriving; -1 before its header is whole. */
  #sizeBytes = -1;
  #body = Buffer.alloc(0);
  #filled = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes held for a frame that has not arrived whole. */
  get heldBytes(): number {
    return this.#body.length;
  }

  /** Hands on each message that is whole now. Throws `protocol-violated` at bytes that are no
   *  frame. */
  push(chunk: Buffer, onMessage: (message: unknown) => void): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.#sizeBytes < 0) {
        at += this.#takeHeader(chunk, at);
        continue;
      }
      const end = Math.min(chunk.length, at + this.#sizeBytes - this.#filled);
      const isWhole = this.#filled === 0 && end - at === this.#sizeBytes;
      if (!isWhole) this.#keep(chunk.subarray(at, end));
      if (isWhole) onMessage(this.#decode(chunk.subarray(at, end)));
      else if (this.#filled === this.#sizeBytes) {
        onMessage(this.#decode(this.#body.subarray(0, this.#filled)));
      }
      at = end;
    }
  }

  #takeHeader(chunk: Buffer, at: number): number {
    const taken = chunk.copy(this.#header, this.#headerFilled, at, at + 4 - this.#headerFilled);
    this.#headerFilled += taken;
    if (this.#headerFilled < headerBytes) return taken;
    this.#headerFilled = 0;
    const sizeBytes = this.#header.readUInt32LE(0);
    if (sizeBytes === 0 || sizeBytes > this.#maxBytes) {
      throw violated(`a frame of ${sizeBytes} bytes, of 1 to ${this.#maxBytes}`);
    }
    this.#sizeBytes = sizeBytes;
    return taken;
  }

  #keep(bytes: Buffer): void {
    const needed = this.#filled + bytes.length;
    if (needed > this.#body.length) {
      const grown = Math.max(needed, firstBytes, this.#body.length * 2);
      const body = Buffer.allocUnsafeSlow(Math.min(grown, this.#sizeBytes));
      this.#body.copy(body, 0, 0, this.#filled);
      this.#body = body;
    }
    bytes.copy(this.#body, this.#filled);
    this.#filled = needed;
  }

  #decode(body: Buffer): unknown {
    this.#sizeBytes = -1;
    this.#filled = 0;
    this.#body = noBytes;
    try {
      return JSON.parse(body.toString("utf8"));
    } catch (error) {
      throw violated(`a frame that is no JSON: ${(error as Error).message.slice(0, 200)}`);
    }
  }
}

const noBytes = Buffer.alloc(0);

function violated(what: string): ClusterError {
  return new ClusterError("protocol-violated", what);
}
