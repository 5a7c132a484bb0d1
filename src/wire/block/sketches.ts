/** Summaries of bounded size that can be merged in any order, and are the same whatever the order
 *  is: HyperLogLog for counts, a histogram of doubles for quantiles. */
import { Arena } from "./arena.ts";
import { type Key, writeKey } from "./key.ts";

const registerBits = 12;
const registers = 2 ** registerBits;
/** Up to so many values are a list. */
const listMax = 256;

/** One value, a list of them, or all registers. A value is its register × 64 + its rank. */
export type CountSketch = number | number[] | Uint8Array;

const scratch = new Arena(256);

export function countSketchOf(key: Key): CountSketch {
  scratch.length = 0;
  writeKey(scratch, key, "approxCountDistinct");
  const [a, b] = hashes(scratch.view());
  return (a >>> (32 - registerBits)) * 64 + Math.clz32(b) + 1;
}

/** Two hashes of 32 bits: FNV-1a from two beginnings, mixed by the end of MurmurHash3. */
function hashes(bytes: Uint8Array): readonly [number, number] {
  let a = 0x811c9dc5;
  let b = 0x2f0b4a27;
  for (let i = 0; i < bytes.length; i++) {
    a = Math.imul(a ^ (bytes[i] as number), 0x01000193);
    b = Math.imul(b ^ (bytes[i] as number), 0x01000193);
    b = (b << 5) | (b >>> 27);
  }
  return [mixed(a), mixed(b)];
}

function mixed(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** May change and answer `a`. */
export function mergeCounts(a: CountSketch, b: CountSketch): CountSketch {
  if (a instanceof Uint8Array || b instanceof Uint8Array) {
    const into = a instanceof Uint8Array ? a : (b as Uint8Array);
    const other = a instanceof Uint8Array ? b : a;
    if (other instanceof Uint8Array) {
      for (let i = 0; i < registers; i++) if (other[i]! > into[i]!) into[i] = other[i]!;
    } else for (const value of listOf(other)) put(into, value);
    return into;
  }
  const list = [...new Set([...listOf(a), ...listOf(b)])].sort((x, y) => x - y);
  if (list.length <= listMax) return list;
  const into = new Uint8Array(registers);
  for (const value of list) put(into, value);
  return into;
}

function listOf(sketch: number | number[]): readonly number[] {
  return typeof sketch === "number" ? [sketch] : sketch;
}

function put(into: Uint8Array, value: number): void {
  const at = Math.floor(value / 64);
  const rank = value % 64;
  if (rank > into[at]!) into[at] = rank;
}

/** The number of different values, with a standard error of 1.6 %. */
export function estimatedCount(sketch: CountSketch | null): number {
  if (sketch === null) return 0;
  const all = sketch instanceof Uint8Array ? sketch : new Uint8Array(registers);
  if (!(sketch instanceof Uint8Array)) for (const value of listOf(sketch)) put(all, value);
  let sum = 0;
  let zeros = 0;
  for (const rank of all) {
    sum += 2 ** -rank;
    if (rank === 0) zeros++;
  }
  const estimate = ((0.7213 / (1 + 1.079 / registers)) * registers ** 2) / sum;
  const isSmall = estimate <= 2.5 * registers && zeros > 0;
  return Math.round(isSmall ? registers * Math.log(registers / zeros) : estimate);
}

/** How many doubles have the same first bits: sign, exponent and six of the fraction. */
export type QuantileSketch = { [bucket: number]: number };

const bits = new DataView(new ArrayBuffer(8));

/** Buckets in the order of their numbers: 1.6 % wide. */
export function bucketOf(number: number): number {
  bits.setFloat64(0, number + 0);
  const high = bits.getUint32(0);
  return (high < 0x80000000 ? high + 0x80000000 : ~high >>> 0) >>> 14;
}

export function mergeQuantiles(into: QuantileSketch, from: QuantileSketch): QuantileSketch {
  for (const [bucket, count] of Object.entries(from)) {
    into[Number(bucket)] = (into[Number(bucket)] ?? 0) + count;
  }
  return into;
}

/** The middle of the bucket where the quantile lies: within 0.8 % of it. Null of nothing. */
export function estimatedQuantile(sketch: QuantileSketch | null, at: number): number | null {
  if (sketch === null) return null;
  const buckets = Object.entries(sketch).map(([bucket, count]) => [Number(bucket), count] as const);
  const total = buckets.reduce((sum, [, count]) => sum + count, 0);
  const rank = Math.floor(at * (total - 1));
  let before = 0;
  for (const [bucket, count] of buckets) {
    before += count;
    if (before > rank) return middleOf(bucket);
  }
  return null;
}

function middleOf(bucket: number): number {
  const [low, high] = [edgeOf(bucket), edgeOf(bucket + 1)];
  if (bucketOf(0) === bucket) return 0;
  return Number.isFinite(high) ? low + (high - low) / 2 : low;
}

/** The least number of a bucket, in size. */
function edgeOf(bucket: number): number {
  const shifted = (bucket << 14) >>> 0;
  bits.setUint32(0, shifted >= 0x80000000 ? shifted - 0x80000000 : ~shifted >>> 0);
  bits.setUint32(4, shifted >= 0x80000000 ? 0 : 0xffffffff);
  return bits.getFloat64(0);
}
