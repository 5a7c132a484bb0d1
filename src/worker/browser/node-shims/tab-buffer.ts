/** Node's `Buffer` in a tab: kernels and job code use it as they do in a task process. Left out are
 *  the deprecated constructor without `new`, `inspect`, and the methods that Node does not
 *  document; memory is never shared between buffers, and never left uninitialised. */
import { bytesOf, type Encoding, encodingOf, sizeOf, textOf } from "./buffer-codecs.ts";
import {
  checkWhole,
  invalidValue,
  outOfBounds,
  outOfRange,
  unknownEncoding,
  wrongSize,
  wrongType,
} from "./buffer-errors.ts";
import { type NumberMethods, numberMethods } from "./buffer-numbers.ts";
import { search } from "./buffer-search.ts";

type Given = string | ArrayLike<number> | ArrayBufferLike | Iterable<number> | object;

/** The largest that Node's own may be. */
const sizeMax = Number.MAX_SAFE_INTEGER;

function known(encoding: unknown): Encoding {
  if (encoding === undefined || encoding === null || encoding === "") return "utf8";
  const found = encodingOf(encoding);
  if (found === null) throw unknownEncoding(encoding);
  return found;
}

// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: a loop below defines what it adds.
export class TabBuffer extends Uint8Array<ArrayBuffer> {
  static poolSize = 0;

  // Also what views are made by.
  constructor(source: number | ArrayBuffer | string, at?: number | string, length?: number) {
    if (typeof source === "string") super(bytesOf(source, known(at)).buffer as ArrayBuffer);
    else super(source as ArrayBuffer, at as number, length);
  }

  static alloc(sizeBytes: number, fill?: unknown, encoding?: string): TabBuffer {
    const made = new TabBuffer(checkWhole(sizeBytes, "size", 0, sizeMax));
    if (fill === undefined || fill === 0 || sizeBytes === 0) return made;
    return made.fill(fill, 0, sizeBytes, encoding);
  }

  static allocUnsafe(sizeBytes: number): TabBuffer {
    return TabBuffer.alloc(sizeBytes);
  }

  static allocUnsafeSlow(sizeBytes: number): TabBuffer {
    return TabBuffer.alloc(sizeBytes);
  }

  static byteLength(text: unknown, encoding?: unknown): number {
    if (typeof text === "string") return sizeOf(text, encodingOf(encoding) ?? "utf8");
    if (ArrayBuffer.isView(text) || isMemory(text)) return text.byteLength;
    throw wrongType("string", "of type string or an instance of Buffer or ArrayBuffer", text);
  }

  static compare(one: Uint8Array, other: Uint8Array): -1 | 0 | 1 {
    return order(checkBytes(one, "buf1"), checkBytes(other, "buf2"));
  }

