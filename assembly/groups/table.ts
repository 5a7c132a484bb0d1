/** One accumulator for each key, in a table with open addressing.
 *
 *  A key is its tag and its bytes, as `src/wire/block/key.ts` encodes it. A slot has the upper half
 *  of the key's hash u32 and the address of its entry u32, 0 when it is empty: a table that grows
 *  reads no entries. These lie one behind the other in the order in which their keys came:
 *
 *  | bytes of an entry | |
 *  | --- | --- |
 *  | 0 | length of the key + 1 u32, tag u8, scale u8, mark u8 |
 *  | 8 | the accumulator |
 *  | 16 | the key; 16 bytes of one that is shorter, zeros behind it |
 *
 *  A block of entries: the next block u32, where its last entry ends u32, and 56 bytes more, so
 *  that short entries lie in one line of the cache. */
import { allocate, copyWord, reset, usedBytes } from "../space";

export const accumulator: usize = 8;
const keyAt: usize = 16;
const blockHeadBytes: usize = 64;
const slotShift: u32 = 3;
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

/** Set by `find`: whether the key is new. */
export let isNew: bool = false;

let first: u64 = 0;
let second: u64 = 0;
let hash: u32 = 0;

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
  firstBlock = block = entriesAt = entriesEnd = 0;
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

/** The entry of a key, or the slot where it goes: `isNew` then, and `take` makes it its. 16 bytes
 *  behind the key may be read. */
export function find(tag: u32, at: usize, length: u32): usize {
  const key = <u64>(length + 1) | (<u64>tag << 32);
  hash = hashOf(tag, at, length);
  const isShort = length <= shortMax;
  const mask = (<usize>1 << (bits + slotShift)) - 1;
  let i = <usize>(hash >> (32 - bits)) << slotShift;
  for (;;) {
    const slot = load<u64>(table + i);
    if (slot == 0) break;
    if (<u32>slot == hash) {
      const entry = <usize>(slot >> 32);
      if ((load<u64>(entry) & keyMask) == key) {
        isNew = false;
        if (isShort) {
          const isSame = load<u64>(entry, keyAt) == first && load<u64>(entry, keyAt + 8) == second;
          if (isSame) return entry;
        } else if (sameBytes(entry + keyAt, at, length)) return entry;
      }
    }
    i = (i + (1 << slotShift)) & mask;
  }
  isNew = true;
  return table + i;
}

/** The upper half of the hash. Of a short key also the bytes are taken. */
// @ts-ignore: decorator
@inline
export function hashOf(tag: u32, at: usize, length: u32): u32 {
  if (length > shortMax) return <u32>(hashLong(at, length) >> 32);
  const mask = masks + (length << 4);
  first = load<u64>(at) & load<u64>(mask);
  second = load<u64>(at, 8) & load<u64>(mask, 8);
  return <u32>(hashShort(first, second, <u64>(length + 1) | (<u64>tag << 32)) >> 32);
}

/** Makes the key the slot's that `find` has just answered as new; answers its entry. */
export function take(slot: usize, tag: u32, at: usize, length: u32): usize {
  if ((++count) << 2 > <u32>3 << bits) {
    grow();
    slot = free(hash);
  }
  const entry = newEntry(length);
  store<u64>(slot, <u64>hash | (<u64>entry << 32));
  store<u64>(entry, <u64>(length + 1) | (<u64>tag << 32));
  store<u64>(entry, 0, accumulator);
  if (length <= shortMax) {
    store<u64>(entry, first, keyAt);
    store<u64>(entry, second, keyAt + 8);
  } else copyWord(entry + keyAt, at, length);
  return entry;
}

/** Entries, and keys of aggregates, share blocks: each would waste up to 63 bytes. A table that has
 *  grown leaves one of entries. */
const blockBytes: usize = 256 * 1024;
let firstBlock: usize = 0;
let block: usize = 0;
let entriesAt: usize = 0;
let entriesEnd: usize = 0;
let oldAt: usize = 0;
let oldEnd: usize = 0;

// @ts-ignore: decorator
@inline
function entryBytes(length: u32): usize {
  return keyAt + <usize>((max(length, shortMax) + 7) & ~7);
}

function newEntry(length: u32): usize {
  const sizeBytes = entryBytes(length);
  // Behind a key that is copied 15 bytes more may be written.
  if (entriesAt + sizeBytes + 16 > entriesEnd) newBlock();
  const at = entriesAt;
  entriesAt += sizeBytes;
  return at;
}

