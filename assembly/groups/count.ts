/** Counts, adds up or compares the rows that were found, each at its key. */
import { allocate, copyWord } from "../space";
import {
  decimals,
  digits,
  digitsMax,
  power,
  raise,
  readNumber,
  restoreNumber,
  sumMax,
} from "./numbers";
import {
  addOdd,
  clearRows,
  kindNull,
  kindNumber,
  kindShift,
  kindText,
  kindTrue,
  lengthMask,
  rowBytes,
  rowsAt,
  rowsEnd,
} from "./rows";
import {
  accumulator,
  find,
  hashOf,
  isFar,
  isNew,
  keyMaxBytes,
  lookAhead,
  scaleOf,
  setScale,
  take,
} from "./table";
import { isPlainText } from "./utf8";

/** What is done with the number of a row. */
export const opCount: u32 = 0;
export const opSum: u32 = 1;
export const opMin: u32 = 2;
export const opMax: u32 = 3;
/** Nothing: rows whose key is new are odd. */
export const opFirst: u32 = 4;

export const tagNull: u32 = 0x10;
export const tagFalse: u32 = 0x20;
export const tagTrue: u32 = 0x21;
export const tagNumber: u32 = 0x30;
export const tagText: u32 = 0x40;
export const tagArray: u32 = 0x50;

export let op: u32 = 0;
/** Fields of the row that are its key, and of the number. */
let keyFields: usize = 0;
let keyCount: u32 = 0;
let numberField: u32 = 0;
/** A key of several columns, or a number, is put together here. */
let made: usize = 0;
/** Of the keys of rows that are looked at ahead, u32 each. */
let hashes: usize = 0;

/** The key of the row at hand. */
let keyTag: u32 = 0;
let keyAt: usize = 0;
let keyLength: u32 = 0;

export function startCount(op_: u32, keys: u32): void {
  op = op_;
  keyCount = keys;
  keyFields = allocate((keys + 1) * 4);
  made = allocate(keyMaxBytes + 64);
  hashes = allocate(aheadRows * 4);
}

export function setKeyField(key: u32, field: u32): void {
  store<u32>(keyFields + (key << 2), field);
}

export function setNumberField(field: u32): void {
  numberField = field;
}

// @ts-ignore: decorator
@inline
function fieldOf(row: usize, key: u32): usize {
  return row + 8 + (<usize>load<u32>(keyFields + (key << 2)) << 3);
}

/** Counts all rows that were found, and forgets them. */
export function countFound(): void {
  let row = rowsAt;
  while (row < rowsEnd) {
    const end = min(rowsEnd, row + aheadRows * rowBytes);
    if (isFar()) lookAtKeys(row, end);
    for (; row < end; row += rowBytes) {
      if (!countRow(row)) addOdd(load<u32>(row), load<u32>(row, 4));
    }
  }
  clearRows();
}

/** Rows whose keys are looked for in memory at once. */
const aheadRows: u32 = 128;

/** Brings what the keys of the rows [from, end) are compared with near. */
function lookAtKeys(from: usize, end: usize): void {
  let to = hashes;
  for (let row = from; row < end; row += rowBytes) {
    if (!makeKey(row)) continue;
    store<u32>(to, hashOf(keyTag, keyAt, keyLength));
    to += 4;
  }
  lookAhead(hashes, <u32>(to - hashes) >> 2);
}

/** False when the row is odd. */
function countRow(row: usize): bool {
  const hasNumber = op != opCount && op != opFirst;
  if (hasNumber) {
    const field = row + 8 + (<usize>numberField << 3);
    const length = load<u32>(field, 4);
    // Nothing is there to be added or compared.
    if (length == 0 || length == kindNull << kindShift) return true;
    const isDigits = length < (kindNull << kindShift);
    if (!isDigits || !readNumber(load<u32>(field), length & lengthMask, digitsMax)) return false;
  }
  if (!makeKey(row)) return false;
  let slot = find(keyTag, keyAt, keyLength);
  if (isNew) {
    if (!hasPlainKey(row)) return false;
    slot = take(slot, keyTag, keyAt, keyLength);
    // The host reads the first row of each key.
    if (op == opFirst) return false;
    addFirst(slot);
    return true;
  }
  return add(slot);
}

/** False when it has none that the kernel makes. */
// @ts-ignore: decorator
@inline
function makeKey(row: usize): bool {
  if (keyCount != 1) return manyKey(row);
  const field = fieldOf(row, 0);
  const length = load<u32>(field, 4);
  if (length > keyMaxBytes) return otherKey(field);
  keyTag = tagText;
  keyAt = load<u32>(field);
  keyLength = length;
  return true;
}

