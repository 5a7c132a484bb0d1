/** One accumulator for each key, in a table with open addressing.
 *
 *  A key is its tag and its bytes, as `src/wire/block/key.ts` encodes it. A slot (32 bytes):
 *
 *  | bytes | keys of up to 16 bytes | longer ones |
 *  | --- | --- | --- |
 *  | 0 | bytes 0 to 7 | hash |
 *  | 8 | bytes 8 to 15 | address u32 |
 *  | 16 | the accumulator | the accumulator |
 *  | 24 | length + 1 u32, tag u8, scale u8 | the same |
 *
 *  A length of 0 is an empty slot. */
import { allocate, reset, usedBytes } from "../space";

export const accumulator: usize = 16;
const about: usize = 24;
const slotShift: u32 = 5;
const bitsMin: u32 = 11;
const shortMax: u32 = 16;
const multiplier: u64 = 0x9e3779b97f4a7c15;
const other: u64 = 0xc2b2ae3d27d4eb4f;
/** The scale is no part of what is compared. */
const keyMask: u64 = 0xff_ffff_ffff;

export const keyMaxBytes: u32 = 64 * 1024;

let bits: u32 = 0;
let table: usize = 0;
let count: u32 = 0;
let masks: usize = 0;

/** Set by `find`: whether the slot was empty. */
export let isNew: bool = false;

let first: u64 = 0;
let second: u64 = 0;
let hash: u64 = 0;

export function startTable(): void {
  masks = allocate(17 * 16);
  for (let length: u32 = 0; length <= 16; length++) {
    for (let i: u32 = 0; i < 16; i++) {
      store<u8>(masks + length * 16 + i, i < length ? 0xff : 0);
    }
  }
}

export function clearTable(): void {
  reset();
  bits = bitsMin;
  count = 0;
  keysAt = keysEnd = oldAt = oldEnd = 0;
  table = fresh(bits);
}

function fresh(bits: u32): usize {
  const sizeBytes = <usize>1 << (bits + slotShift);
  const at = allocate(sizeBytes);
  memory.fill(at, 0, sizeBytes);
  return at;
}

export function slotCount(): u32 {
  return count;
}

export function tableBytes(): u32 {
  return usedBytes();
}

// @ts-ignore: decorator
@inline
function hashShort(first: u64, second: u64, size: u64): u64 {
  const mixed = (first ^ (size << 8)) * multiplier ^ (second + size) * other;
  return (mixed ^ (mixed >> 32)) * multiplier;
}

function hashLong(at: usize, length: u32): u64 {
  let mixed: u64 = length;
  const last = at + length - 8;
  for (let i = at; i < last; i += 8) mixed = rotl<u64>((mixed ^ load<u64>(i)) * multiplier, 29);
  mixed = (mixed ^ load<u64>(last)) * other;
  return (mixed ^ (mixed >> 32)) * multiplier;
}

// @ts-ignore: decorator
@inline
function sameBytes(a: usize, b: usize, length: u32): bool {
  // Of more than 16 bytes the last 16 may be looked at twice.
  const last = length - 16;
  for (let i: u32 = 0; i < last; i += 16) {
    if (v128.any_true(v128.xor(v128.load(a + i), v128.load(b + i)))) return false;
  }
  return !v128.any_true(v128.xor(v128.load(a + last), v128.load(b + last)));
}

/** The slot of a key, or of where it goes: `isNew` then, and `take` makes it its. 16 bytes behind
 *  the key may be read. */
export function find(tag: u32, at: usize, length: u32): usize {
  const key = <u64>(length + 1) | (<u64>tag << 32);
  if (length <= shortMax) {
    const mask = masks + (length << 4);
    first = load<u64>(at) & load<u64>(mask);
    second = load<u64>(at, 8) & load<u64>(mask, 8);
    hash = hashShort(first, second, key);
    return findShort(key);
  }
  hash = hashLong(at, length);
  first = hash;
  return findLong(key, at, length);
}

function findShort(key: u64): usize {
  const low = first;
  const high = second;
  const mask = (<usize>1 << (bits + slotShift)) - 1;
  let i = <usize>(hash >> (64 - bits)) << slotShift;
  for (;;) {
    const slot = table + i;
    const there = load<u64>(slot, about) & keyMask;
    if (there == key && load<u64>(slot) == low && load<u64>(slot, 8) == high) {
      isNew = false;
      return slot;
    }
    if (there == 0) break;
    i = (i + 32) & mask;
  }
  isNew = true;
  return table + i;
}

