/** Counts or numbers by word, in three tables with open addressing. An entry is known by the
 *  address of its
 *  slot until the tables grow.
 *
 *  | words | slot |
 *  | --- | --- |
 *  | up to 8 bytes | the bytes as u64, value u64 |
 *  | up to 16 | the bytes as two u64, value u64, 8 to spare |
 *  | longer | hash u32, length u32, address u32, 4 to spare, value u64, 8 to spare |
 *
 *  No word has a zero byte, so bytes padded with zeros tell the length, and 0 is an empty slot. */
import { allocate, reset, usedBytes } from "./space";

const bitsMin: u32 = 10;
const multiplier: u64 = 0x9e3779b97f4a7c15;
const other: u64 = 0xc2b2ae3d27d4eb4f;

let bits8: u32 = 0;
let at8: usize = 0;
let count8: u32 = 0;
let bits16: u32 = 0;
let at16: usize = 0;
let count16: u32 = 0;
let bitsLong: u32 = 0;
let atLong: usize = 0;
let countLong: u32 = 0;

export function clearTables(): void {
  reset();
  bits8 = bits16 = bitsLong = bitsMin;
  count8 = count16 = countLong = 0;
  at8 = fresh(<usize>16 << bits8);
  at16 = fresh(<usize>32 << bits16);
  atLong = fresh(<usize>32 << bitsLong);
}

export function entryCount(): u32 {
  return count8 + count16 + countLong;
}

export function tableBytes(): u32 {
  return usedBytes();
}

function fresh(sizeBytes: usize): usize {
  const at = allocate(sizeBytes);
  memory.fill(at, 0, sizeBytes);
  return at;
}

/** Counts the words of up to 8 bytes that are queued in [from, end), each with 8 bytes more that
 *  say which it is; answers the first that is not known. */
export function count8From(from: usize, end: usize): usize {
  const table = at8;
  const shift: u64 = 64 - bits8;
  const mask = (<usize>16 << bits8) - 16;
  let at = from;
  for (; at < end; at += 16) {
    const low = load<u64>(at);
    let i = <usize>((low * multiplier) >> shift) << 4;
    let there = load<u64>(table + i);
    while (there != low) {
      if (there == 0) return at;
      i = (i + 16) & mask;
      there = load<u64>(table + i);
    }
    store<u64>(table + i, load<u64>(table + i, 8) + 1, 8);
  }
  return at;
}

/** Writes the numbers of the words that are queued in [from, end) to `numbers`, one u32 each by the
 *  index that they are queued with; 0 = not known. */
export function find8(from: usize, end: usize, numbers: usize): void {
  const table = at8;
  const shift: u64 = 64 - bits8;
  const mask = (<usize>16 << bits8) - 16;
  for (let at = from; at < end; at += 16) {
    const low = load<u64>(at);
    let i = <usize>((low * multiplier) >> shift) << 4;
    let there = load<u64>(table + i);
    while (there != low && there != 0) {
      i = (i + 16) & mask;
      there = load<u64>(table + i);
    }
    store<u32>(numbers + (<usize>load<u32>(at, 8) << 2), load<u32>(table + i, 8));
  }
}

// @ts-ignore: decorator
@inline
function hash16(low: u64, high: u64): u64 {
  return (low ^ (high * other)) * multiplier;
}

/** As `count8From`, of words of up to 16 bytes. */
export function count16From(from: usize, end: usize): usize {
  const table = at16;
  const shift: u64 = 64 - bits16;
  const mask = (<usize>32 << bits16) - 32;
  let at = from;
  for (; at < end; at += 24) {
    const low = load<u64>(at);
    const high = load<u64>(at, 8);
    let i = <usize>(hash16(low, high) >> shift) << 5;
    while (((load<u64>(table + i, 8) ^ high) | (load<u64>(table + i) ^ low)) != 0) {
      if (load<u64>(table + i, 8) == 0) return at;
      i = (i + 32) & mask;
    }
    store<u64>(table + i, load<u64>(table + i, 16) + 1, 16);
  }
  return at;
}

/** As `find8`. */
export function find16(from: usize, end: usize, numbers: usize): void {
  const table = at16;
  const shift: u64 = 64 - bits16;
  const mask = (<usize>32 << bits16) - 32;
  for (let at = from; at < end; at += 24) {
    const low = load<u64>(at);
    const high = load<u64>(at, 8);
    let i = <usize>(hash16(low, high) >> shift) << 5;
    while (((load<u64>(table + i, 8) ^ high) | (load<u64>(table + i) ^ low)) != 0) {
      if (load<u64>(table + i, 8) == 0) break;
      i = (i + 32) & mask;
    }
    store<u32>(numbers + (<usize>load<u32>(at, 16) << 2), load<u32>(table + i, 16));
  }
}

/** Where the count or the number of a word is kept, known or not. 16 bytes from `at` on may be
 *  read. */
export function valueOf(at: usize, length: u32): usize {
  if (length <= 8) return value8(load<u64>(at) & maskOf(length));
  if (length <= 16) return value16(load<u64>(at), load<u64>(at, 8) & maskOf(length - 8));
  return valueLong(at, length);
}

export function upsert(at: usize, length: u32, by: u64): void {
  const value = valueOf(at, length);
  store<u64>(value, load<u64>(value) + by);
}

// @ts-ignore: decorator
@inline
function maskOf(length: u32): u64 {
  return length == 8 ? ~(<u64>0) : ((<u64>1) << (length << 3)) - 1;
}

