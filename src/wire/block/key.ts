/** Keys to bytes and back, such that comparing the bytes (memcmp) compares the keys: null < false <
 *  true < numbers by value (−0 is 0) < strings by UTF-8 < arrays by element.
 *
 *  The layout is drawn in docs/protocols/block.md. A top-level string is just its tag and its
 *  bytes: nearly all keys are such strings. Inside an array it is escaped and ended, since
 *  something follows. */
import { ClusterError } from "../../core/error.ts";
import { Arena, Cursor, damaged } from "./arena.ts";
import { Decimal, type DecimalParts, decimalParts, decimalText, doubleBelow } from "./decimal.ts";
import { readText, writeText } from "./text.ts";

/** Keys are compared as bytes: null < false < true < numbers (by value) < strings (UTF-8) < arrays
 *  (by element). A `Decimal` is a number that no double is. */
export type Key = string | number | boolean | null | Decimal | readonly Key[];

export const keyTags = {
  end: 0x00,
  null: 0x10,
  false: 0x20,
  true: 0x21,
  number: 0x30,
  /** Behind the greatest double below a number: its digits follow. */
  decimal: 0x61,
  string: 0x40,
  array: 0x50,
} as const;

/** Longest encoded key of a pair. */
export const keyMaxBytes = 1024 * 1024;
/** Longest encoded key by which a record is sorted, which may be all of the record. */
export const sortKeyMaxBytes = 256 * 1024 * 1024;
/** Deepest array in an array. */
export const keyDepthMax = 200;

const scratch = new DataView(new ArrayBuffer(8));
const checked = new Arena(256);

/** Appends the key's bytes. A value that cannot be a key is a `user-error`; `where` names its
 *  origin. */
export function writeKey(
  arena: Arena,
  key: Key,
  where: string,
  maxBytes: number = keyMaxBytes,
): void {
  const start = arena.length;
  if (typeof key === "string") {
    arena.byte(keyTags.string);
    writeText(arena, key);
  } else {
    writeElement(arena, key, where, 0);
  }
  if (arena.length - start > maxBytes) {
    const sizeBytes = arena.length - start;
    arena.length = start;
    throw new ClusterError(
      "user-error",
      `a key of ${sizeBytes} bytes in ${where}; keys may have ${maxBytes}: ` +
        "use less of it, or a hash of it, as the key",
    );
  }
}

/** The `user-error` of `writeKey`, of a key that is not written as bytes. */
export function checkKey(key: Key, where: string): void {
  checked.length = 0;
  writeKey(checked, key, where);
}

function writeElement(arena: Arena, key: Key, where: string, depth: number): void {
  if (key === null) arena.byte(keyTags.null);
  else if (key === false) arena.byte(keyTags.false);
  else if (key === true) arena.byte(keyTags.true);
  else if (typeof key === "number") writeNumber(arena, key, where);
  else if (typeof key === "string") writeInnerString(arena, key);
  else if (key instanceof Decimal) writeDecimal(arena, key, where);
  else if (Array.isArray(key)) {
    if (depth === keyDepthMax) throw refused(`an array ${keyDepthMax} levels deep`, where);
    arena.byte(keyTags.array);
    for (const element of key as readonly Key[]) writeElement(arena, element, where, depth + 1);
    arena.byte(keyTags.end);
  } else throw refused(key === undefined ? "undefined" : kindOf(key), where);
}

/** IEEE 754 big-endian, with the sign bit flipped (positive) or all bits (negative): memcmp is
 *  `<`. */
function writeNumber(arena: Arena, key: number, where: string): void {
  if (Number.isNaN(key)) throw refused("NaN", where);
  scratch.setFloat64(0, key === 0 ? 0 : key);
  const high = scratch.getUint32(0);
  const negative = high >= 0x80000000;
  scratch.setUint32(0, negative ? ~high : high ^ 0x80000000);
  if (negative) scratch.setUint32(4, ~scratch.getUint32(4));
  arena.byte(keyTags.number);
  arena.reserve(8);
  for (let i = 0; i < 8; i++) arena.bytes[arena.length++] = scratch.getUint8(i);
}

/** Behind the double below it, since a plain number ends or is followed by a lesser tag: the power
 *  of ten, the digits and an end. Of negative numbers all bits of these are flipped. */
