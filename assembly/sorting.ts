/** The kernel of sorting: puts records in order where they lie in memory, and merges runs of them.
 *  `src/worker/kernels/sorting/kernel.ts` calls it and says where in memory everything lies.
 *  Nothing here allocates or checks bounds.
 *
 *  An entry (16 bytes) stands for a record: u64 window, u32 offset, u32 length. A run (24 bytes)
 *  is a stream of sorted records: u64 window of its first one, u32 where that is, u32 where the
 *  bytes at hand end, u32 its length, u32 1 = alive. A window is seven bytes of a key and, in the
 *  last byte, how many of them are real (8 = the key goes on): windows compare as keys do.
 *  Behind whatever is read or written, 16 bytes may be touched too. */

const entryBytes: u32 = 16;
const runBytes: u32 = 24;
/** So few entries are sorted by insertion. */
const few: u32 = 24;
/** Bytes of counters for each level of the radix sort. */
const levelBytes: u32 = 2048;
const levelsMax: u32 = 24;

/** Tags of keys. */
const tagNull: u8 = 0x10;
const tagNumber: u8 = 0x30;

const fixed: u32 = 0;
const lines: u32 = 1;
// 2 = framed: u32 length of the key, u32 length of the record, key, record.

let shape: u32 = 0;
let keyAt: u32 = 0;
let keyBytes: u32 = 0;
let recordBytes: u32 = 0;
/** All ones when descending. */
let flip: u64 = 0;
/** Of records with equal keys only the first is kept. */
let unique: bool = false;
/** What the last call has done, for the caller. */
let doneBytes: u32 = 0;
let doneRecords: u32 = 0;
let doneLongest: u32 = 0;

export function configure(
  shape_: u32, keyAt_: u32, keyBytes_: u32, recordBytes_: u32, descending: u32, unique_: u32,
): void {
  shape = shape_;
  keyAt = keyAt_;
  keyBytes = keyBytes_;
  recordBytes = recordBytes_;
  flip = descending ? ~(<u64>0) : 0;
  unique = unique_ != 0;
}

export function bytesDone(): u32 { return doneBytes; }
export function recordsDone(): u32 { return doneRecords; }
export function longestDone(): u32 { return doneLongest; }

// @ts-expect-error: decorator
@inline function keyOf(at: u32): u32 {
  return shape == fixed ? at + keyAt : shape == lines ? at : at + 8;
}

// @ts-expect-error: decorator
@inline function keyLength(at: u32, length: u32): u32 {
  return shape == fixed ? keyBytes : shape == lines ? length - 1 : load<u32>(at);
}

// @ts-expect-error: decorator
@inline function window(at: u32, left: u32): u64 {
  const bytes = bswap(load<u64>(at));
  if (left >= 8) return ((bytes & ~(<u64>0xff)) | 8) ^ flip;
  if (left == 0) return flip;
  return ((bytes & (~(<u64>0) << (left == 7 ? 8 : (8 - left) << 3))) | left) ^ flip;
}

// @ts-expect-error: decorator
@inline function goesOn(w: u64): bool { return ((w ^ flip) & 0xff) == 8; }

/** The windows of the entries are whole keys: see `indexNumbers`. */
let areWhole: bool = false;

// @ts-expect-error: decorator
@inline function entryGoesOn(w: u64): bool { return !areWhole && goesOn(w); }

/** Of the frame at `at`; the largest there is when it does not end before `end`. Bytes of a disk may
 *  be damaged, and no two lengths may add up to a small one. */
function frameLength(at: u32, end: u32): u32 {
  if (end - at < 8) return u32.MAX_VALUE;
  const length = 8 + <u64>load<u32>(at) + <u64>load<u32>(at + 4);
  return length > <u64>(end - at) ? u32.MAX_VALUE : <u32>length;
}

/** In the order asked for: below 0 = a comes first. The first `depth` bytes are known to be equal. */
function compare(a: u32, aLength: u32, b: u32, bLength: u32, depth: u32): i32 {
  const sign = flip ? -1 : 1;
  const least = min(aLength, bLength);
  let i = depth;
  for (; i + 8 <= least; i += 8) {
    const x = load<u64>(a + i), y = load<u64>(b + i);
    if (x != y) return bswap(x) < bswap(y) ? -sign : sign;
  }
  for (; i < least; i++) {
    const x = load<u8>(a + i), y = load<u8>(b + i);
    if (x != y) return x < y ? -sign : sign;
  }
  return aLength == bLength ? 0 : aLength < bLength ? -sign : sign;
}

function compareRecords(a: u32, aLength: u32, b: u32, bLength: u32, depth: u32): i32 {
  return compare(keyOf(a), keyLength(a, aLength), keyOf(b), keyLength(b, bLength), depth);
}

