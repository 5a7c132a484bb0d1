/** A growing array of bytes that encoders append to, and a cursor that decoders read it with. */
import { ClusterError } from "../../core/error.ts";

/** Appending never leaves `bytes` shorter than `length`; `bytes` is replaced when it grows. */
export class Arena {
  bytes: Uint8Array;
  length = 0;

  constructor(capacityBytes = 1024) {
    this.bytes = new Uint8Array(capacityBytes);
  }

  /** Makes room for `sizeBytes` more. */
  reserve(sizeBytes: number): void {
    const needed = this.length + sizeBytes;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    // Copy all of it: a text whose length is not written yet lies beyond `length`.
    grown.set(this.bytes);
    this.bytes = grown;
  }

  append(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  byte(value: number): void {
    if (this.length === this.bytes.length) this.reserve(1);
    this.bytes[this.length++] = value;
  }

  /** Unsigned LEB128 of a whole number below 2^53. */
  varint(value: number): void {
    this.reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.bytes[this.length++] = (rest % 128) | 0x80;
      rest = rest < 0x80000000 ? rest >>> 7 : Math.floor(rest / 128);
    }
    this.bytes[this.length++] = rest;
  }

  /** A view of what has been written; valid until the next append. */
  view(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }
}

/** Reads `bytes` from `at` up to `end`. Everything read past the end or out of range is
 *  `data-lost`. */
export class Cursor {
  bytes: Uint8Array;
  at: number;
  end: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  byte(): number {
    if (this.at >= this.end) throw damaged("ends too early");
    return this.bytes[this.at++] as number;
  }

  /** Unsigned LEB128 in at most 8 bytes, without needless zero bytes. */
  varint(): number {
    const first = this.byte();
    if (first < 0x80) return first;
    let value = first & 0x7f;
    let factor = 128;
    for (let count = 2; count <= 8; count++) {
      const next = this.byte();
      value += (next & 0x7f) * factor;
      if (next < 0x80) {
        if (next === 0 || value > Number.MAX_SAFE_INTEGER) throw damaged("a number is malformed");
        return value;
      }
      factor *= 128;
    }
    throw damaged("a number is too long");
  }

  /** Skips the next `sizeBytes` bytes and returns where they start. */
  take(sizeBytes: number): number {
    const start = this.at;
    if (sizeBytes > this.end - start) throw damaged("ends too early");
    this.at = start + sizeBytes;
    return start;
  }
}

/** Intermediate bytes differ from what was written: the task that made them must run again. */
export class DamagedBytes extends ClusterError {
  constructor(what: string) {
    const text = `intermediate bytes are damaged: ${what}; the task that made them must run again`;
    super("data-lost", text);
  }
}

export function damaged(what: string): ClusterError {
  return new DamagedBytes(what);
}

/** memcmp: below 0, 0, or above 0; a prefix comes before what it begins. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
