/** Node's `Buffer` in a tab, as far as kernels use it; job code that uses more gets the engine's
 *  error. */
import { hexOf } from "../../../wire/hex.ts";
import { isAscii } from "./ascii.ts";

type Encoding = "utf8" | "latin1" | "utf16le" | "hex" | "base64";
type Source = string | ArrayLike<number> | ArrayBufferLike;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
/** Arguments of one call; engines have a limit. */
const codesMax = 8 * 1024;
/** From so many bytes on a decoder's call pays: it gives ASCII as one-byte strings at some GB/s. */
const decodedFromBytes = 64;

export class TabBuffer extends Uint8Array<ArrayBuffer> {
  // Also what views are made by.
  constructor(source: number | ArrayBuffer, at?: number, length?: number) {
    super(source as ArrayBuffer, at, length);
  }

  static alloc(sizeBytes: number): TabBuffer {
    return new TabBuffer(sizeBytes);
  }

  static allocUnsafe(sizeBytes: number): TabBuffer {
    return new TabBuffer(sizeBytes);
  }

  static allocUnsafeSlow(sizeBytes: number): TabBuffer {
    return new TabBuffer(sizeBytes);
  }

  static byteLength(text: string): number {
    return encoder.encode(text).length;
  }

  static concat(parts: readonly Uint8Array[], sizeBytes?: number): TabBuffer {
    const size = sizeBytes ?? parts.reduce((sum, part) => sum + part.length, 0);
    const whole = new TabBuffer(size);
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  static override from(source: Source | Iterable<number>, ...rest: unknown[]): TabBuffer {
    if (typeof source === "string") return bytesOf(source, (rest[0] as Encoding) ?? "utf8");
    if (source instanceof ArrayBuffer) {
      return new TabBuffer(source, rest[0] as number | undefined, rest[1] as number | undefined);
    }
    const copy = new TabBuffer((source as ArrayLike<number>).length);
    copy.set(source as ArrayLike<number>);
    return copy;
  }

  static override of(...bytes: number[]): TabBuffer {
    return TabBuffer.from(bytes);
  }

  override toString(encoding: Encoding = "utf8", start = 0, end = this.length): string {
    const bytes = start === 0 && end === this.length ? this : this.subarray(start, end);
    if (encoding === "utf8") return decoder.decode(bytes);
    if (encoding === "latin1") return latin1Of(bytes);
    if (encoding === "hex") return hexOf(bytes);
    if (encoding === "base64") return btoa(latin1Of(bytes));
    return textOf(new Uint16Array(bytes.slice().buffer));
  }

  override indexOf(wanted: number | string, from = 0): number {
    if (typeof wanted === "number") return super.indexOf(wanted, from);
    const bytes = encoder.encode(wanted);
    const [first] = bytes;
    if (first === undefined) return from;
    for (let at = super.indexOf(first, from); at !== -1; at = super.indexOf(first, at + 1)) {
      let same = 1;
      while (same < bytes.length && this[at + same] === bytes[same]) same++;
      if (same === bytes.length) return at;
    }
    return -1;
  }

  override subarray(from?: number, to?: number): TabBuffer {
    return super.subarray(from, to) as TabBuffer;
  }

  copy(target: Uint8Array, at = 0): number {
    target.set(this, at);
    return this.length;
  }

  equals(other: Uint8Array): boolean {
    if (other.length !== this.length) return false;
    for (let at = 0; at < this.length; at++) if (this[at] !== other[at]) return false;
    return true;
  }

  readUInt32LE(at: number): number {
    return viewOf(this).getUint32(at, true);
  }

  writeUInt32LE(value: number, at: number): void {
    viewOf(this).setUint32(at, value, true);
  }

  readBigUInt64LE(at: number): bigint {
    return viewOf(this).getBigUint64(at, true);
  }

  writeBigUInt64LE(value: bigint, at: number): void {
    viewOf(this).setBigUint64(at, value, true);
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function bytesOf(text: string, encoding: Encoding): TabBuffer {
  if (encoding === "utf8") {
    const { buffer, byteOffset, length } = encoder.encode(text);
    return new TabBuffer(buffer, byteOffset, length);
  }
  if (encoding === "utf16le") {
    const codes = Uint16Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
    return new TabBuffer(codes.buffer);
  }
  if (encoding === "hex") {
    return TabBuffer.from((text.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16)));
  }
  const latin1 = encoding === "base64" ? atob(text) : text;
  const bytes = new TabBuffer(latin1.length);
  for (let i = 0; i < latin1.length; i++) bytes[i] = latin1.charCodeAt(i);
  return bytes;
}

function latin1Of(bytes: Uint8Array): string {
  if (bytes.length >= decodedFromBytes && isAscii(bytes)) return decoder.decode(bytes);
  return textOf(bytes);
}

/** With `apply`: spreading typed arrays takes seven times as long. */
function textOf(codes: Uint8Array | Uint16Array): string {
  let text = "";
  for (let at = 0; at < codes.length; at += codesMax) {
    const part = codes.subarray(at, at + codesMax);
    text += String.fromCharCode.apply(null, part as unknown as number[]);
  }
  return text;
}
