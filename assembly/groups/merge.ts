/** Merges sorted runs of groups into rows of a result: a tournament of losers whose keys are
 *  compared by where they differ from the key that came before.
 *
 *  Blocks of a run say how many bytes each key shares with the one before it. The *code* of a key
 *  is where it differs from the last winner, and its byte there: of two codes the lesser one is
 *  that of the lesser key, and only of equal ones are further bytes compared.
 *
 *  A run (64 bytes): code u64, address of its payload u32, its end u32, its key u32, length of the
 *  key u32, room for it u32, value u32, end of the value u32, 1 = its next key is in a new block
 *  u32. */
import { op, opCount, opMin, opSum } from "./count";
import { power, raise, sumMax } from "./numbers";
import { finishRow } from "./result";
import { double, readValue, scale, whole } from "./values";
import { allocate } from "../space";

const runShift: u32 = 6;
const codeOver: u64 = u64.MAX_VALUE;
const at_: usize = 8;
const end_: usize = 12;
const key_: usize = 16;
const length_: usize = 20;
const room_: usize = 24;
const value_: usize = 28;
const valueEnd_: usize = 32;
const fresh_: usize = 36;
const keyRoom: u32 = 256;
const keyMaxBytes: u32 = 1024 * 1024;

/** Puts the next payload of a run where `setPayload` says, and answers whether there is one. */
// @ts-ignore: decorator
@external("groups", "payload")
declare function nextPayload(run: u32): bool;
/** Adds a value that the kernel cannot add to those of the group at hand. */
// @ts-ignore: decorator
@external("groups", "value")
declare function hostValue(at: usize, length: u32): void;

let runs: usize = 0;
let runCount: u32 = 0;
/** Inner nodes: the run that has lost there; 0 is the winner's. */
let losers: usize = 0;

/** The group at hand. */
export let key: usize = 0;
export let keyLength: u32 = 0;
let keySize: u32 = 0;
export let sum: i64 = 0;
export let sumScale: u32 = 0;
export let best: f64 = 0;
/** Values of it that the host has. */
export let hostValues: u32 = 0;
/** Values of it that are in `sum` or `best`. */
export let values: u32 = 0;
/** Set when a payload is not what a run has. */
let isDamaged: bool = false;
let entries: f64 = 0;

export function startMerge(count: u32): void {
  runCount = count;
  runs = allocate(count << runShift);
  losers = allocate((count + 1) * 4);
  memory.fill(runs, 0, count << runShift);
  keySize = keyRoom;
  key = allocate(keySize + 64);
  keyLength = 0;
  values = hostValues = 0;
  isDamaged = false;
  entries = 0;
  for (let run: u32 = 0; run < count; run++) {
    const at = runs + (<usize>run << runShift);
    store<u32>(at, <u32>allocate(keyRoom + 64), key_);
    store<u32>(at, keyRoom, room_);
  }
}

/** The payload of a run is at [at, end). */
export function setPayload(run: u32, at: usize, end: usize): void {
  const to = runs + (<usize>run << runShift);
  store<u32>(to, <u32>at, at_);
  store<u32>(to, <u32>end, end_);
  store<u32>(to, 1, fresh_);
}

/** Entries that were read so far; −1 when they are not what runs have. */
export function entriesMerged(): f64 {
  return isDamaged ? -1 : entries;
}

/** Takes the first entry of each run. */
export function firstKeys(): void {
  for (let run: u32 = 0; run < runCount; run++) advance(runs + (<usize>run << runShift), run);
  if (runCount > 0) store<u32>(losers, build(1));
}

/** Plays all matches below a node; answers the winner. */
function build(node: u32): u32 {
  if (node >= runCount) return node - runCount;
  const left = build(2 * node);
  const right = build(2 * node + 1);
  const isLeft = beats(left, right);
  store<u32>(losers + (node << 2), isLeft ? right : left);
  return isLeft ? left : right;
}

/** Merges about so many entries; false when there are no more, and the last group is finished. */
export function mergeSome(most: u32): bool {
  for (let i: u32 = 0; i < most; i++) {
    const winner = load<u32>(losers);
    const run = runs + (<usize>winner << runShift);
    const code = load<u64>(run);
    if (code == codeOver || isDamaged) {
      if (!isDamaged) finishGroup();
      return false;
    }
    if (code != 0) {
      finishGroup();
      takeKey(run);
    }
    addValue(load<u32>(run, value_), load<u32>(run, valueEnd_));
    advance(run, winner);
    replay(winner);
  }
  return true;
}

function finishGroup(): void {
  if (values + hostValues > 0) finishRow();
  values = hostValues = 0;
}

function takeKey(run: usize): void {
  const length = load<u32>(run, length_);
  if (length > keySize) {
    keySize = 2 * length;
    key = allocate(keySize + 64);
  }
  copyBytes(key, load<u32>(run, key_), length);
  keyLength = length;
}

/** Up to 15 bytes behind may be written. */
// @ts-ignore: decorator
@inline
function copyBytes(to: usize, from: usize, length: u32): void {
  for (let i: u32 = 0; i < length; i += 16) v128.store(to + i, v128.load(from + i));
}

function addValue(at: usize, end: usize): void {
  if (!readValue(at, end, op) || !isAdded()) {
    hostValues++;
    hostValue(at, <u32>(end - at));
  }
}

