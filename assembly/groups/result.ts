/** Rows of a result: those that are plain are written here as NDJSON, all others by the host; and
 *  entries of a run. */
import { allocate, sharedBytes } from "../space";
import { op, opCount, opSum, tagArray, tagFalse, tagNull, tagNumber, tagText, tagTrue } from "./count";
import { best, hostValues, key, keyLength, sum, sumScale, values } from "./merge";
import { power, writeDecimal } from "./numbers";
import { writeValue, writeVarint } from "./values";

/** The result has all pairs as NDJSON. */
export const modeRows: u32 = 0;
/** The host takes each pair. */
export const modePairs: u32 = 1;
/** The host takes those that are not behind `bound`. */
export const modeTop: u32 = 2;
/** The result is a run. */
export const modeRun: u32 = 3;

const outBytes: u32 = 256 * 1024;
const rowMaxBytes: u32 = 128 * 1024;
/** A block of a run is closed once it has this many bytes. */
export const blockTargetBytes: u32 = 64 * 1024 - 8;
/** Digits of a number that a double gives back as they are. */
const exactMax: i64 = 999_999_999_999_999;
const tagDecimal: u8 = 0x61;
const safeMax: f64 = 9_007_199_254_740_991;

/** Takes rows that are written. */
// @ts-ignore: decorator
@external("groups", "rows")
declare function hostRows(at: usize, length: u32, count: u32): void;
/** Takes a pair: its key, and the value as in a run, of no bytes when the host has all of it. */
// @ts-ignore: decorator
@external("groups", "pair")
declare function hostPair(key: usize, keyLength: u32, value: usize, length: u32): void;

let mode: u32 = 0;
let isAscending: bool = false;
let hasBound: bool = false;
let bound: f64 = 0;
let out: usize = 0;
let at: usize = 0;
let rows: u32 = 0;
let value: usize = 0;
/** The key of the entry that was written last. */
let before: usize = 0;
let beforeLength: u32 = 0;

export function startResult(mode_: u32, ascending: bool): void {
  mode = mode_;
  isAscending = ascending;
  hasBound = false;
  out = allocate(outBytes + 64);
  value = allocate(64);
  before = mode_ == modeRun ? allocate(rowMaxBytes + 64) : 0;
  beforeLength = 0;
  at = out;
  rows = 0;
}

/** Pairs behind this value are not wanted. */
export function setBound(value: f64): void {
  hasBound = true;
  bound = value;
}

export function flushRows(): void {
  if (rows > 0) hostRows(out, <u32>(at - out), rows);
  at = out;
  rows = 0;
  beforeLength = 0;
}

/** Of the group at hand. */
export function finishRow(): void {
  if (hostValues == 0) {
    if (mode == modeRows && writeRow()) return;
    if (mode == modeRun && writeEntry()) return;
    if (mode == modeTop && isBehind()) return;
  }
  flushRows();
  let end = value;
  if (values > 0) end = writeValue(value, op, sum, sumScale, best);
  // Without its length.
  const length: u32 = end == value ? 0 : <u32>(end - value) - 1;
  hostPair(key, keyLength, value + 1, length);
}

function isBehind(): bool {
  if (!hasBound) return false;
  let number = best;
  if (op == opCount || op == opSum) {
    if (<f64>sum > safeMax || <f64>sum < -safeMax) return false;
    number = <f64>sum / <f64>power(sumScale);
  }
  return isAscending ? number > bound : number < bound;
}

/** False when the host must write it. */
function writeRow(): bool {
  const most: u32 = 6 * keyLength + 96;
  if (most > rowMaxBytes) return false;
  if (<u32>(at - out) + most > outBytes) flushRows();
  // {"key":
  store<u64>(at, 0x3a2279656b227b);
  let to = writeKey(at + 7);
  if (to == 0) return false;
  // ,"value":
  store<u64>(to, 0x2265756c6176222c);
  store<u8>(to, 0x3a, 8);
  to = writeResult(to + 9);
  if (to == 0) return false;
  store<u16>(to, 0x0a7d);
  at = to + 2;
  rows++;
  if (<u32>(at - out) > outBytes / 2) flushRows();
  return true;
}

/** False when it is too long; blocks are written as rows are. */
function writeEntry(): bool {
  if (keyLength > rowMaxBytes) return false;
  if (<u32>(at - out) >= blockTargetBytes) flushRows();
  const shared = sharedBytes(before, key, min(beforeLength, keyLength));
  const further = keyLength - shared;
  at = writeVarint(at, shared);
  at = writeVarint(at, further);
  memory.copy(at, key + shared, further);
  memory.copy(before + shared, key + shared, further);
  beforeLength = keyLength;
  at = writeValue(at + further, op, sum, sumScale, best);
  rows++;
  return true;
}

