/** Counts words: bytes in, sorted runs or rows out. AssemblyScript, built by
 *  `scripts/build-wasm.ts` into `src/worker/kernels/wasm/words.wasm`; its driver is beside that.
 *
 *  A word of up to 8 bytes is one 64-bit number in a table of its own, up to 16 bytes two; longer
 *  ones lie in an arena. Nothing is allocated for a word that is known, and no byte is looked at
 *  twice: 64 bytes become a mask of those that belong to runs, the mask becomes starts and ends,
 *  and each run is looked up whole.
 *
 *  A *run* is what lies between ASCII separators: ASCII letters and digits, apostrophes, and all
 *  that is not ASCII. Words never cross a separator, so a run that is in a table is a word, and
 *  only runs that are not known yet are cut into words character by character. */
import { list, listed as listedWords, setNumbering, startList } from "./found";
import { cutRun, fold, isSmall, setFold } from "./letters";
import { orderedEntry, partitionOf, prepareSort, sortEntries, startOf } from "./sort";
import { allocate, base, copyWord, scratch } from "./space";
import {
  clearTables,
  count16From,
  count8From,
  countAt,
  entries,
  entryCount,
  find16,
  find8,
  lengthOf,
  tableBytes,
  upsert,
  wordAt,
} from "./tables";

/** Bytes that are cut into runs at a time: starts and ends of them stay in the first cache. */
const stripBytes: u32 = 16 * 1024;
const stripRuns: u32 = stripBytes / 2 + 64;

let starts: usize = 0;
let ends: usize = 0;
let queue8: usize = 0;
let end8: usize = 0;
let queue16: usize = 0;
let end16: usize = 0;
let queueLong: usize = 0;
let endLong: usize = 0;
let masks: usize = 0;
/** Numbers of the runs of a strip; 0 = not known. */
let runNumbers: usize = 0;
/** Where payloads and rows are written. */
let out: usize = 0;
let outLength: u32 = 0;
/** The key that is being put together from what a run shares. */
let key: usize = 0;
let input: usize = 0;

const keyMaxBytes: u32 = 1024 * 1024;
const outBytes: u32 = 3 * keyMaxBytes;
const blockTargetBytes: u32 = 64 * 1024 - 8;
const rowsTargetBytes: u32 = 256 * 1024;
const stringTag: u8 = 0x40;
const integerTag: u8 = 4;
/** What `unfolded` has found. */
let listed: usize = 0;
/** How far `absorb` has read. */
let readAt: usize = 0;

/** Once. Answers where up to `inputBytes` are to be put for `scan` and `absorb`; 64 bytes behind
 *  them may be read. */
export function start(inputBytes: u32, lowercase: bool, numbering: bool): usize {
  setFold(lowercase);
  if (numbering) setNumbering(inputBytes);
  runNumbers = allocate(stripRuns * 4);
  starts = allocate(stripRuns * 4);
  ends = allocate(stripRuns * 4);
  queue8 = allocate(stripRuns * 16);
  queue16 = allocate(stripRuns * 24);
  queueLong = allocate(stripRuns * 4);
  masks = allocate(17 * 16);
  for (let length: u32 = 0; length <= 16; length++) {
    for (let i: u32 = 0; i < 16; i++) {
      store<u8>(masks + length * 16 + i, i < length ? 0xff : 0);
    }
  }
  out = allocate(outBytes);
  key = allocate(keyMaxBytes + 64);
  input = allocate(inputBytes + 128);
  base();
  clear();
  return input;
}

/** Forgets all words. */
export function clear(): void {
  clearTables();
}

export function words(): u32 {
  return entryCount();
}

/** Memory that the words take. */
export function sizeBytes(): u32 {
  return tableBytes();
}

export function outAt(): usize {
  return out;
}

export function outSize(): u32 {
  return outLength;
}

/** Counts the words of bytes [from, end), the last of which is an ASCII separator. */
export function scan(from: usize, end: usize): void {
  for (let at = from; at < end; ) {
    // Runs that go on behind a strip are found again by the next.
    at = strip(at, min(at + stripBytes, end), end, false);
  }
}

