/** Frames on a substream: each after its length, an unsigned varint. */
import { ClusterError } from "../../core/error.ts";
import type { Chunk, Stream } from "./load.ts";

/** A length takes at most so many bytes. */
const lengthBytesMax = 5;

/** Cuts a stream of bytes into frames. */
export class FrameCutter {
  readonly #maxBytes: number;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  /** Of the frame at hand, length included; -1 = its length is not whole. */
  #wanted = -1;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Frames that are whole now, without their lengths, each as it is cut. Throws
   *  `protocol-violated` at one that is larger than the limit, before it has come; those before it
   *  count, also when they come in the same chunk. */
  *add(chunk: Chunk): Generator<Uint8Array, void> {
    const bytes = chunk.subarray();
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
    for (;;) {
      if (this.#wanted === -1) this.#wanted = this.#readWanted();
      if (this.#wanted === -1 || this.#heldBytes < this.#wanted) return;
      const all = this.#joined();
      const { start } = readLength(all) as Length;
      // A copy, and the plain array that links promise: `all` may be a Buffer.
      const frame = new Uint8Array(all.subarray(start, this.#wanted));
      const rest = all.subarray(this.#wanted);
      this.#held = rest.length === 0 ? [] : [rest];
      this.#heldBytes = rest.length;
      this.#wanted = -1;
      yield frame;
    }
  }

  #readWanted(): number {
    if (this.#heldBytes === 0) return -1;
    // A length lies in the first bytes; more chunks than that are joined at most once a frame.
    const read = readLength(this.#joined());
    if (read === null) return -1;
    if (read.length <= this.#maxBytes) return read.start + read.length;
    const text = `a frame larger than ${this.#maxBytes} bytes came`;
    throw new ClusterError("protocol-violated", text);
  }

  #joined(): Uint8Array {
    if (this.#held.length === 1) return this.#held[0] as Uint8Array;
    const all = new Uint8Array(this.#heldBytes);
    let at = 0;
    for (const part of this.#held) {
      all.set(part, at);
      at += part.length;
    }
    this.#held = [all];
    return all;
  }
}

type Length = { readonly length: number; readonly start: number };

/** Null while it is not whole. */
function readLength(bytes: Uint8Array): Length | null {
  let length = 0;
  for (let at = 0; at < lengthBytesMax; at++) {
    const byte = bytes[at];
    if (byte === undefined) return null;
    length += (byte & 0x7f) * 2 ** (7 * at);
    if (byte < 0x80) return { length, start: at + 1 };
  }
  throw new ClusterError("protocol-violated", "the length of a frame is no varint of 32 bits");
}

/** The frame after its length, in one array: some peers lose a frame that comes in two pieces. */
export function withLength(frame: Uint8Array): Uint8Array {
  const head: number[] = [];
  let left = frame.length;
  for (; left > 0x7f; left = Math.floor(left / 128)) head.push((left % 128) | 0x80);
  head.push(left);
  const all = new Uint8Array(head.length + frame.length);
  all.set(head);
  all.set(frame, head.length);
  return all;
}

/** Resolves when the substream takes more. */
export async function sendAll(stream: Stream, bytes: Uint8Array, signal: AbortSignal) {
  if (!stream.send(bytes)) await stream.onDrain({ signal });
}