function findLong(key: u64, at: usize, length: u32): usize {
  const low = hash;
  const mask = (<usize>1 << (bits + slotShift)) - 1;
  let i = <usize>(low >> (64 - bits)) << slotShift;
  for (;;) {
    const slot = table + i;
    const there = load<u64>(slot, about) & keyMask;
    if (there == key && load<u64>(slot) == low && sameBytes(load<u32>(slot, 8), at, length)) {
      isNew = false;
      return slot;
    }
    if (there == 0) break;
    i = (i + 32) & mask;
  }
  isNew = true;
  return table + i;
}

/** Makes the key the slot's that `find` has just answered as new; answers where that is now. */
export function take(slot: usize, tag: u32, at: usize, length: u32): usize {
  if ((++count) << 2 > <u32>3 << bits) {
    grow();
    slot = free(hash);
  }
  store<u64>(slot, first);
  store<u64>(slot, <u64>(length + 1) | (<u64>tag << 32), about);
  store<u64>(slot, 0, accumulator);
  if (length <= shortMax) {
    store<u64>(slot, second, 8);
    return slot;
  }
  const kept = allocateKey(length);
  memory.copy(kept, at, length);
  store<u64>(slot, <u64>kept, 8);
  return slot;
}

/** Keys share blocks: each would waste up to 63 bytes. A table that has grown leaves one. */
let keysAt: usize = 0;
let keysEnd: usize = 0;
const keysBytes: usize = 256 * 1024;
let oldAt: usize = 0;
let oldEnd: usize = 0;

/** Memory that is forgotten with the table; not zeros. */
export function allocateKey(length: u32): usize {
  if (keysAt + length > keysEnd) {
    const hasOld = oldEnd - oldAt >= keysBytes;
    keysAt = hasOld ? oldAt : allocate(keysBytes);
    keysEnd = hasOld ? oldEnd : keysAt + keysBytes;
    if (hasOld) oldAt = oldEnd = 0;
  }
  const at = keysAt;
  keysAt += (length + 7) & ~7;
  return at;
}

function free(hash: u64): usize {
  const mask = (<usize>1 << (bits + slotShift)) - 1;
  let i = <usize>(hash >> (64 - bits)) << slotShift;
  while (load<u32>(table + i, about) != 0) i = (i + 32) & mask;
  return table + i;
}

function grow(): void {
  const old = table;
  const end = old + (<usize>1 << (bits + slotShift));
  bits++;
  table = fresh(bits);
  for (let from = old; from < end; from += 32) {
    const key = load<u64>(from, about) & keyMask;
    if (key == 0) continue;
    const isShort = <u32>key <= shortMax + 1;
    const hash = isShort ? hashShort(load<u64>(from), load<u64>(from, 8), key) : load<u64>(from);
    const to = free(hash);
    v128.store(to, v128.load(from));
    v128.store(to + 16, v128.load(from + 16));
  }
  oldAt = old;
  oldEnd = end;
}

/** Writes the addresses of all slots that are taken, as u32; answers how many. */
export function listSlots(list: usize): u32 {
  let to = list;
  const end = table + (<usize>1 << (bits + slotShift));
  for (let at = table; at < end; at += 32) {
    store<u32>(to, <u32>at);
    to += load<u32>(at, about) != 0 ? 4 : 0;
  }
  return <u32>(to - list) >> 2;
}

// @ts-ignore: decorator
@inline
export function lengthOf(slot: usize): u32 {
  return load<u32>(slot, about) - 1;
}

// @ts-ignore: decorator
@inline
export function bytesOf(slot: usize): usize {
  return lengthOf(slot) <= shortMax ? slot : <usize>load<u32>(slot, 8);
}

// @ts-ignore: decorator
@inline
export function tagOf(slot: usize): u32 {
  return load<u8>(slot, about + 4);
}

// @ts-ignore: decorator
@inline
export function scaleOf(slot: usize): u32 {
  return load<u8>(slot, about + 5);
}

/** Free for whoever counts: 0 in a new slot. */
// @ts-ignore: decorator
@inline
export function markOf(slot: usize): u32 {
  return load<u8>(slot, about + 6);
}

// @ts-ignore: decorator
@inline
export function setMark(slot: usize, mark: u32): void {
  store<u8>(slot, <u8>mark, about + 6);
}

// @ts-ignore: decorator
@inline
export function setScale(slot: usize, scale: u32): void {
  store<u8>(slot, <u8>scale, about + 5);
}