/** Called after each strip that its words are listed, by `number`. The host's loop over them is a
 *  function of its own then, which its engine compiles as such. */
// @ts-ignore: decorator
@external("words", "strip")
declare function told(): void;

/** Lists the words of bytes [from, end), the last of which is an ASCII separator, strip by strip:
 *  `wordsListed`, `listAt` and `freshWords` say what there is. */
export function number(from: usize, end: usize): void {
  for (let at = from; at < end; ) {
    startList();
    at = strip(at, min(at + stripBytes, end), end, true);
    told();
  }
}

export function wordsListed(): u32 {
  return listedWords();
}

export { freshWords, listAt } from "./found";

/** Bits of those of 16 bytes that belong to runs. */
// @ts-ignore: decorator
@inline
function runBits(at: usize): u64 {
  const bytes = v128.load(at);
  const small = v128.or(bytes, i8x16.splat(0x20));
  const letters = i8x16.lt_u(i8x16.sub(small, i8x16.splat(0x61)), i8x16.splat(26));
  const digits = i8x16.lt_u(i8x16.sub(bytes, i8x16.splat(0x30)), i8x16.splat(10));
  const apostrophes = i8x16.eq(bytes, i8x16.splat(0x27));
  const foreign = i8x16.lt_s(bytes, i8x16.splat(0));
  const all = v128.or(v128.or(letters, digits), v128.or(apostrophes, foreign));
  return <u64>i8x16.bitmask(all);
}

/** Counts or numbers the runs that end in [from, to]; answers where the next strip starts: behind
 *  all of
 *  them. */
function strip(from: usize, to: usize, end: usize, numbering: bool): usize {
  let startAt = starts;
  let endAt = ends;
  let carry: u64 = 0;
  let block = from;
  for (; block < to; block += 64) {
    let runs =
      runBits(block) |
      (runBits(block + 16) << 16) |
      (runBits(block + 32) << 32) |
      (runBits(block + 48) << 48);
    if (end - block < 64) runs &= ((<u64>1) << (end - block)) - 1;
    const behind = (runs << 1) | carry;
    carry = runs >> 63;
    let opening = runs & ~behind;
    let closing = ~runs & behind;
    while (opening != 0) {
      store<u32>(startAt, <u32>(block + <usize>ctz(opening)));
      startAt += 4;
      opening &= opening - 1;
    }
    while (closing != 0) {
      store<u32>(endAt, <u32>(block + <usize>ctz(closing)));
      endAt += 4;
      closing &= closing - 1;
    }
  }
  const count = <u32>(endAt - ends) >> 2;
  queueRuns(count);
  if (numbering) numberQueued(count);
  else countQueued();
  // What has no end yet lies across the strip.
  if (<u32>(startAt - starts) >> 2 == count) return block;
  const open = <usize>load<u32>(starts + (count << 2));
  return open > from ? open : across(open, end);
}

/** A run longer than a strip. */
function across(from: usize, end: usize): usize {
  let at = from;
  while (at < end && (runBits(at) & 1) != 0) at++;
  cutRun(from, at);
  return at;
}

/** Queues the first `count` runs by their lengths: a branch on each length would be mispredicted
 *  for
 *  many. */
function queueRuns(count: u32): void {
  end8 = queue8;
  end16 = queue16;
  endLong = queueLong;
  let to8 = end8;
  let to16 = end16;
  const folded: u64 = fold ? 0x2020202020202020 : 0;
  for (let i: u32 = 0; i < count; i++) {
    const at = <usize>load<u32>(starts + (i << 2));
    const length = load<u32>(ends + (i << 2)) - <u32>at;
    if (length > 16) {
      store<u32>(endLong, i);
      endLong += 4;
      continue;
    }
    const mask = masks + (length << 4);
    const lowMask = load<u64>(mask);
    const highMask = load<u64>(mask, 8);
    let low = load<u64>(at) & lowMask;
    let high = load<u64>(at, 8) & highMask;
    // Small letters of ASCII runs; digits and the apostrophe have the bit.
    const bits: u64 = select<u64>(folded, 0, ((low | high) & 0x8080808080808080) == 0);
    low |= bits & lowMask;
    high |= bits & highMask;
    store<u64>(to8, low);
    store<u64>(to8, i, 8);
    to8 += length <= 8 ? 16 : 0;
    store<u64>(to16, low);
    store<u64>(to16, high, 8);
    store<u64>(to16, i, 16);
    to16 += length > 8 ? 24 : 0;
  }
  end8 = to8;
  end16 = to16;
}