function addFirst(slot: usize): void {
  if (op == opCount) store<u64>(slot, 1, accumulator);
  else if (op == opSum) {
    store<i64>(slot, digits, accumulator);
    setScale(slot, decimals);
  } else store<f64>(slot, <f64>digits / <f64>power(decimals), accumulator);
}

function add(slot: usize): bool {
  if (op == opCount) store<u64>(slot, load<u64>(slot, accumulator) + 1, accumulator);
  else if (op == opSum) return addSum(slot, digits, decimals);
  else if (op != opFirst) {
    const value = <f64>digits / <f64>power(decimals);
    const there = load<f64>(slot, accumulator);
    if (op == opMin ? value < there : value > there) store<f64>(slot, value, accumulator);
  }
  return true;
}

/** False when the sum would be too large for the kernel; it is as it was then. */
export function addSum(slot: usize, value: i64, scale: u32): bool {
  const there = load<i64>(slot, accumulator);
  const scaleThere = scaleOf(slot);
  if (scale == scaleThere) {
    const sum = there + value;
    if (sum > sumMax || sum < -sumMax) return false;
    store<i64>(slot, sum, accumulator);
    return true;
  }
  if (scale < scaleThere) {
    if (!raise(value, scaleThere - scale)) return false;
    const sum = there + value * power(scaleThere - scale);
    if (sum > sumMax || sum < -sumMax) return false;
    store<i64>(slot, sum, accumulator);
    return true;
  }
  if (!raise(there, scale - scaleThere)) return false;
  const sum = there * power(scale - scaleThere) + value;
  if (sum > sumMax || sum < -sumMax) return false;
  store<i64>(slot, sum, accumulator);
  setScale(slot, scale);
  return true;
}

/** A key of one column that is no text, or too long. */
function otherKey(field: usize): bool {
  const length = load<u32>(field, 4);
  const kind = length >> kindShift;
  if (kind == kindNumber) {
    keyTag = tagNumber;
    keyAt = made;
    keyLength = 8;
    return numberKey(made, load<u32>(field), length & lengthMask);
  }
  if (kind < kindNull || kind > kindTrue) return false;
  keyTag = tagOfKind(kind);
  keyAt = made;
  keyLength = 0;
  return true;
}

export function tagOfKind(kind: u32): u32 {
  return kind == kindNull ? tagNull : kind == kindTrue ? tagTrue : tagFalse;
}

/** Writes the eight bytes of a number that is, or is a part of, a key. */
function numberKey(to: usize, at: usize, length: u32): bool {
  // What `readNumber` has left is the number of the row.
  const digitsThere = digits;
  const decimalsThere = decimals;
  const isShort = readNumber(at, length, digitsMax);
  if (isShort) writeDouble(to, <f64>digits / <f64>power(decimals));
  restoreNumber(digitsThere, decimalsThere);
  return isShort;
}

/** As `wire/block/key.ts` writes a number: bytes that compare as numbers do. */
export function writeDouble(at: usize, value: f64): void {
  const bits = value == 0 ? 0 : reinterpret<u64>(value);
  const flipped = bits >> 63 != 0 ? ~bits : bits | 0x8000000000000000;
  store<u64>(at, bswap(flipped));
}

/** An array of all key columns; without any null. */
function manyKey(row: usize): bool {
  keyAt = made;
  if (keyCount == 0) {
    keyTag = tagNull;
    keyLength = 0;
    return true;
  }
  keyTag = tagArray;
  let to = made;
  for (let key: u32 = 0; key < keyCount; key++) {
    const field = fieldOf(row, key);
    const length = load<u32>(field, 4) & lengthMask;
    const kind = load<u32>(field, 4) >> kindShift;
    if (<u32>(to - made) + length + 16 > keyMaxBytes) return false;
    if (kind == kindText) {
      store<u8>(to++, <u8>tagText);
      copyWord(to, load<u32>(field), length);
      to += length;
      store<u16>(to, 0x0100);
      to += 2;
    } else if (kind == kindNumber) {
      store<u8>(to++, <u8>tagNumber);
      if (!numberKey(to, load<u32>(field), length)) return false;
      to += 8;
    } else if (kind >= kindNull && kind <= kindTrue) store<u8>(to++, <u8>tagOfKind(kind));
    else return false;
  }
  store<u8>(to++, 0);
  keyLength = <u32>(to - made);
  return true;
}

/** Of a key that comes for the first time: keys that are in the table have been looked at. */
function hasPlainKey(row: usize): bool {
  for (let key: u32 = 0; key < keyCount; key++) {
    const field = fieldOf(row, key);
    const length = load<u32>(field, 4);
    if (length >> kindShift != kindText) continue;
    if (!isPlainText(load<u32>(field), length)) return false;
  }
  return true;
}
