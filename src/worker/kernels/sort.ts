/** Puts encoded keys in order. Most comparisons are of whole machine words: the first bytes of each
 *  key and its index are packed into one 64-bit number, and the engine sorts those. */

/** Distinct encoded keys: key i is `bytes` [starts[i], ends[i]). */
export type PackedKeys = {
  readonly bytes: Uint8Array;
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
};

/** A group this small is sorted by insertion. */
const smallGroup = 12;
/** A group of keys whose first bytes are equal is packed again this often; then keys are compared
 *  one by one. */
const levelsMax = 8;
const bigEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 0;
const low = bigEndian ? 1 : 0;
const high = 1 - low;

/** Sorts indexes of keys by the keys' bytes, in place. */
export function sortKeys(keys: PackedKeys, order: Uint32Array): void {
  sortGroup(keys, order, 0, 0);
}

/** Keys that end before `depth` are those of the group followed by zeros only: still in order by
 *  length. */
function sortGroup(keys: PackedKeys, group: Uint32Array, known: number, level: number): void {
  if (group.length < 2) return;
  if (group.length <= smallGroup) {
    sortByInsertion(keys, group, known);
    return;
  }
  if (level === levelsMax) {
    group.set(Array.from(group).sort((a, b) => compareKeys(keys, a, b, known)));
    return;
  }
  const depth = sharedPrefix(keys, group, known);
  const indexBits = 32 - Math.clz32(group.length - 1);
  // Whole bytes only, so that the next level starts where this one ended.
  const lowBytes = (32 - indexBits) >> 3;
  const words = new BigUint64Array(group.length);
  const halves = new Uint32Array(words.buffer);
  pack(keys, group, depth, { halves, lowBytes, indexBits });
  words.sort();
  const unsorted = group.slice();
  const mask = indexBits === 32 ? 0xffffffff : 2 ** indexBits - 1;
  for (let i = 0; i < group.length; i++) {
    group[i] = unsorted[((halves[2 * i + low] as number) & mask) >>> 0] as number;
  }
  let first = 0;
  for (let i = 1; i <= group.length; i++) {
    if (
      i < group.length &&
      halves[2 * i + high] === halves[2 * first + high] &&
      (((halves[2 * i + low] as number) ^ (halves[2 * first + low] as number)) & ~mask) === 0
    ) {
      continue;
    }
    if (i - first > 1) {
      sortGroup(keys, group.subarray(first, i), depth + 4 + lowBytes, level + 1);
    }
    first = i;
  }
}

/** How many bytes all of these keys begin with, given that it is at least `known`. */
function sharedPrefix(keys: PackedKeys, group: Uint32Array, known: number): number {
  const { bytes, ends } = keys;
  const first = keys.starts[group[0] as number] as number;
  let shared = (ends[group[0] as number] as number) - first;
  for (let i = 1; i < group.length && shared > known; i++) {
    const at = keys.starts[group[i] as number] as number;
    shared = Math.min(shared, (ends[group[i] as number] as number) - at);
    let same = known;
    while (same < shared && bytes[first + same] === bytes[at + same]) same++;
    shared = same;
  }
  return Math.max(shared, known);
}

type Packing = {
  readonly halves: Uint32Array;
  readonly lowBytes: number;
  readonly indexBits: number;
};

function pack(keys: PackedKeys, group: Uint32Array, depth: number, packing: Packing): void {
  const { bytes, ends } = keys;
  const { halves, lowBytes, indexBits } = packing;
  for (let i = 0; i < group.length; i++) {
    const key = group[i] as number;
    const end = ends[key] as number;
    let at = (keys.starts[key] as number) + depth;
    let upper = 0;
    for (let k = 0; k < 4; k++) upper = (upper << 8) | (at < end ? (bytes[at++] as number) : 0);
    let lower = 0;
    for (let k = 0; k < lowBytes; k++) {
      lower = (lower << 8) | (at < end ? (bytes[at++] as number) : 0);
    }
    halves[2 * i + high] = upper;
    halves[2 * i + low] = (indexBits === 32 ? 0 : lower << indexBits) | i;
  }
}

function sortByInsertion(keys: PackedKeys, group: Uint32Array, depth: number): void {
  for (let i = 1; i < group.length; i++) {
    const key = group[i] as number;
    let at = i;
    while (at > 0 && compareKeys(keys, group[at - 1] as number, key, depth) > 0) {
      group[at] = group[at - 1] as number;
      at--;
    }
    group[at] = key;
  }
}

function compareKeys(keys: PackedKeys, a: number, b: number, depth: number): number {
  const { bytes, ends } = keys;
  let left = (keys.starts[a] as number) + depth;
  let right = (keys.starts[b] as number) + depth;
  const leftEnd = ends[a] as number;
  const rightEnd = ends[b] as number;
  for (; left < leftEnd && right < rightEnd; left++, right++) {
    const difference = (bytes[left] as number) - (bytes[right] as number);
    if (difference !== 0) return difference;
  }
  return leftEnd - left - (rightEnd - right);
}