function countQueued(): void {
  for (let at = count8From(queue8, end8); at < end8; at = count8From(at + 16, end8)) {
    cutAt(load<u32>(at, 8));
  }
  for (let at = count16From(queue16, end16); at < end16; at = count16From(at + 24, end16)) {
    cutAt(load<u32>(at, 16));
  }
  for (let at = queueLong; at < endLong; at += 4) cutAt(load<u32>(at));
}

/** In the order of the text, unlike `countQueued`. */
function numberQueued(count: u32): void {
  for (let at = queueLong; at < endLong; at += 4) {
    store<u32>(runNumbers + (<usize>load<u32>(at) << 2), 0);
  }
  find8(queue8, end8, runNumbers);
  find16(queue16, end16, runNumbers);
  for (let i: u32 = 0; i < count; i++) {
    const number = load<u32>(runNumbers + (<usize>i << 2));
    if (number != 0) list(number, load<u32>(starts + (<usize>i << 2)));
    else cutAt(i);
  }
}

function cutAt(run: u32): void {
  cutRun(load<u32>(starts + (<usize>run << 2)), load<u32>(ends + (<usize>run << 2)));
}

/** Adds to the count of a word, small letters or not; 16 bytes from `at` on may be read. */
export function add(at: usize, length: u32, by: f64): void {
  upsert(at, length, <u64>by);
}

/** Lists the words that may have other small letters than their bytes say, which only JavaScript
 *  knows: answers how many, of which `entryAt` says where. What is added moves them. */
export function unfolded(): u32 {
  if (!fold) return 0;
  const list = scratch(words() << 2);
  const all = entries(list);
  let count: u32 = 0;
  for (let i: u32 = 0; i < all; i++) {
    const entry = load<u32>(list + (i << 2));
    if (isSmall(wordAt(entry), lengthOf(entry))) continue;
    store<u32>(list + (count++ << 2), entry);
  }
  listed = list;
  return count;
}

export function entryAt(i: u32): u32 {
  return load<u32>(listed + (i << 2));
}

export function bytesAt(entry: u32): usize {
  return wordAt(entry);
}

export function bytesOf(entry: u32): u32 {
  return lengthOf(entry);
}

/** The word's count, which is 0 from now on: it is listed no more. */
export function take(entry: u32): f64 {
  const at = countAt(entry);
  const count = load<u64>(at);
  store<u64>(at, 0);
  return <f64>count;
}

/** Puts the words in order, by partition and then by their bytes. Entry i of the order is in
 *  partition p from `partitionStart(p)` to `partitionStart(p + 1)`. Holds until something is
 *  added. */
export function sort(partitions: u32): void {
  const list = prepareSort(partitions, entryCount());
  sortEntries<WordEntry>(entries(list), partitions, partitions);
}

/** A word as it is sorted; its address is that of the entry. */
@unmanaged
class WordEntry {
  @inline
  at(): usize {
    return wordAt(changetype<usize>(this));
  }

  @inline
  length(): u32 {
    return lengthOf(changetype<usize>(this));
  }

  @inline
  bucket(partitions: u32): u32 {
    return partitionOf(stringTag, this.at(), this.length(), partitions);
  }
}

export function partitionStart(partition: u32): u32 {
  return startOf(partition);
}

/** Writes the payload of a block of a run (docs/protocols/block.md) with entries of the order from
 *  `from` on, before `to`; answers where the next block starts. */
