/** Messages in the body of a call: a flag, a length of four bytes, the message. */
import { ClusterError } from "../../core/error.ts";
import { GrpcError, grpcStatus } from "./status.ts";

export const prefixBytes = 5;

export function prefixOf(parts: readonly Uint8Array[]): Buffer {
  const prefix = Buffer.alloc(prefixBytes);
  prefix.writeUInt32BE(
    parts.reduce((sum, part) => sum + part.length, 0),
    1,
  );
  return prefix;
}

/** Returns the memory for a message of this length: new memory, unless the caller reuses some. */
export type Allocate = (lengthBytes: number) => Uint8Array;

/** Cuts the chunks of a body into messages. Each is assembled in one buffer of its own, so that the
 *  receiver may keep it, and its bytes are copied once. */
export class MessageCutter {
  readonly #maxBytes: number;
  readonly #allocate: Allocate;
  readonly #prefix = new Uint8Array(prefixBytes);
  #prefixFilled = 0;
  #message: Uint8Array | null = null;
  #filled = 0;

  constructor(maxBytes: number, allocate: Allocate = (length) => new Uint8Array(length)) {
    this.#maxBytes = maxBytes;
    this.#allocate = allocate;
  }

  /** True between two messages. */
  get isAtEdge(): boolean {
    return this.#prefixFilled === 0 && this.#message === null;
  }

  /** Throws `limit-exceeded` for a message that is too long, as soon as its length is known, and
   *  UNIMPLEMENTED for a compressed one: nothing is ever decompressed here. */
  push(chunk: Uint8Array, onMessage: (message: Uint8Array) => void): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#message === null) {
        at += this.#pushPrefix(chunk, at);
        if (this.#message === null) continue;
      }
      const message: Uint8Array = this.#message;
      const take = Math.min(chunk.length - at, message.length - this.#filled);
      message.set(take === chunk.length ? chunk : chunk.subarray(at, at + take), this.#filled);
      this.#filled += take;
      at += take;
      if (this.#filled === message.length) this.#finish(onMessage);
    }
    // A message without bytes ends with its prefix.
    if (this.#message?.length === 0) this.#finish(onMessage);
  }

  #pushPrefix(chunk: Uint8Array, at: number): number {
    const take = Math.min(prefixBytes - this.#prefixFilled, chunk.length - at);
    this.#prefix.set(chunk.subarray(at, at + take), this.#prefixFilled);
    this.#prefixFilled += take;
    if (this.#prefixFilled < prefixBytes) return take;
    const [flag, a, b, c, d] = this.#prefix as unknown as readonly number[];
    if (flag !== 0) {
      const text = "compressed messages are not accepted; send with grpc-encoding identity";
      throw new GrpcError(grpcStatus.unimplemented, text);
    }
    const length = a! * 0x1_00_00_00 + b! * 0x1_00_00 + c! * 0x1_00 + d!;
    if (length > this.#maxBytes) {
      const text = `a message of ${length} bytes, at most ${this.#maxBytes} are accepted`;
      throw new ClusterError("limit-exceeded", text);
    }
    this.#message = this.#allocate(length);
    this.#filled = 0;
    return take;
  }

  #finish(onMessage: (message: Uint8Array) => void): void {
    const message = this.#message!;
    this.#message = null;
    this.#prefixFilled = 0;
    onMessage(message);
  }
}
