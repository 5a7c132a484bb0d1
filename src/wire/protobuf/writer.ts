/** Writes the protobuf wire format field by field, without knowledge of messages. */
import { assert, ClusterError } from "../../core/error.ts";
import { TextEncoder } from "../utf8.ts";
import { wireTypes } from "./wire-types.ts";

const encoder = new TextEncoder();

/** The buffer of the last writer that finished, for the next one: messages are many and short, and
 *  allocating for each costs more than writing it. */
let spare: Uint8Array<ArrayBuffer> | null = null;
const spareMaxBytes = 64 * 1024;
const noBytes = new Uint8Array(0);

/** Writes fields in the order of the calls. A nested message is written between `open` and
 *  `close`. */
export class ProtobufWriter {
  #bytes = spare ?? new Uint8Array(1024);
  #size = 0;
  readonly #sizeMaxBytes: number;

  constructor(sizeMaxBytes: number) {
    this.#sizeMaxBytes = sizeMaxBytes;
    spare = null;
  }

  uint(field: number, value: number): void {
    this.#tag(field, wireTypes.varint);
    this.#varint(value);
  }

  int32(field: number, value: number): void {
    this.#tag(field, wireTypes.varint);
    this.#int32(value);
  }

  bytes(field: number, value: Uint8Array, maxBytes: number): void {
    if (value.length > maxBytes) {
      throw new ClusterError(
        "limit-exceeded",
        `a value of ${value.length} bytes was to be sent, at most ${maxBytes} are accepted`,
      );
    }
    this.#tag(field, wireTypes.bytes);
    this.#varint(value.length);
    this.#reserve(value.length);
    this.#bytes.set(value, this.#size);
    this.#size += value.length;
  }

  /** Lone surrogates, which UTF-8 cannot represent, become U+FFFD. */
  text(field: number, value: string, maxBytes: number): void {
    this.bytes(field, encoder.encode(value), maxBytes);
  }

  int32List(field: number, values: readonly number[]): void {
    const mark = this.open(field);
    for (const value of values) this.#int32(value);
    this.close(mark);
  }

  /** Begins a nested message; pass the result to `close` after its fields. */
  open(field: number): number {
    this.#tag(field, wireTypes.bytes);
    return this.openDelimited();
  }

  /** Begins bytes that are preceded only by their length. */
  openDelimited(): number {
    this.#reserve(1);
    this.#size += 1;
    return this.#size;
  }

  /** One byte was reserved for the length, enough for most messages. Longer ones are moved. */
  close(mark: number): void {
    const length = this.#size - mark;
    let extra = 0;
    for (let rest = length; rest > 0x7f; rest = Math.floor(rest / 128)) extra++;
    if (extra > 0) {
      this.#reserve(extra);
      this.#bytes.copyWithin(mark + extra, mark, this.#size);
    }
    this.#size = mark - 1;
    this.#varint(length);
    this.#size += length;
  }

  /** A copy of exactly what was written; the writer is empty again after it. */
  finish(): Uint8Array {
    if (this.#size > this.#sizeMaxBytes) this.#refuse(this.#size);
    const written = this.#bytes.slice(0, this.#size);
    if (this.#bytes.length <= spareMaxBytes) spare = this.#bytes;
    this.#bytes = noBytes;
    this.#size = 0;
    return written;
  }

  #tag(field: number, wireType: number): void {
    this.#varint(field * 8 + wireType);
  }

  #int32(value: number): void {
    if (value >= 0) {
      this.#varint(value);
      return;
    }
    // Negative numbers are sign-extended to 64 bits, always ten bytes.
    this.#reserve(10);
    for (let i = 0; i < 4; i++) this.#bytes[this.#size++] = ((value >> (7 * i)) & 0x7f) | 0x80;
    this.#bytes[this.#size++] = ((value >> 28) & 0x7f) | 0x80;
    for (let i = 0; i < 4; i++) this.#bytes[this.#size++] = 0xff;
    this.#bytes[this.#size++] = 1;
  }

  #varint(value: number): void {
    // Whole and below 128, as most are.
    if ((value & 0x7f) === value) {
      this.#reserve(1);
      this.#bytes[this.#size++] = value;
      return;
    }
    assert(Number.isSafeInteger(value) && value >= 0, "only unsigned whole numbers are written");
    this.#reserve(8);
    let rest = value;
    // Division, beyond the 32 bits of shifts.
    while (rest > 0x7fff_ffff) {
      this.#bytes[this.#size++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest > 0x7f) {
      this.#bytes[this.#size++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[this.#size++] = rest;
  }

  #reserve(count: number): void {
    const need = this.#size + count;
    if (need <= this.#bytes.length) return;
    // Some slack above the limit, since a length may still take fewer bytes than were reserved.
    if (need > this.#sizeMaxBytes + 64) this.#refuse(need);
    const grown = new Uint8Array(Math.max(need, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#size));
    this.#bytes = grown;
  }

  #refuse(need: number): never {
    throw new ClusterError(
      "limit-exceeded",
      `a message of ${need} bytes was to be sent, at most ${this.#sizeMaxBytes} are accepted; ` +
        "send it in parts",
    );
  }
}
