/** Reads the protobuf wire format field by field, without knowledge of messages.
 *
 *  1. Reading never passes the end that was given, and every step moves forward: no input can hang
 *     it.
 *  2. Malformed input throws `protocol-violated`, with the position of the byte.
 *  3. Returned bytes and texts are copies: they do not keep the received frame alive. Only a `view`
 *     does, for content that is too large to be copied. */
import { ClusterError } from "../../core/error.ts";
import { TextDecoder } from "../utf8.ts";
import { wireTypes } from "./wire-types.ts";

/** Deepest nesting of groups in an unknown field. */
export const groupDepthMax = 64;

// Without `ignoreBOM` a leading U+FEFF would be lost.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export class ProtobufReader {
  readonly #bytes: Uint8Array;
  #at: number;
  readonly #end: number;
  #wireType = 0;
  /** The last varint: its low and high 32 bits. */
  #low = 0;
  #high = 0;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    // A Node Buffer is a Uint8Array whose `slice` does not copy: use a plain view of it.
    this.#bytes =
      bytes.constructor === Uint8Array
        ? bytes
        : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = start;
    this.#end = end;
  }

  /** Bytes from here to the end. */
  get left(): number {
    return this.#end - this.#at;
  }

  /** Moves to the next field and returns its number; 0 at the end. */
  next(): number {
    if (this.#at >= this.#end) return 0;
    const from = this.#at;
    this.#varint();
    if (this.#high !== 0 || this.#at - from > 5) this.fail("field number out of range");
    this.#wireType = this.#low & 7;
    const field = this.#low >>> 3;
    if (field === 0) this.fail("field number 0");
    return field;
  }

  /** Unsigned, at most 2^53 − 1, the limit of a JavaScript number. */
  uint(): number {
    this.#expect(wireTypes.varint);
    return this.#uint();
  }

  /** Enumerations and int32: the low 32 bits, signed, as in protobuf. */
  int32(): number {
    this.#expect(wireTypes.varint);
    this.#varint();
    return this.#low | 0;
  }

  bool(): boolean {
    this.#expect(wireTypes.varint);
    this.#varint();
    return this.#low !== 0 || this.#high !== 0;
  }

  bytes(maxBytes: number): Uint8Array {
    const start = this.#open(maxBytes);
    return this.#bytes.slice(start, this.#at);
  }

  /** A view of the bytes, valid as long as the message is. */
  view(maxBytes: number): Uint8Array {
    const start = this.#open(maxBytes);
    return this.#bytes.subarray(start, this.#at);
  }

  /** UTF-8, checked. */
  text(maxBytes: number): string {
    const start = this.#open(maxBytes);
    try {
      return decoder.decode(this.#bytes.subarray(start, this.#at));
    } catch {
      return this.fail("text that is not UTF-8");
    }
  }

  /** The field's content as a message of its own. */
  message(): ProtobufReader {
    const start = this.#open(Number.POSITIVE_INFINITY);
    return new ProtobufReader(this.#bytes, start, this.#at);
  }

  /** Elements of a repeated enumeration: one, or several packed in one field. */
  int32List(each: (value: number) => void): void {
    if (this.#wireType !== wireTypes.bytes) {
      each(this.int32());
      return;
    }
    const packed = this.message();
    while (packed.left > 0) {
      packed.#varint();
      each(packed.#low | 0);
    }
  }

  /** A varint length and that many bytes, without a field number: the framing of a stream of
   *  messages. */
  delimited(): ProtobufReader {
    this.#wireType = wireTypes.bytes;
    return this.message();
  }

  /** Skips the field that `next` came to, whatever it holds. */
  skip(): void {
    if (this.#wireType === wireTypes.startGroup) this.#skipGroup();
    else this.#skipValue();
  }

  fail(what: string): never {
    throw new ClusterError(
      "protocol-violated",
      `${what} at byte ${this.#at} of a received message; the link is closed. ` +
        "Check that the peer speaks this version of the protocol",
    );
  }

  #skipValue(): void {
    if (this.#wireType === wireTypes.varint) this.#varint();
    else if (this.#wireType === wireTypes.bytes) this.#advance(this.#uint());
    else if (this.#wireType === wireTypes.fixed32) this.#advance(4);
    else if (this.#wireType === wireTypes.fixed64) this.#advance(8);
    else this.fail(`unexpected wire type ${this.#wireType}`);
  }

  /** With an explicit stack: the depth is the sender's choice. */
  #skipGroup(): void {
    const open = [this.#low >>> 3];
    while (open.length > 0) {
      const field = this.next();
      if (field === 0) this.fail("group without an end");
      if (this.#wireType === wireTypes.startGroup) {
        if (open.length === groupDepthMax) this.fail(`more than ${groupDepthMax} nested groups`);
        open.push(field);
      } else if (this.#wireType === wireTypes.endGroup) {
        if (open.pop() !== field) this.fail("group ended by another field");
      } else this.#skipValue();
    }
  }

  /** Reads a length and skips its bytes; returns where the bytes start. */
  #open(maxBytes: number): number {
    this.#expect(wireTypes.bytes);
    const length = this.#uint();
    if (length > maxBytes) this.fail(`${length} bytes where at most ${maxBytes} are accepted`);
    const start = this.#at;
    this.#advance(length);
    return start;
  }

  #expect(wireType: number): void {
    if (this.#wireType !== wireType) {
      this.fail(`wire type ${this.#wireType} instead of ${wireType}`);
    }
  }

  #advance(count: number): void {
    if (count > this.#end - this.#at) this.fail(`${count} bytes announced, ${this.left} left`);
    this.#at += count;
  }

  #uint(): number {
    this.#varint();
    if (this.#high > 0x1f_ffff) this.fail("number above 2^53 - 1");
    return this.#high * 0x1_0000_0000 + this.#low;
  }

  #varint(): void {
    const bytes = this.#bytes;
    // One byte, as most are.
    if (this.#at < this.#end && bytes[this.#at]! < 0x80) {
      this.#low = bytes[this.#at++]!;
      this.#high = 0;
      return;
    }
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.#at >= this.#end) this.fail("the message is cut off");
      const byte = bytes[this.#at++]!;
      const part = byte & 0x7f;
      if (shift < 28) low |= part << shift;
      else if (shift === 28) {
        low |= part << 28;
        high = part >>> 4;
      } else high |= part << (shift - 32);
      if (byte < 0x80) {
        if (shift === 63 && byte > 1) this.fail("varint above 64 bits");
        this.#low = low >>> 0;
        this.#high = high >>> 0;
        return;
      }
    }
    this.fail("varint longer than 10 bytes");
  }
}
