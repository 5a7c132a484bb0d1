/** Values to bytes and back: deterministic (equal values, equal bytes), tagged, small for small
 *  numbers.
 *
 *  The layout is drawn in docs/protocols/block.md. What would not read back as it was (functions,
 *  symbols, bigint, class instances, cycles) is refused, with its type and place. */
import { ClusterError } from "../../core/error.ts";
import { type Arena, Cursor, damaged } from "./arena.ts";
import { Decimal } from "./decimal.ts";
import { isPlain, refusal, valueDepthMax } from "./refusal.ts";
import { readText, writeText } from "./text.ts";

/** JSON-like data that can be emitted. Class instances, functions, symbols, bigint and cycles are
 *  refused. */
export type Value =
  | string
  | number
  | boolean
  | null
  | undefined
  | Uint8Array
  | Decimal
  | readonly Value[]
  | { readonly [name: string]: Value };

export const valueTags = {
  undefined: 0,
  null: 1,
  false: 2,
  true: 3,
  integer: 4,
  double: 5,
  string: 6,
  bytes: 7,
  array: 8,
  object: 9,
  /** 10 is Python's. */
  decimal: 11,
} as const;

/** Largest encoded value. */
export const valueMaxBytes = 256 * 1024 * 1024;
/** Whole numbers below this size are varints; zigzag of them stays exact in a double. */
const integerLimit = 2 ** 48;

const scratch = new DataView(new ArrayBuffer(8));

/** Appends the value's bytes. What cannot be stored is a `user-error`; `where` names its origin. */
export function writeValue(arena: Arena, value: unknown, where: string): void {
  const start = arena.length;
  if (!write(arena, value, 0)) {
    arena.length = start;
    throw refusal(value, where, false);
  }
  if (arena.length - start > valueMaxBytes) {
    const sizeBytes = arena.length - start;
    arena.length = start;
    throw new ClusterError(
      "user-error",
      `a value of ${sizeBytes} bytes in ${where}; values may have ${valueMaxBytes}: ` +
        "emit it in parts",
    );
  }
}

/** False when something in the value cannot be stored; the slow search for what and where is in
 *  `refusal`. */
function write(arena: Arena, value: unknown, depth: number): boolean {
  if (typeof value === "number") writeNumber(arena, value);
  else if (typeof value === "string") {
    arena.byte(valueTags.string);
    writeSizedText(arena, value);
  } else if (value === null) arena.byte(valueTags.null);
  else if (value === undefined) arena.byte(valueTags.undefined);
  else if (typeof value === "boolean") arena.byte(value ? valueTags.true : valueTags.false);
  else if (typeof value !== "object" || depth > valueDepthMax) return false;
  else if (Array.isArray(value)) return writeArray(arena, value, depth);
  else if (value instanceof Uint8Array) {
    arena.byte(valueTags.bytes);
    arena.varint(value.length);
    arena.append(value);
  } else if (value instanceof Decimal) {
    arena.byte(valueTags.decimal);
    writeSizedText(arena, value.text);
  } else return isPlain(value) && writeObject(arena, value, depth);
  return true;
}

function writeArray(arena: Arena, value: readonly unknown[], depth: number): boolean {
  arena.byte(valueTags.array);
  arena.varint(value.length);
  for (let i = 0; i < value.length; i++) {
    if (!write(arena, value[i], depth + 1)) return false;
  }
  return true;
}

function writeObject(arena: Arena, value: object, depth: number): boolean {
  const names = Object.keys(value);
  arena.byte(valueTags.object);
  arena.varint(names.length);
  for (const name of names) {
    writeSizedText(arena, name);
    if (!write(arena, (value as Record<string, unknown>)[name], depth + 1)) return false;
  }
  return true;
}