  static concat(parts: readonly Uint8Array[], sizeBytes?: number): TabBuffer {
    if (!Array.isArray(parts)) throw wrongType("list", "an instance of Array", parts);
    for (const [index, part] of parts.entries()) checkBytes(part, `list[${index}]`);
    const size = sizeBytes ?? parts.reduce((sum, part) => sum + part.length, 0);
    if (parts.length === 0) return new TabBuffer(0);
    const whole = new TabBuffer(checkWhole(size, "length", 0, sizeMax));
    let at = 0;
    for (const part of parts) {
      if (at + part.length > size) {
        whole.set(part.subarray(0, size - at), at);
        break;
      }
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  /** Elements of any typed array as bytes. */
  static copyBytesFrom(view: ArrayBufferView, offset = 0, length?: number): TabBuffer {
    if (!ArrayBuffer.isView(view) || view instanceof DataView) {
      throw wrongType("view", "an instance of TypedArray", view);
    }
    const elements = view as Uint8Array<ArrayBuffer>;
    if (elements.length === 0) return new TabBuffer(0);
    const from = checkWhole(offset, "offset", 0, sizeMax);
    const end = length === undefined ? undefined : from + checkWhole(length, "length", 0, sizeMax);
    const { buffer, byteLength, byteOffset } = elements.slice(from, end);
    return new TabBuffer(buffer, byteOffset, byteLength);
  }

  static override from(source: Given, ...rest: unknown[]): TabBuffer {
    if (typeof source === "string") {
      const bytes = bytesOf(source, typeof rest[0] === "string" ? known(rest[0]) : "utf8");
      return new TabBuffer(bytes.buffer, bytes.byteOffset, bytes.length);
    }
    if (source instanceof ArrayBuffer) return within(source, rest[0], rest[1]);
    if (source instanceof Uint8Array) return copyOf(source);
    if (typeof source !== "object" || source === null) throw notBytes(source);
    if (isMemory(source)) return within(source as ArrayBuffer, rest[0], rest[1]);
    const value: unknown = source.valueOf?.();
    const isOther = value !== null && value !== undefined && value !== source;
    if (isOther && (typeof value === "string" || typeof value === "object")) {
      return TabBuffer.from(value as Given, ...rest);
    }
    const list = listOf(source as Listed);
    if (list !== null) return copyOf(list);
    const primitive = (source as Listed)[Symbol.toPrimitive];
    const text = typeof primitive === "function" ? primitive.call(source, "string") : null;
    if (typeof text === "string") return TabBuffer.from(text, ...rest);
    throw notBytes(source);
  }

  static isBuffer(value: unknown): value is TabBuffer {
    return value instanceof TabBuffer;
  }

  static isEncoding(name: unknown): boolean {
    return typeof name === "string" && name !== "" && encodingOf(name) !== null;
  }

  static override of(...bytes: number[]): TabBuffer {
    return TabBuffer.from(bytes);
  }

  get parent(): ArrayBuffer {
    return this.buffer;
  }

  get offset(): number {
    return this.byteOffset;
  }

  override toString(encoding?: unknown, start: unknown = 0, end?: unknown): string {
    const from = Math.max(0, Math.trunc(Number(start)) || 0);
    const to = end === undefined ? this.length : Math.trunc(Number(end)) || 0;
    if (from >= this.length || to <= from) return "";
    const name = known(encoding);
    const isAll = from === 0 && to >= this.length;
    return textOf(isAll ? this : super.subarray(from, Math.min(to, this.length)), name);
  }

  override toLocaleString(encoding?: unknown): string {
    return this.toString(encoding);
  }

  toJSON(): { readonly type: "Buffer"; readonly data: number[] } {
    return { type: "Buffer", data: Array.from(this) };
  }

  /** `write(text)`, `(text, encoding)`, `(text, offset)`, `(text, offset, encoding)`, `(text,
   *  offset, length, encoding)`. Returns the bytes written: of UTF-8 and UTF-16 whole characters
   *  only. */
  write(text: string, at?: unknown, most?: unknown, encoding?: unknown): number {
    if (typeof text !== "string") throw wrongType("argument", "of type string", text);
    if (at === undefined) return put(this, { text, from: 0, most: this.length, how: "utf8" });
    if (most === undefined && typeof at === "string") {
      return put(this, { text, from: 0, most: this.length, how: known(at) });
    }
    const from = checkWhole(at, "offset", 0, this.length);
    if (typeof most === "string") {
      return put(this, { text, from, most: this.length, how: known(most) });
    }
    const length = most === undefined ? this.length : checkWhole(most, "length", 0, this.length);
    return put(this, { text, from, most: length, how: known(encoding) });
  }

  override fill(value: unknown, start?: unknown, end?: unknown, encoding?: unknown): this {
    const isText = typeof value === "string";
    // Of a text the encoding may come in place of each of the two.
    const [first, last, name] =
      start === undefined || (isText && typeof start === "string")
        ? [undefined, undefined, start]
        : isText && typeof end === "string"
          ? [start, undefined, end]
          : [start, end, encoding];
    const how = isText ? known(name) : "utf8";
    const from = first === undefined ? 0 : checkWhole(first, "offset", 0, sizeMax);
    const to = last === undefined ? this.length : checkWhole(last, "end", 0, this.length);
    if (from >= to) return this;
    const pattern = patternOf(value, how);
    if (typeof pattern === "number") return super.fill(pattern, from, to);
    for (let at = from; at < to; at++) this[at] = pattern[(at - from) % pattern.length] as number;
    return this;
  }

  override indexOf(wanted: unknown, from?: unknown, encoding?: unknown): number {
    return search(this, wanted, { from, encoding, isForward: true });
  }

  override lastIndexOf(wanted: unknown, from?: unknown, encoding?: unknown): number {
    return search(this, wanted, { from, encoding, isForward: false });
  }

  override includes(wanted: unknown, from?: unknown, encoding?: unknown): boolean {
    return this.indexOf(wanted, from, encoding) !== -1;
  }

  override subarray(from?: number, to?: number): TabBuffer {
    return super.subarray(from, to) as TabBuffer;
  }

  override slice(from?: number, to?: number): TabBuffer {
    return this.subarray(from, to);
  }

  copy(target: Uint8Array, at: unknown = 0, start: unknown = 0, end?: unknown): number {
    checkBytes(target, "target");
    const into = place(at, "targetStart", Number.POSITIVE_INFINITY);
    const from = place(start, "sourceStart", this.length);
    const to = end === undefined ? this.length : place(end, "sourceEnd", Number.POSITIVE_INFINITY);
    if (into >= target.length || from >= to) return 0;
    const count = Math.min(to - from, target.length - into, this.length - from);
    target.set(super.subarray(from, from + count), into);
    return count;
  }

  equals(other: Uint8Array): boolean {
    checkBytes(other, "otherBuffer");
    return other.length === this.length && order(this, other) === 0;
  }

  compare(other: Uint8Array, ...ends: Array<number | undefined>): -1 | 0 | 1 {
    checkBytes(other, "target");
    const [start = 0, end = other.length, from = 0, to = this.length] = ends;
    const theirs = [
      checkWhole(start, "targetStart", 0, sizeMax),
      checkWhole(end, "targetEnd", 0, other.length),
    ] as const;
    const mine = [
      checkWhole(from, "sourceStart", 0, sizeMax),
      checkWhole(to, "sourceEnd", 0, this.length),
    ] as const;
    if (mine[0] >= mine[1]) return theirs[0] >= theirs[1] ? 0 : -1;
    if (theirs[0] >= theirs[1]) return 1;
    return order(super.subarray(...mine), other.subarray(...theirs));
  }

  swap16(): this {
    return swap(this, 2, "16-bits");
  }

  swap32(): this {
    return swap(this, 4, "32-bits");
  }

  swap64(): this {
    return swap(this, 8, "64-bits");
  }
}

export interface TabBuffer extends NumberMethods {}

for (const [name, value] of Object.entries(numberMethods())) {
  Object.defineProperty(TabBuffer.prototype, name, { value, writable: true, configurable: true });
}

type Listed = {
  readonly length?: unknown;
  readonly buffer?: unknown;
  readonly type?: unknown;
  readonly data?: unknown;
  readonly [Symbol.toPrimitive]?: (hint: "string") => unknown;
};

/** Numbers in order, or null when it is no list. */
function listOf(of: Listed): ArrayLike<number> | null {
  if (of.length !== undefined || isMemory(of.buffer)) {
    return typeof of.length === "number" ? (of as ArrayLike<number>) : [];
  }
  return of.type === "Buffer" && Array.isArray(of.data) ? (of.data as number[]) : null;
}

function copyOf(list: ArrayLike<number>): TabBuffer {
  const copy = new TabBuffer(Math.max(0, Math.trunc(list.length) || 0));
  copy.set(list);
  return copy;
}

function isMemory(value: unknown): value is ArrayBufferLike {
  return Object.prototype.toString.call(value) === "[object ArrayBuffer]";
}

function notBytes(got: unknown): Error {
  const expected = "of type string or an instance of Buffer, ArrayBuffer, or Array";
  return wrongType("first argument", expected, got);
}

/** The same memory. */
function within(memory: ArrayBuffer, at: unknown, length: unknown): TabBuffer {
  const from = Number(at ?? 0) || 0;
  const room = memory.byteLength - from;
  if (room < 0) throw outOfBounds("offset");
  if (length === undefined) return new TabBuffer(memory, from, room);
  const asked = Number(length);
  if (asked > room) throw outOfBounds("length");
  return new TabBuffer(memory, from, asked > 0 ? asked : 0);
}

function checkBytes(value: unknown, name: string): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw wrongType(name, "an instance of Buffer or Uint8Array", value);
}

function place(value: unknown, name: string, max: number): number {
  const at = Math.trunc(Number(value)) || 0;
  if (at < 0 || at > max) throw outOfRange(name, `>= 0 && <= ${max}`, value);
  return at;
}

function order(one: Uint8Array, other: Uint8Array): -1 | 0 | 1 {
  const both = Math.min(one.length, other.length);
  for (let at = 0; at < both; at++) {
    const [a, b] = [one[at] as number, other[at] as number];
    if (a !== b) return a < b ? -1 : 1;
  }
  if (one.length === other.length) return 0;
  return one.length < other.length ? -1 : 1;
}

function put(
  into: Uint8Array,
  of: {
    readonly text: string;
    readonly from: number;
    readonly most: number;
    readonly how: Encoding;
  },
): number {
  const { from, how, most, text } = of;
  const fits = wholeCharacters(bytesOf(text, how), Math.min(most, into.length - from), how);
  into.set(fits, from);
  return fits.length;
}

function wholeCharacters(bytes: Uint8Array, length: number, encoding: Encoding): Uint8Array {
  if (bytes.length <= length) return bytes;
  if (encoding === "utf16le") return bytes.subarray(0, length & ~1);
  let end = length;
  // Not in the middle of a character.
  if (encoding === "utf8") while (end > 0 && ((bytes[end] as number) & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end);
}

/** What is repeated: one byte, or several. */
function patternOf(value: unknown, encoding: Encoding): number | Uint8Array {
  if (typeof value === "string" || value instanceof Uint8Array) {
    if (value === "") return 0;
    const bytes = typeof value === "string" ? bytesOf(value, encoding) : Uint8Array.from(value);
    if (bytes.length === 0) throw invalidValue("value", value);
    return bytes.length === 1 ? (bytes[0] as number) : bytes;
  }
  return typeof value === "boolean" ? Number(value) : (value as number) & 0xff;
}

function swap<T extends TabBuffer>(bytes: T, size: number, bits: string): T {
  if (bytes.length % size !== 0) throw wrongSize(bits);
  for (let at = 0; at < bytes.length; at += size) {
    Uint8Array.prototype.subarray.call(bytes, at, at + size).reverse();
  }
  return bytes;
}