/** Below 0 = entry p comes before q; their windows begin at `depth`. */
// @ts-expect-error: decorator
@inline function compareEntries(p: u32, q: u32, depth: u32): i32 {
  const v = load<u64>(p), w = load<u64>(q);
  if (v != w) return v < w ? -1 : 1;
  if (!entryGoesOn(v)) return 0;
  return compareRecords(load<u32>(p + 8), load<u32>(p + 12), load<u32>(q + 8), load<u32>(q + 12), depth + 7);
}

// @ts-expect-error: decorator
@inline function putEntry(entry: u32, w: u64, at: u32, length: u32): void {
  store<u64>(entry, w);
  store<u32>(entry + 8, at);
  store<u32>(entry + 12, length);
}

/** Makes entries of the whole records in [from, to), at most `most`; answers the bytes they take. */
export function index(from: u32, to: u32, entries: u32, most: u32): u32 {
  areWhole = false;
  if (shape == lines) return indexLines(from, to, entries, most);
  if (shape != fixed) {
    const taken = indexNumbers(from, to, entries, most);
    if (taken > 0) return taken;
  }
  let at = from, n: u32 = 0;
  while (n < most) {
    const length = shape == fixed ? recordBytes : frameLength(at, to);
    if (to - at < length) break;
    putEntry(entries, window(keyOf(at), keyLength(at, length)), at, length);
    entries += entryBytes;
    at += length;
    n++;
  }
  doneRecords = n;
  return at - from;
}

/** As `index`, of frames whose keys are all a number or null, as `wire/block/key.ts` writes them: such
 *  a key is one word, so that entries are compared without a look at what they stand for. 0 = they
 *  are not. */
function indexNumbers(from: u32, to: u32, entries: u32, most: u32): u32 {
  let at = from, n: u32 = 0;
  while (n < most) {
    const length = frameLength(at, to);
    if (to - at < length) break;
    const size = load<u32>(at), tag = load<u8>(at + 8);
    let w: u64 = 0;
    if (size == 9 && tag == tagNumber) {
      w = bswap(load<u64>(at + 9));
      // Null, which comes before all numbers.
      if (w == 0) return 0;
    } else if (size != 1 || tag != tagNull) return 0;
    putEntry(entries, w ^ flip, at, length);
    entries += entryBytes;
    at += length;
    n++;
  }
  areWhole = true;
  doneRecords = n;
  return at - from;
}

function indexLines(from: u32, to: u32, entries: u32, most: u32): u32 {
  const newline = i8x16.splat(10);
  let start = from, n: u32 = 0;
  for (let at = from; at < to && n < most; at += 16) {
    let mask = <u32>i8x16.bitmask(i8x16.eq(v128.load(at), newline));
    for (; mask != 0 && n < most; mask &= mask - 1) {
      const end = at + ctz(mask);
      if (end >= to) break;
      putEntry(entries, window(start, end - start), start, end + 1 - start);
      entries += entryBytes;
      start = end + 1;
      n++;
    }
  }
  doneRecords = n;
  return start - from;
}

/** Sorts `count` entries at `a`, equal keys as they were. `b` has room for as many, `counters` for
 *  all levels. */
export function sort(a: u32, b: u32, count: u32, counters: u32): void {
  radix(a, b, count, counters, 56, 0, 0);
}

/** By the byte at `shift` of the windows, which begin at `depth` of the keys, and what follows. */
function radix(a: u32, b: u32, count: u32, counters: u32, shift: i32, depth: u32, level: u32): void {
  const end = a + count * entryBytes;
  while (true) {
    if (count <= few) return insertion(a, end, depth);
    if (shift < 0) {
      if (!entryGoesOn(load<u64>(a))) return;
      depth += 7;
      for (let p = a; p < end; p += entryBytes) {
        const at = load<u32>(p + 8);
        store<u64>(p, window(keyOf(at) + depth, keyLength(at, load<u32>(p + 12)) - depth));
      }
      shift = 56;
    }
    if (level == levelsMax) return mergeSort(a, b, count, depth);
    memory.fill(counters, 0, 1024);
    for (let p = a; p < end; p += entryBytes) {
      const c = counters + ((<u32>(load<u64>(p) >> <u64>shift) & 0xff) << 2);
      store<u32>(c, load<u32>(c) + 1);
    }
    const first = counters + ((<u32>(load<u64>(a) >> <u64>shift) & 0xff) << 2);
    if (load<u32>(first) != count) break;
    shift -= 8;
  }
  const starts = counters + 1024;
  let at = b;
  for (let i: u32 = 0; i < 1024; i += 4) {
    store<u32>(starts + i, at);
    at += load<u32>(counters + i) * entryBytes;
  }
  for (let p = a; p < end; p += entryBytes) {
    const w = load<u64>(p);
    const s = starts + ((<u32>(w >> <u64>shift) & 0xff) << 2);
    const to = load<u32>(s);
    store<u64>(to, w);
    store<u64>(to + 8, load<u64>(p + 8));
    store<u32>(s, to + entryBytes);
  }
  memory.copy(a, b, count * entryBytes);
  let start = a;
  for (let i: u32 = 0; i < 1024; i += 4) {
    const n = load<u32>(counters + i);
    if (n > 1) radix(start, b, n, counters + levelBytes, shift - 8, depth, level + 1);
    start += n * entryBytes;
  }
}

