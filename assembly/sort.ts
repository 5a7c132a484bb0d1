/** Puts the entries of tables in order: by bucket, then by their bytes (memcmp, a prefix first).
 *  Eight bytes at a time are one number, sorted by radix; only entries that agree in them are
 *  looked at again.
 *
 *  Whatever `E` is has `at` and `length` of an entry's bytes, and says in which of `buckets` it
 *  is. Of the entries of one bucket none is another with zeros behind it. */
import { scratch } from "./space";

/** An item: eight bytes of the entry as a big-endian number, the entry, its bucket. */
const itemBytes: usize = 16;
const insertionMax: u32 = 24;

/** Starts of the buckets, items, and as many to sort them with, and 256 counts. */
let bucketAt: usize = 0;
let items: usize = 0;
let spare: usize = 0;
let counts: usize = 0;
let refs: usize = 0;

export function startOf(bucket: u32): u32 {
  return load<u32>(bucketAt + (bucket << 2));
}

// @ts-ignore: decorator
@inline
export function orderedEntry(i: u32): usize {
  return <usize>load<u32>(items + <usize>i * itemBytes, 8);
}

/** Makes room for so many entries; answers where their addresses are to be listed. */
export function prepareSort(buckets: u32, most: u32): usize {
  const head = ((<usize>buckets + 2) * 4 + 63) & ~(<usize>63);
  bucketAt = scratch(head + 256 * 4 * 8 + <usize>most * (2 * itemBytes + 4));
  counts = bucketAt + head;
  items = counts + 256 * 4 * 8;
  spare = items + <usize>most * itemBytes;
  refs = spare + <usize>most * itemBytes;
  memory.fill(bucketAt, 0, head);
  return refs;
}

/** Sorts the entries that are listed where `prepareSort` returned. */
export function sortEntries<E>(count: u32, partitions: u32, buckets: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    const entry = load<u32>(refs + (<usize>i << 2));
    const item = spare + <usize>i * itemBytes;
    const bucket = changetype<E>(entry).bucket(partitions);
    store<u64>(item, prefix<E>(entry, 0));
    store<u32>(item, entry, 8);
    store<u32>(item, bucket, 12);
    const start = bucketAt + ((bucket + 2) << 2);
    if (bucket + 1 < buckets) store<u32>(start, load<u32>(start) + 1);
  }
  // Each bucket's place is where it starts, then where its next item goes: one behind.
  for (let b: u32 = 1; b < buckets; b++) {
    const at = bucketAt + ((b + 1) << 2);
    store<u32>(at, load<u32>(at) + load<u32>(at - 4));
  }
  for (let i: u32 = 0; i < count; i++) {
    const item = spare + <usize>i * itemBytes;
    const next = bucketAt + ((load<u32>(item, 12) + 1) << 2);
    const place = load<u32>(next);
    store<u32>(next, place + 1);
    v128.store(items + <usize>place * itemBytes, v128.load(item));
  }
  for (let b: u32 = 0; b < buckets; b++) sortRange<E>(startOf(b), startOf(b + 1) - startOf(b), 0);
}

/** The hash of a key by which it has its partition, before its bytes behind the tag:
 *  `wire/block/partition.ts`. FNV-1a, mixed by the finalizer of MurmurHash3. */
export function partitionOf(tag: u32, at: usize, length: u32, partitions: u32): u32 {
  if (partitions == 1) return 0;
  const end = at + length;
  let hash: u32 = (0x811c9dc5 ^ tag) * 0x01000193;
  for (; at < end; at++) hash = (hash ^ load<u8>(at)) * 0x01000193;
  hash = (hash ^ (hash >> 16)) * 0x85ebca6b;
  hash = (hash ^ (hash >> 13)) * 0xc2b2ae35;
  return (hash ^ (hash >> 16)) % partitions;
}

/** Bytes from `depth` on as a number that compares as they do; zeros behind the end. */
// @ts-ignore: decorator
@inline
function prefix<E>(entry: u32, depth: u32): u64 {
  const length = changetype<E>(entry).length();
  const bytes = load<u64>(changetype<E>(entry).at() + depth);
  // Without branches: one that depends on memory that is far holds up all that is behind it.
  const left = select<u32>(length - depth, 0, length > depth);
  const real = ((<u64>1) << ((left & 7) << 3)) - 1;
  return bswap(bytes & select<u64>(~(<u64>0), real, left >= 8));
}

