/** Strings that end in NUL: to bytes, and from bytes that arrive in whatever pieces. */
import { ClusterError } from "../../core/error.ts";
import { stringBytesMax } from "./limits.ts";

type Globals = {
  readonly TextEncoder: new () => { encode(text: string): Uint8Array };
  readonly TextDecoder: new (
    label: string,
    options: { fatal: boolean; ignoreBOM: boolean },
  ) => { decode(bytes: Uint8Array): string };
};

// Every engine has these two, but the ECMAScript library of this folder does not declare them.
const globals = globalThis as unknown as Globals;
const encoder = new globals.TextEncoder();
const decoder = new globals.TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Bytes that have arrived and are not yet read. */
export class Arrived {
  #bytes = new Uint8Array(0);
  #at = 0;

  push(bytes: Uint8Array): void {
    const rest = this.#bytes.subarray(this.#at);
    const joined = new Uint8Array(rest.length + bytes.length);
    joined.set(rest);
    joined.set(bytes, rest.length);
    this.#bytes = joined;
    this.#at = 0;
  }

  get length(): number {
    return this.#bytes.length - this.#at;
  }

  /** Up to `count` bytes that are not yet read; they stay. */
  first(count: number): Uint8Array {
    return this.#bytes.subarray(this.#at, this.#at + count);
  }

  byte(): number | null {
    return this.length === 0 ? null : this.#bytes[this.#at++]!;
  }

  /** Null until its end has arrived. Throws `protocol-violated` when it is not UTF-8, or too
   *  long. */
  string(): string | null {
    const found = this.#bytes.subarray(this.#at, this.#at + stringBytesMax);
    const length = found.indexOf(0);
    if (length === -1) {
      if (found.length < stringBytesMax) return null;
      const text = `a string has no NUL within ${stringBytesMax} bytes`;
      throw new ClusterError("protocol-violated", text);
    }
    this.#at += length + 1;
    try {
      return decoder.decode(found.subarray(0, length));
    } catch (cause) {
      throw new ClusterError("protocol-violated", "a string is not UTF-8", { cause });
    }
  }

  /** All remaining bytes; afterwards there are none. */
  rest(): Uint8Array {
    const rest = this.#bytes.subarray(this.#at);
    this.#at = this.#bytes.length;
    return rest;
  }
}

/** Whether a string can be sent: it has no NUL, and is short enough. */
export function fitsString(text: string): boolean {
  return !text.includes("\0") && utf8(text).length < stringBytesMax;
}

/** Throws `bad-request` for a string that cannot be sent. */
export function encodeStrings(strings: readonly string[]): Uint8Array {
  for (const text of strings) {
    if (fitsString(text)) continue;
    const problem = text.includes("\0")
      ? "holds a NUL"
      : `has ${utf8(text).length} bytes, the protocol takes ${stringBytesMax - 1}`;
    throw new ClusterError("bad-request", `"${text.slice(0, 40)}…" ${problem}; give another one`);
  }
  return utf8(strings.map((text) => `${text}\0`).join(""));
}

export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}