function value8(low: u64): usize {
  if ((count8 + 1) * 4 > <u32>3 << bits8) grow8();
  const mask = (<usize>1 << bits8) - 1;
  let i = <usize>((low * multiplier) >> (64 - bits8));
  let there = load<u64>(at8 + (i << 4));
  while (there != low && there != 0) {
    i = (i + 1) & mask;
    there = load<u64>(at8 + (i << 4));
  }
  const slot = at8 + (i << 4);
  if (there == 0) count8++;
  store<u64>(slot, low);
  return slot + 8;
}

function value16(low: u64, high: u64): usize {
  if ((count16 + 1) * 4 > <u32>3 << bits16) grow16();
  const mask = (<usize>1 << bits16) - 1;
  let i = <usize>(hash16(low, high) >> (64 - bits16));
  let slot = at16 + (i << 5);
  while (load<u64>(slot, 8) != 0 && (load<u64>(slot, 8) != high || load<u64>(slot) != low)) {
    i = (i + 1) & mask;
    slot = at16 + (i << 5);
  }
  if (load<u64>(slot, 8) == 0) count16++;
  store<u64>(slot, low);
  store<u64>(slot, high, 8);
  return slot + 16;
}

function valueLong(at: usize, length: u32): usize {
  if ((countLong + 1) * 4 > <u32>3 << bitsLong) growLong();
  const hash = hashLong(at, length);
  const mask = (<usize>1 << bitsLong) - 1;
  let i = <usize>(hash >> (32 - bitsLong));
  let slot = atLong + (i << 5);
  while (load<u32>(slot, 4) != 0) {
    const isSame =
      load<u32>(slot) == hash &&
      load<u32>(slot, 4) == length &&
      memory.compare(load<u32>(slot, 8), at, length) == 0;
    if (isSame) break;
    i = (i + 1) & mask;
    slot = atLong + (i << 5);
  }
  if (load<u32>(slot, 4) == 0) {
    countLong++;
    const kept = allocate(length);
    memory.copy(kept, at, length);
    store<u32>(slot, hash);
    store<u32>(slot, length, 4);
    store<u32>(slot, <u32>kept, 8);
  }
  return slot + 16;
}

function hashLong(at: usize, length: u32): u32 {
  let mixed: u64 = length;
  const last = at + length - 8;
  for (let i = at; i < last; i += 8) mixed = (mixed ^ load<u64>(i)) * multiplier ^ (mixed >> 29);
  mixed = (mixed ^ load<u64>(last)) * other;
  return <u32>(mixed >> 32);
}

function grow8(): void {
  const old = at8;
  const end = old + (<usize>16 << bits8);
  bits8++;
  at8 = fresh(<usize>16 << bits8);
  const mask = (<usize>1 << bits8) - 1;
  for (let from = old; from < end; from += 16) {
    const low = load<u64>(from);
    if (low == 0) continue;
    let i = <usize>((low * multiplier) >> (64 - bits8));
    while (load<u64>(at8 + (i << 4)) != 0) i = (i + 1) & mask;
    v128.store(at8 + (i << 4), v128.load(from));
  }
}

function grow16(): void {
  const old = at16;
  const end = old + (<usize>32 << bits16);
  bits16++;
  at16 = fresh(<usize>32 << bits16);
  const mask = (<usize>1 << bits16) - 1;
  for (let from = old; from < end; from += 32) {
    const high = load<u64>(from, 8);
    if (high == 0) continue;
    let i = <usize>(hash16(load<u64>(from), high) >> (64 - bits16));
    while (load<u64>(at16 + (i << 5), 8) != 0) i = (i + 1) & mask;
    memory.copy(at16 + (i << 5), from, 32);
  }
}

function growLong(): void {
  const old = atLong;
  const end = old + (<usize>32 << bitsLong);
  bitsLong++;
  atLong = fresh(<usize>32 << bitsLong);
  const mask = (<usize>1 << bitsLong) - 1;
  for (let from = old; from < end; from += 32) {
    if (load<u32>(from, 4) == 0) continue;
    let i = <usize>(load<u32>(from) >> (32 - bitsLong));
    while (load<u32>(atLong + (i << 5), 4) != 0) i = (i + 1) & mask;
    memory.copy(atLong + (i << 5), from, 32);
  }
}

/** Writes the addresses of all entries whose count is not 0, as u32; answers how many. */
export function entries(list: usize): u32 {
  let to = list;
  for (let at = at8, end = at8 + (<usize>16 << bits8); at < end; at += 16) {
    store<u32>(to, <u32>at);
    to += load<u64>(at, 8) != 0 ? 4 : 0;
  }
  for (let at = at16, end = at16 + (<usize>32 << bits16); at < end; at += 32) {
    store<u32>(to, <u32>at);
    to += load<u64>(at, 16) != 0 ? 4 : 0;
  }
  for (let at = atLong, end = atLong + (<usize>32 << bitsLong); at < end; at += 32) {
    store<u32>(to, <u32>at);
    to += load<u64>(at, 16) != 0 ? 4 : 0;
  }
  return <u32>(to - list) >> 2;
}

// @ts-ignore: decorator
@inline
function is8(entry: usize): bool {
  return entry - at8 < <usize>16 << bits8;
}

// @ts-ignore: decorator
@inline
function is16(entry: usize): bool {
  return entry - at16 < <usize>32 << bits16;
}

// @ts-ignore: decorator
@inline
export function countAt(entry: usize): usize {
  return is8(entry) ? entry + 8 : entry + 16;
}

// @ts-ignore: decorator
@inline
export function wordAt(entry: usize): usize {
  return is8(entry) || is16(entry) ? entry : load<u32>(entry, 8);
}

// @ts-ignore: decorator
@inline
export function lengthOf(entry: usize): u32 {
  if (is8(entry)) return 8 - (<u32>clz(load<u64>(entry)) >> 3);
  if (is16(entry)) return 16 - (<u32>clz(load<u64>(entry, 8)) >> 3);
  return load<u32>(entry, 4);
}