function isAdded(): bool {
  if (values == 0) {
    sum = whole;
    sumScale = scale;
    best = double;
    values = 1;
    return true;
  }
  if (op == opCount || (op == opSum && scale == sumScale)) {
    const added = sum + whole;
    if (added > sumMax || added < -sumMax) return false;
    sum = added;
  } else if (op == opSum) {
    const most = max(scale, sumScale);
    if (!raise(whole, most - scale) || !raise(sum, most - sumScale)) return false;
    const added = sum * power(most - sumScale) + whole * power(most - scale);
    if (added > sumMax || added < -sumMax) return false;
    sum = added;
    sumScale = most;
  } else if (op == opMin ? double < best : double > best) best = double;
  return true;
}

/** Reads the next entry of a run, whose last one has just won, or is its first. */
function advance(run: usize, index: u32): void {
  let at = <usize>load<u32>(run, at_);
  if (at == <usize>load<u32>(run, end_)) {
    if (!nextPayload(index)) {
      store<u64>(run, codeOver);
      return;
    }
    at = load<u32>(run, at_);
  }
  const end = <usize>load<u32>(run, end_);
  readAt = at;
  const same = readVarint(end);
  const further = readVarint(end);
  const before = load<u32>(run, length_);
  const isFresh = load<u32>(run, fresh_) != 0;
  if (same > <u64>(isFresh ? 0 : before) || further > <u64>(end - readAt)) return damage(run);
  const length = <u32>(same + further);
  if (length > keyMaxBytes || length == 0) return damage(run);
  if (length > load<u32>(run, room_)) growKey(run, length);
  const to = <usize>load<u32>(run, key_);
  let shared = <u32>same;
  if (isFresh) {
    // A block starts with a whole key: what it shares with the last one is not said.
    const least = min(length, before);
    while (shared < least && load<u8>(to + shared) == load<u8>(readAt + shared)) shared++;
    store<u32>(run, 0, fresh_);
  }
  copyBytes(to + <u32>same, readAt, <u32>further);
  readAt += <usize>further;
  store<u32>(run, length, length_);
  const isEqual = shared == length && length == before;
  store<u64>(run, isEqual ? 0 : codeAt(to, length, shared));
  const valueBytes = readVarint(end);
  if (valueBytes > <u64>(end - readAt)) return damage(run);
  store<u32>(run, <u32>readAt, value_);
  readAt += <usize>valueBytes;
  store<u32>(run, <u32>readAt, valueEnd_);
  store<u32>(run, <u32>readAt, at_);
  entries++;
}

function damage(run: usize): void {
  isDamaged = true;
  store<u64>(run, codeOver);
}

function growKey(run: usize, length: u32): void {
  const grown = allocate(2 * length + 64);
  memory.copy(grown, load<u32>(run, key_), load<u32>(run, length_));
  store<u32>(run, <u32>grown, key_);
  store<u32>(run, 2 * length, room_);
}

// @ts-ignore: decorator
@inline
function codeAt(at: usize, length: u32, offset: u32): u64 {
  const byte: u64 = offset < length ? <u64>load<u8>(at + offset) + 1 : 0;
  return (<u64>(u32.MAX_VALUE - offset) << 16) | byte | 0x8000;
}

/** Plays the matches of a run that has a new key, up to the root. */
function replay(run: u32): void {
  let winner = run;
  for (let node = (run + runCount) >> 1; node > 0; node >>= 1) {
    const place = losers + (node << 2);
    const other = load<u32>(place);
    if (beats(winner, other)) continue;
    store<u32>(place, winner);
    winner = other;
  }
  store<u32>(losers, winner);
}

/** Whether run `a` has the lesser key, or the same: the other one's code is about it then. */
function beats(a: u32, b: u32): bool {
  const left = runs + (<usize>a << runShift);
  const right = runs + (<usize>b << runShift);
  const leftCode = load<u64>(left);
  const rightCode = load<u64>(right);
  if (leftCode != rightCode) return leftCode < rightCode;
  if (leftCode == codeOver || leftCode == 0) return true;
  // They agree up to where they differ from the last winner, and there.
  let offset = u32.MAX_VALUE - <u32>(leftCode >> 16) + 1;
  const leftKey = <usize>load<u32>(left, key_);
  const rightKey = <usize>load<u32>(right, key_);
  const leftLength = load<u32>(left, length_);
  const rightLength = load<u32>(right, length_);
  const least = min(leftLength, rightLength);
  while (offset < least && load<u8>(leftKey + offset) == load<u8>(rightKey + offset)) offset++;
  if (offset >= leftLength && offset >= rightLength) {
    store<u64>(right, 0);
    return true;
  }
  const leftNext = codeAt(leftKey, leftLength, offset);
  const rightNext = codeAt(rightKey, rightLength, offset);
  if (leftNext < rightNext) {
    store<u64>(right, rightNext);
    return true;
  }
  store<u64>(left, leftNext);
  return false;
}

let readAt: usize = 0;

// @ts-ignore: decorator
@inline
function readVarint(end: usize): u64 {
  if (readAt < end) {
    const first = <u64>load<u8>(readAt);
    if (first < 0x80) {
      readAt++;
      return first;
    }
  }
  return readLongVarint(end);
}

function readLongVarint(end: usize): u64 {
  let value: u64 = 0;
  for (let shift: u64 = 0; readAt < end && shift < 56; shift += 7) {
    const byte = <u64>load<u8>(readAt++);
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return value;
}