function writeNumber(arena: Arena, value: number): void {
  if ((value | 0) === value && value < 0x40000000 && value >= -0x40000000) {
    if (value !== 0 || !Object.is(value, -0)) {
      arena.byte(valueTags.integer);
      arena.varint(((value << 1) ^ (value >> 31)) >>> 0);
      return;
    }
  } else if (Number.isInteger(value) && value < integerLimit && value > -integerLimit) {
    arena.byte(valueTags.integer);
    arena.varint(value < 0 ? -2 * value - 1 : 2 * value);
    return;
  }
  // One NaN only: its payload bits differ between engines.
  scratch.setFloat64(0, Number.isNaN(value) ? Number.NaN : value, true);
  if (Number.isNaN(value)) scratch.setUint32(4, 0x7ff80000, true);
  arena.byte(valueTags.double);
  arena.reserve(8);
  for (let i = 0; i < 8; i++) arena.bytes[arena.length++] = scratch.getUint8(i);
}

/** Length, then bytes. The length is known only afterwards, so a long text is moved into place. */
function writeSizedText(arena: Arena, text: string): void {
  const room = text.length < 43 ? 1 : 5;
  arena.reserve(room + text.length * 3);
  const start = arena.length;
  arena.length = start + room;
  writeText(arena, text);
  const end = arena.length;
  arena.length = start;
  arena.varint(end - start - room);
  if (arena.length !== start + room) arena.bytes.copyWithin(arena.length, start + room, end);
  arena.length += end - start - room;
}

/** The value whose bytes are [start, end); all of them. */
export function readValue(bytes: Uint8Array, start: number, end: number): Value {
  if (end - start === 2 && bytes[start] === valueTags.integer) {
    const byte = bytes[start + 1] as number;
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1);
  }
  const cursor = new Cursor(bytes, start, end);
  const value = read(cursor, 0);
  if (cursor.at !== end) throw damaged("bytes follow a value");
  return value;
}

function read(cursor: Cursor, depth: number): Value {
  const tag = cursor.byte();
  switch (tag) {
    case valueTags.undefined:
      return undefined;
    case valueTags.null:
      return null;
    case valueTags.false:
      return false;
    case valueTags.true:
      return true;
    case valueTags.integer: {
      const zigzag = cursor.varint();
      return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
    }
    case valueTags.double: {
      const at = cursor.take(8);
      for (let i = 0; i < 8; i++) scratch.setUint8(i, cursor.bytes[at + i] as number);
      return scratch.getFloat64(0, true);
    }
    case valueTags.string:
      return readSizedText(cursor);
    case valueTags.decimal:
      return new Decimal(readSizedText(cursor));
    case valueTags.bytes: {
      const sizeBytes = cursor.varint();
      const at = cursor.take(sizeBytes);
      return cursor.bytes.slice(at, at + sizeBytes);
    }
    case valueTags.array:
    case valueTags.object:
      if (depth > valueDepthMax) throw damaged("a value is too deep");
      return tag === valueTags.array ? readArray(cursor, depth) : readObject(cursor, depth);
    default:
      throw damaged(`a value has tag ${tag}`);
  }
}

function readSizedText(cursor: Cursor): string {
  const sizeBytes = cursor.varint();
  const at = cursor.take(sizeBytes);
  return readText(cursor.bytes, at, at + sizeBytes);
}

function readArray(cursor: Cursor, depth: number): Value[] {
  const count = cursor.varint();
  // An element has at least one byte, so a larger count is wrong: allocate nothing for it.
  if (count > cursor.end - cursor.at) throw damaged("an array is longer than its bytes");
  const elements: Value[] = [];
  for (let i = 0; i < count; i++) elements.push(read(cursor, depth + 1));
  return elements;
}

function readObject(cursor: Cursor, depth: number): Value {
  const count = cursor.varint();
  if (count > cursor.end - cursor.at) throw damaged("an object is longer than its bytes");
  const object: Record<string, Value> = {};
  for (let i = 0; i < count; i++) {
    const name = readSizedText(cursor);
    const value = read(cursor, depth + 1);
    if (name === "__proto__") {
      Object.defineProperty(object, name, {
        value,
        enumerable: true,
        configurable: true,
        writable: true,
      });
    } else {
      object[name] = value;
    }
  }
  return object;
}