function writeDecimal(arena: Arena, key: Decimal, where: string): void {
  writeNumber(arena, doubleBelow(key), where);
  const { negative, digits, power } = decimalParts(key.text) as DecimalParts;
  const flip = negative ? 0xff : 0;
  arena.byte(keyTags.decimal);
  const biased = power + powerBias;
  arena.byte((biased >> 8) ^ flip);
  arena.byte((biased & 0xff) ^ flip);
  for (let i = 0; i < digits.length; i++) arena.byte(digits.charCodeAt(i) ^ flip);
  arena.byte(flip);
}

const powerBias = 0x8000;

/** 00 becomes 00 FF, and 00 01 ends the string: so a string still sorts before all strings that it
 *  is a prefix of. */
function writeInnerString(arena: Arena, text: string): void {
  arena.byte(keyTags.string);
  const start = arena.length;
  writeText(arena, text);
  if (text.includes("\0")) {
    const plain = arena.bytes.slice(start, arena.length);
    arena.length = start;
    arena.reserve(plain.length * 2);
    for (const byte of plain) {
      arena.byte(byte);
      if (byte === 0) arena.byte(0xff);
    }
  }
  arena.byte(0x00);
  arena.byte(0x01);
}

function refused(what: string, where: string): ClusterError {
  return new ClusterError(
    "user-error",
    `${what} is a key in ${where}; keys are strings, numbers, booleans, null, or arrays of these`,
  );
}

function kindOf(value: unknown): string {
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** The key whose bytes are [start, end); all of them. */
export function readKey(bytes: Uint8Array, start: number, end: number): Key {
  if (bytes[start] === keyTags.string && start < end) return readText(bytes, start + 1, end);
  const cursor = new Cursor(bytes, start, end);
  const key = readElement(cursor, 0);
  if (cursor.at !== end) throw damaged("bytes follow a key");
  return key;
}

function readElement(cursor: Cursor, depth: number): Key {
  const tag = cursor.byte();
  switch (tag) {
    case keyTags.null:
      return null;
    case keyTags.false:
      return false;
    case keyTags.true:
      return true;
    case keyTags.number:
      return readAnyNumber(cursor);
    case keyTags.string:
      return readInnerString(cursor);
    case keyTags.array: {
      if (depth === keyDepthMax) throw damaged("a key is too deep");
      const elements: Key[] = [];
      while (cursor.bytes[cursor.at] !== keyTags.end || cursor.at >= cursor.end) {
        elements.push(readElement(cursor, depth + 1));
      }
      cursor.at++;
      return elements;
    }
    default:
      throw damaged(`a key has tag ${tag}`);
  }
}

function readAnyNumber(cursor: Cursor): number | Decimal {
  const below = readNumber(cursor);
  if (cursor.at >= cursor.end || cursor.bytes[cursor.at] !== keyTags.decimal) return below;
  cursor.at++;
  const flip = below < 0 ? 0xff : 0;
  const high = cursor.byte() ^ flip;
  const power = ((high << 8) | (cursor.byte() ^ flip)) - powerBias;
  let digits = "";
  for (let byte = cursor.byte() ^ flip; byte !== 0; byte = cursor.byte() ^ flip) {
    if (byte < 0x30 || byte > 0x39) throw damaged("a number in a key is malformed");
    digits += String.fromCharCode(byte);
  }
  if (digits === "") throw damaged("a number in a key is malformed");
  return new Decimal(decimalText({ negative: below < 0, digits, power }));
}

function readNumber(cursor: Cursor): number {
  const at = cursor.take(8);
  const positive = (cursor.bytes[at] as number) >= 0x80;
  for (let i = 0; i < 8; i++) {
    const byte = cursor.bytes[at + i] as number;
    scratch.setUint8(i, positive ? (i === 0 ? byte ^ 0x80 : byte) : ~byte & 0xff);
  }
  return scratch.getFloat64(0);
}

function readInnerString(cursor: Cursor): string {
  const { at, bytes, end } = cursor;
  const zero = bytes.indexOf(0, at);
  // Nearly all texts have no zeros, and are read from where they are.
  if (zero !== -1 && zero + 1 < end && bytes[zero + 1] === 0x01) {
    cursor.at = zero + 2;
    return readText(bytes, at, zero);
  }
  const plain: number[] = [];
  for (;;) {
    const byte = cursor.byte();
    if (byte !== 0) {
      plain.push(byte);
      continue;
    }
    const next = cursor.byte();
    if (next === 0x01) return readText(Uint8Array.from(plain), 0, plain.length);
    if (next !== 0xff) throw damaged("a string in a key is malformed");
    plain.push(0);
  }
}