/** Sorts items that agree in all bytes before `depth`, and have at least so many.
 *
 *  Words can agree in a million bytes, so no call may stand for eight of them: of the groups that
 *  agree further on, the largest is the next turn of the loop, and each of the others has at most
 *  half of the items. So calls are at most 32 deep, whatever the words are. */
function sortRange<E>(from: u32, count: u32, depth: u32): void {
  while (count > 1) {
    const at = items + <usize>from * itemBytes;
    if (count <= insertionMax) insertion(at, count);
    else radix(at, count);
    depth += 8;
    let largest: u32 = 0;
    let largestCount: u32 = 1;
    let first: u32 = 0;
    for (let i: u32 = 1; i <= count; i++) {
      if (i < count && valueAt(at, i) == valueAt(at, first)) continue;
      let group = first;
      let size = i - first;
      first = i;
      if (size > largestCount) {
        const smaller = largest;
        const smallerCount = largestCount;
        largest = group;
        largestCount = size;
        group = smaller;
        size = smallerCount;
      }
      if (size < 2) continue;
      takePrefixes<E>(from + group, size, depth);
      sortRange<E>(from + group, size, depth);
    }
    from += largest;
    count = largestCount;
    if (count > 1) takePrefixes<E>(from, count, depth);
  }
}

/** For items with the same prefix: those that end with it are the shorter, and at most one is as
 *  short. */
function takePrefixes<E>(from: u32, count: u32, depth: u32): void {
  const at = items + <usize>from * itemBytes;
  for (let i: u32 = 0; i < count; i++) {
    const item = at + <usize>i * itemBytes;
    store<u64>(item, prefix<E>(load<u32>(item, 8), depth));
  }
}

// @ts-ignore: decorator
@inline
function valueAt(at: usize, i: u32): u64 {
  return load<u64>(at + <usize>i * itemBytes);
}

function insertion(at: usize, count: u32): void {
  for (let i: u32 = 1; i < count; i++) {
    const item = v128.load(at + <usize>i * itemBytes);
    const value = valueAt(at, i);
    let to = at + <usize>i * itemBytes;
    while (to > at && load<u64>(to - itemBytes) > value) {
      v128.store(to, v128.load(to - itemBytes));
      to -= itemBytes;
    }
    v128.store(to, item);
  }
}

/** Least byte first; a byte in which all agree costs nothing. */
function radix(at: usize, count: u32): void {
  memory.fill(counts, 0, 256 * 4 * 8);
  const end = at + <usize>count * itemBytes;
  for (let item = at; item < end; item += itemBytes) {
    let value = load<u64>(item);
    for (let byte: usize = 0; byte < 8; byte++) {
      const place = counts + (byte << 10) + (<usize>(value & 0xff) << 2);
      store<u32>(place, load<u32>(place) + 1);
      value >>= 8;
    }
  }
  let from = at;
  let to = spare;
  for (let byte: usize = 0; byte < 8; byte++) {
    const table = counts + (byte << 10);
    const shift: u64 = byte << 3;
    const agreed = <usize>((load<u64>(from) >> shift) & 0xff);
    if (load<u32>(table + (agreed << 2)) == count) continue;
    let sum: u32 = 0;
    for (let i: usize = 0; i < 1024; i += 4) {
      const here = load<u32>(table + i);
      store<u32>(table + i, sum);
      sum += here;
    }
    for (let item = from, last = from + <usize>count * itemBytes; item < last; item += itemBytes) {
      const place = table + (<usize>((load<u64>(item) >> shift) & 0xff) << 2);
      const next = load<u32>(place);
      store<u32>(place, next + 1);
      v128.store(to + <usize>next * itemBytes, v128.load(item));
    }
    const swapped = from;
    from = to;
    to = swapped;
  }
  if (from != at) memory.copy(at, from, <usize>count * itemBytes);
}