export function block(from: u32, to: u32): u32 {
  let at = out;
  let before: usize = 0;
  let beforeLength: u32 = 0;
  let i = from;
  while (i < to && <u32>(at - out) < blockTargetBytes) {
    const entry = orderedEntry(i++);
    const word = wordAt(entry);
    const length = lengthOf(entry);
    if (before == 0) {
      at = varint(at, 0);
      at = varint(at, length + 1);
      store<u8>(at++, stringTag);
      copyWord(at, word, length);
      at += length;
    } else {
      const shared = sharedBytes(before, word, min(beforeLength, length));
      at = varint(at, shared + 1);
      at = varint(at, length - shared);
      copyWord(at, word + shared, length - shared);
      at += length - shared;
    }
    before = word;
    beforeLength = length;
    const doubled = load<u64>(countAt(entry)) << 1;
    const value = varint(at + 2, doubled);
    store<u8>(at, <u8>(value - at - 1));
    store<u8>(at, integerTag, 1);
    at = value;
  }
  outLength = <u32>(at - out);
  return i;
}

/** Adds the entries of a payload of `length` bytes at `from`. Answers how many they are, or −1 when
 *  they are not what `block` writes. */
export function absorb(from: usize, length: u32): i32 {
  const end = from + length;
  let count: i32 = 0;
  let keyLength: u64 = 0;
  readAt = from;
  while (readAt < end) {
    const same = readVarint(end);
    const further = readVarint(end);
    // These bytes are a stranger's: nothing is written but where a key may be.
    if (same > keyLength || further > <u64>(end - readAt)) return -1;
    keyLength = same + further;
    if (keyLength < 2 || keyLength > <u64>keyMaxBytes) return -1;
    const shared = <u32>same;
    const unshared = <u32>further;
    copyWord(key + shared, readAt, unshared);
    readAt += unshared;
    const valueBytes = <usize>readVarint(end);
    const valueEnd = readAt + valueBytes;
    if (valueEnd > end || load<u8>(readAt) != integerTag || load<u8>(key) != stringTag) return -1;
    readAt++;
    const doubled = readVarint(end);
    if (readAt != valueEnd || (doubled & 1) != 0) return -1;
    upsert(key + 1, shared + unshared - 1, doubled >> 1);
    count++;
  }
  return count;
}

/** Writes rows of a result from entry `from` of the order on, before `to`, a part of them; answers
 *  which comes next. `format`: 0 ndjson, 1 csv, 2 text. Nothing in a word needs an escape. */
export function rows(from: u32, to: u32, format: u32): u32 {
  let at = out;
  let i = from;
  while (i < to && <u32>(at - out) < rowsTargetBytes) {
    const entry = orderedEntry(i++);
    const length = lengthOf(entry);
    // {"key":"
    if (format == 0) {
      store<u64>(at, 0x223a2279656b227b);
      at += 8;
    }
    copyWord(at, wordAt(entry), length);
    at += length;
    if (format == 0) {
      // ","value":
      store<u64>(at, 0x65756c6176222c22);
      store<u16>(at, 0x3a22, 8);
      at += 10;
    } else {
      store<u8>(at++, format == 1 ? 0x2c : 0x09);
    }
    at = decimal(at, load<u64>(countAt(entry)));
    if (format == 0) store<u8>(at++, 0x7d);
    store<u8>(at++, 0x0a);
  }
  outLength = <u32>(at - out);
  return i;
}

function sharedBytes(a: usize, b: usize, most: u32): u32 {
  let i: u32 = 0;
  while (i < most && load<u8>(a + i) == load<u8>(b + i)) i++;
  return i;
}

function varint(at: usize, value: u64): usize {
  while (value >= 0x80) {
    store<u8>(at++, <u8>value | 0x80);
    value >>= 7;
  }
  store<u8>(at++, <u8>value);
  return at;
}

function readVarint(end: usize): u64 {
  let value: u64 = 0;
  for (let shift: u64 = 0; readAt < end && shift < 56; shift += 7) {
    const byte = <u64>load<u8>(readAt++);
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return value;
}

function decimal(at: usize, value: u64): usize {
  let digits = 1;
  for (let rest = value; rest >= 10; rest /= 10) digits++;
  const end = at + digits;
  for (let to = end; to > at; value /= 10) store<u8>(--to, 0x30 + <u8>(value % 10));
  return end;
}