/** As JSON; 0 = it is not plain. */
function writeKey(to: usize): usize {
  const end = key + keyLength;
  if (load<u8>(key) == tagText) return writeText(to, key + 1, end);
  if (load<u8>(key) != tagArray) return writeScalar(to, key, end);
  store<u8>(to++, 0x5b);
  let at = key + 1;
  const last = end - 1;
  while (at < last) {
    if (at > key + 1) store<u8>(to++, 0x2c);
    const start = at;
    const tag = load<u8>(at++);
    if (tag == tagText) {
      while (at < last && load<u8>(at) != 0) at++;
      // A zero that is not the end of the text belongs to it.
      if (load<u8>(at + 1) != 1) return 0;
      to = writeText(to, start + 1, at);
      at += 2;
    } else {
      if (tag == tagArray) return 0;
      if (tag == tagNumber) at += 8;
      // The digits of a number that no double is.
      if (tag == tagNumber && load<u8>(at) == tagDecimal) return 0;
      to = writeScalar(to, start, at);
    }
    if (to == 0) return 0;
  }
  store<u8>(to++, 0x5d);
  return to;
}

function writeScalar(to: usize, at: usize, end: usize): usize {
  const tag = load<u8>(at);
  if (tag == tagNull || tag == tagTrue) {
    // null, true
    store<u32>(to, tag == tagNull ? 0x6c6c756e : 0x65757274);
    return to + 4;
  }
  if (tag == tagFalse) {
    store<u32>(to, 0x736c6166);
    store<u8>(to, 0x65, 4);
    return to + 5;
  }
  if (tag != tagNumber || end - at != 9) return 0;
  const bits = bswap(load<u64>(at + 1));
  const isPositive = bits >> 63 != 0;
  return writeDouble(to, reinterpret<f64>(isPositive ? bits ^ 0x8000000000000000 : ~bits));
}

/** A JSON string. */
function writeText(to: usize, from: usize, end: usize): usize {
  store<u8>(to++, 0x22);
  let at = from;
  while (at < end) {
    const bytes = v128.load(at);
    const quotes = i8x16.eq(bytes, i8x16.splat(0x22));
    const slashes = i8x16.eq(bytes, i8x16.splat(0x5c));
    const controls = i8x16.lt_u(bytes, i8x16.splat(0x20));
    // Surrogates start with this byte, and other characters.
    const surrogates = i8x16.eq(bytes, i8x16.splat(<u8>0xed));
    const all = v128.or(v128.or(quotes, slashes), v128.or(controls, surrogates));
    const plain = min(16, <u32>ctz(i8x16.bitmask(all) | 0x10000));
    v128.store(to, bytes);
    if (at + plain >= end) {
      to += end - at;
      break;
    }
    at += plain;
    to += plain;
    if (plain == 16) continue;
    const byte = <u32>load<u8>(at++);
    if (byte == 0xed) {
      if (load<u8>(at) >= 0xa0) return 0;
      store<u8>(to++, 0xed);
    } else to = writeEscape(to, byte);
  }
  store<u8>(to++, 0x22);
  return to;
}

function writeEscape(to: usize, byte: u32): usize {
  store<u8>(to++, 0x5c);
  let letter: u32 = 0;
  if (byte == 0x22 || byte == 0x5c) letter = byte;
  else if (byte == 8) letter = 0x62;
  else if (byte == 9) letter = 0x74;
  else if (byte == 10) letter = 0x6e;
  else if (byte == 12) letter = 0x66;
  else if (byte == 13) letter = 0x72;
  if (letter != 0) {
    store<u8>(to++, <u8>letter);
    return to;
  }
  // u00
  store<u32>(to, 0x303075);
  store<u8>(to, <u8>(0x30 + (byte >> 4)), 3);
  const low = byte & 15;
  store<u8>(to, <u8>(low < 10 ? 0x30 + low : 0x57 + low), 4);
  return to + 5;
}

/** The number of the group as JSON; 0 = the host must write it. */
function writeResult(to: usize): usize {
  if (op != opCount && op != opSum) return writeDouble(to, best);
  let digits = sum;
  let scale = sumScale;
  while (scale > 0 && digits % 10 == 0) {
    digits /= 10;
    scale--;
  }
  return writeShort(to, digits, scale);
}

function writeShort(to: usize, digits: i64, scale: u32): usize {
  const size = digits < 0 ? -digits : digits;
  if (size > exactMax) return 0;
  // Below a millionth numbers are written with an exponent.
  if (scale > 6 && size < power(scale - 6)) return 0;
  return writeDecimal(to, digits, scale);
}

function writeDouble(to: usize, value: f64): usize {
  let unit: f64 = 1;
  for (let scale: u32 = 0; scale <= 6; scale++) {
    const digits = nearest(value * unit);
    if (abs(digits) > <f64>exactMax) return 0;
    if (digits / unit == value) return writeShort(to, <i64>digits, scale);
    unit *= 10;
  }
  return 0;
}
