/** The part of XDR (RFC 4506) that the log service needs: unsigned numbers and strings. */
import { ClusterError } from "../../../core/error.ts";
import { utf8 } from "../strings.ts";

/** Concatenated numbers and strings; a string is its length, its bytes, and zeros up to a multiple
 *  of four. */
export function encodeXdr(values: readonly (number | string)[]): Uint8Array {
  const parts = values.map((value) => {
    if (typeof value === "number") return word(value);
    const bytes = utf8(value);
    const padded = new Uint8Array(4 + Math.ceil(bytes.length / 4) * 4);
    padded.set(word(bytes.length));
    padded.set(bytes, 4);
    return padded;
  });
  const joined = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

function word(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

export class XdrReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Throws `protocol-violated` past the end. */
  unsigned(): number {
    this.#skip(4);
    const [a = 0, b = 0, c = 0, d = 0] = this.#bytes.subarray(this.#at - 4, this.#at);
    return a * 0x1000000 + b * 0x10000 + c * 0x100 + d;
  }

  /** Bytes with their length and padding. */
  skipOpaque(): void {
    this.#skip(Math.ceil(this.unsigned() / 4) * 4);
  }

  #skip(length: number): void {
    if (this.#at + length > this.#bytes.length) {
      throw new ClusterError("protocol-violated", `an ONC-RPC message ends at byte ${this.#at}`);
    }
    this.#at += length;
  }
}