function insertion(a: u32, end: u32, depth: u32): void {
  for (let p = a + entryBytes; p < end; p += entryBytes) {
    const w = load<u64>(p), rest = load<u64>(p + 8);
    let q = p;
    for (; q > a; q -= entryBytes) {
      const v = load<u64>(q - entryBytes);
      if (v < w) break;
      if (v == w) {
        if (!entryGoesOn(w)) break;
        const other = load<u64>(q - 8);
        if (compareRecords(<u32>other, <u32>(other >> 32), <u32>rest, <u32>(rest >> 32), depth + 7) <= 0) break;
      }
      store<u64>(q, v);
      store<u64>(q + 8, load<u64>(q - 8));
    }
    store<u64>(q, w);
    store<u64>(q + 8, rest);
  }
}

/** Where keys agree in long stretches again and again. */
function mergeSort(a: u32, b: u32, count: u32, depth: u32): void {
  const end = a + count * entryBytes;
  if (count <= few) return insertion(a, end, depth);
  const half = count >> 1;
  const middle = a + half * entryBytes;
  mergeSort(a, b, half, depth);
  mergeSort(middle, b, count - half, depth);
  memory.copy(b, a, half * entryBytes);
  let left = b, right = middle, to = a;
  const leftEnd = b + half * entryBytes;
  while (left < leftEnd && right < end) {
    const takesRight = compareEntries(right, left, depth) < 0;
    const from = takesRight ? right : left;
    store<u64>(to, load<u64>(from));
    store<u64>(to + 8, load<u64>(from + 8));
    to += entryBytes;
    if (takesRight) right += entryBytes; else left += entryBytes;
  }
  memory.copy(to, left, leftEnd - left);
}

/** How many of the sorted entries come before the key at `key`. */
export function countBefore(entries: u32, count: u32, key: u32, length: u32): u32 {
  let low: u32 = 0, high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    const at = load<u32>(entries + middle * entryBytes + 8);
    const own = keyLength(at, load<u32>(entries + middle * entryBytes + 12));
    if (compare(keyOf(at), own, key, length, 0) < 0) low = middle + 1; else high = middle;
  }
  return low;
}

// @ts-expect-error: decorator
@inline function copy(to: u32, from: u32, length: u32): void {
  if (length > 512) { memory.copy(to, from, length); return; }
  const end = to + length;
  do {
    v128.store(to, v128.load(from));
    to += 16;
    from += 16;
  } while (to < end);
}

/** Records whose bytes are looked for in memory at once. */
const aheadEntries: u32 = 32;
let seen: u64 = 0;

/** Loads the records of the next entries: they lie anywhere, and memory answers many questions at
 *  once sooner than one after the other. Answers the entry behind them. */
function lookAhead(from: u32, to: u32): u32 {
  const end = min(to, from + aheadEntries * entryBytes);
  let all: u64 = 0;
  for (let entry = from; entry < end; entry += entryBytes) {
    const at = load<u32>(entry + 8);
    all += load<u8>(at) + load<u8>(at + load<u32>(entry + 12) - 1);
  }
  seen += all;
  return end;
}

/** Copies the records of entries [from, to) to `out`, as many as have room; answers the entry that
 *  is next. `first`: the first entry of all, before which there is none to be equal to. */
export function gather(first: u32, from: u32, to: u32, out: u32, room: u32): u32 {
  const start = out, limit = out + room;
  let n: u32 = 0, longest: u32 = 0, ahead = from;
  for (; from < to; from += entryBytes) {
    if (from >= ahead) ahead = lookAhead(from, to);
    const at = load<u32>(from + 8), length = load<u32>(from + 12);
    // The windows are those of the depth where sorting ended: only keys tell.
    if (unique && from > first) {
      const before = from - entryBytes;
      if (compareRecords(load<u32>(before + 8), load<u32>(before + 12), at, length, 0) == 0) continue;
    }
    if (length > limit - out) break;
    copy(out, at, length);
    longest = max(longest, length);
    out += length;
    n++;
  }
  doneBytes = out - start;
  doneRecords = n;
  doneLongest = longest;
  return from;
}