function newBlock(): void {
  endBlock();
  const hasOld = oldEnd - oldAt >= blockBytes;
  const at = hasOld ? oldAt : allocate(blockBytes);
  entriesEnd = hasOld ? oldEnd : at + blockBytes;
  if (hasOld) oldAt = oldEnd = 0;
  if (block == 0) firstBlock = at;
  else store<u32>(block, <u32>at);
  block = at;
  store<u32>(block, 0);
  entriesAt = at + blockHeadBytes;
}

function endBlock(): void {
  if (block != 0) store<u32>(block, <u32>entriesAt, 4);
}

let keysAt: usize = 0;
let keysEnd: usize = 0;

/** Memory that is forgotten with the table; not zeros. */
export function allocateKey(length: u32): usize {
  if (keysAt + length > keysEnd) {
    keysAt = allocate(blockBytes);
    keysEnd = keysAt + blockBytes;
  }
  const at = keysAt;
  keysAt += (length + 7) & ~7;
  return at;
}

function free(hash: u32): usize {
  const mask = (<usize>1 << (bits + slotShift)) - 1;
  let i = <usize>(hash >> (32 - bits)) << slotShift;
  while (load<u64>(table + i) != 0) i = (i + (1 << slotShift)) & mask;
  return table + i;
}

function grow(): void {
  const old = table;
  const end = old + (<usize>1 << (bits + slotShift));
  bits++;
  table = fresh(bits);
  for (let from = old; from < end; from += 1 << slotShift) {
    const slot = load<u64>(from);
    if (slot != 0) store<u64>(free(<u32>slot), slot);
  }
  oldAt = old;
  oldEnd = end;
}

/** Writes the addresses of all entries, as u32, in the order of their first rows; answers how
 *  many. */
export function listEntries(list: usize): u32 {
  endBlock();
  let to = list;
  for (let from = firstBlock; from != 0; from = load<u32>(from)) {
    const end = <usize>load<u32>(from, 4);
    for (let entry = from + blockHeadBytes; entry < end; entry += entryBytes(lengthOf(entry))) {
      store<u32>(to, <u32>entry);
      to += 4;
    }
  }
  return <u32>(to - list) >> 2;
}

/** Beyond so many slots, their lines are mostly not in the processor's cache. */
const nearBits: u32 = 15;

// @ts-ignore: decorator
@inline
export function isFar(): bool {
  return bits > nearBits;
}

let seen: u64 = 0;

/** Loads the slots, and then the entries, of `count` hashes u32: memory answers many questions at
 *  once sooner than one after the other. */
export function lookAhead(hashes: usize, count: u32): void {
  const end = hashes + (<usize>count << 2);
  const shift = 32 - bits;
  let all: u64 = 0;
  for (let at = hashes; at < end; at += 4) {
    all += load<u64>(table + (<usize>(load<u32>(at) >> shift) << slotShift));
  }
  for (let at = hashes; at < end; at += 4) {
    const slot = load<u64>(table + (<usize>(load<u32>(at) >> shift) << slotShift));
    // Address 0 is memory, too.
    all += load<u64>(<u32>slot == load<u32>(at) ? <usize>(slot >> 32) : 0, accumulator);
  }
  seen += all;
}

// @ts-ignore: decorator
@inline
export function lengthOf(entry: usize): u32 {
  return load<u32>(entry) - 1;
}

// @ts-ignore: decorator
@inline
export function bytesOf(entry: usize): usize {
  return entry + keyAt;
}

// @ts-ignore: decorator
@inline
export function tagOf(entry: usize): u32 {
  return load<u8>(entry, 4);
}

// @ts-ignore: decorator
@inline
export function scaleOf(entry: usize): u32 {
  return load<u8>(entry, 5);
}

/** Free for whoever counts: 0 in a new entry. */
// @ts-ignore: decorator
@inline
export function markOf(entry: usize): u32 {
  return load<u8>(entry, 6);
}

// @ts-ignore: decorator
@inline
export function setMark(entry: usize, mark: u32): void {
  store<u8>(entry, <u8>mark, 6);
}

// @ts-ignore: decorator
@inline
export function setScale(entry: usize, scale: u32): void {
  store<u8>(entry, <u8>scale, 5);
}