/** Finds the record at the head of a run; 0 = it is not whole yet. */
export function setHead(run: u32): u32 {
  const at = load<u32>(run + 8), end = load<u32>(run + 12);
  let length = recordBytes;
  if (shape == lines) {
    const newline = i8x16.splat(10);
    let p = at;
    for (; p < end; p += 16) {
      const mask = <u32>i8x16.bitmask(i8x16.eq(v128.load(p), newline));
      if (mask != 0) { p += ctz(mask); break; }
    }
    if (p >= end) return 0;
    length = p + 1 - at;
  } else {
    if (shape != fixed) length = frameLength(at, end);
    if (end - at < length) return 0;
  }
  store<u32>(run + 16, length);
  store<u64>(run, window(keyOf(at), keyLength(at, length)));
  return 1;
}

/** Whether run a's head comes before run b's; of equal ones that of the lower run. */
// @ts-expect-error: decorator
@inline function beats(runs: u32, a: u32, b: u32): bool {
  const p = runs + a * runBytes, q = runs + b * runBytes;
  const v = load<u64>(p), w = load<u64>(q);
  return v != w ? v < w : beatsLater(p, q, v);
}

function beatsLater(p: u32, q: u32, w: u64): bool {
  if (load<u32>(p + 20) == 0) return false;
  if (load<u32>(q + 20) == 0) return true;
  if (!goesOn(w)) return p < q;
  const order = compareRecords(load<u32>(p + 8), load<u32>(p + 16), load<u32>(q + 8), load<u32>(q + 16), 7);
  return order == 0 ? p < q : order < 0;
}

/** Makes the tree of losers of `count` runs: the winner, the losers of inner nodes 1 … count − 1;
 *  2 × count more words behind them are used. */
export function buildTree(runs: u32, tree: u32, count: u32): void {
  const winners = tree + count * 4;
  for (let i: u32 = 0; i < count; i++) store<u32>(winners + (count + i) * 4, i);
  for (let node = count - 1; node > 0; node--) {
    const a = load<u32>(winners + node * 8), b = load<u32>(winners + node * 8 + 4);
    const isA = beats(runs, a, b);
    store<u32>(winners + node * 4, isA ? a : b);
    store<u32>(tree + node * 4, isA ? b : a);
  }
  store<u32>(tree, count > 1 ? load<u32>(winners + 4) : 0);
}

/** After the head of `run`, the winner, has changed. */
export function replay(runs: u32, tree: u32, count: u32, run: u32): void {
  let winner = run;
  for (let node = (run + count) >> 1; node > 0; node >>= 1) {
    const other = load<u32>(tree + node * 4);
    if (beats(runs, other, winner)) {
      store<u32>(tree + node * 4, winner);
      winner = other;
    }
  }
  store<u32>(tree, winner);
}

/** A run without records: behind all others. */
export function endRun(run: u32): void {
  store<u64>(run, ~(<u64>0));
  store<u32>(run + 20, 0);
}

/** The key of the record that was merged last, for `unique`: its length and its bytes. */
let lastKey: u32 = 0;
let lastLength: u32 = 0;
let hasLast: bool = false;
export function startMerge(lastKey_: u32): void {
  lastKey = lastKey_;
  hasLast = false;
}

function isRepeated(at: u32, length: u32): bool {
  const key = keyOf(at), size = keyLength(at, length);
  if (hasLast && compare(lastKey, lastLength, key, size, 0) == 0) return true;
  memory.copy(lastKey, key, size);
  lastLength = size;
  hasLast = true;
  return false;
}

/** Merges to `out`, at most `most` records, of framed ones only the records when `strip`. Answers a
 *  run that needs more bytes, −1 when there is no room for the next record or enough are done, −2
 *  when all runs have ended. */
export function merge(
  runs: u32, tree: u32, count: u32, out: u32, room: u32, most: u32, strip: u32,
): i32 {
  const start = out, limit = out + room;
  let n: u32 = 0, answer = -1;
  while (n < most) {
    const winner = load<u32>(tree);
    const run = runs + winner * runBytes;
    if (load<u32>(run + 20) == 0) { answer = -2; break; }
    const at = load<u32>(run + 8), length = load<u32>(run + 16);
    const skip = strip ? 8 + load<u32>(at) : 0;
    // Where there may be no room it is not yet known whether it is needed: it is looked at again.
    if (length - skip > limit - out) break;
    if (!unique || !isRepeated(at, length)) {
      copy(out, at + skip, length - skip);
      out += length - skip;
      n++;
    }
    store<u32>(run + 8, at + length);
    if (setHead(run) == 0) { answer = winner; break; }
    replay(runs, tree, count, winner);
  }
  doneBytes = out - start;
  doneRecords = n;
  return answer;
}
