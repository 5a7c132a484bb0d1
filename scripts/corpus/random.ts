/** Seeded chance of the corpus and the benchmarks: the same numbers on every machine, for ever. */

export type Random = {
  /** From 0 up to but without 1, in steps of 2^-32. */
  next(): number;
  /** An index below `count`; 0 most often, by Zipf's law. */
  rank(count: number): number;
};

/** mulberry32: integer arithmetic only, so that no machine rounds differently. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  return { next, rank: (count) => zipfRank(next(), count) };
}

/** Rank of the first entry: above 1, so that short lists do not repeat their head too often. */
const headRank = 3;
const sums = new Map<number, Float64Array>();

/** Inverts the sum of 1 / (index + headRank) by bisection. */
function zipfRank(chance: number, count: number): number {
  const cumulative = sums.get(count) ?? zipfSums(count);
  const target = chance * cumulative[count - 1]!;
  let low = 0;
  let high = count - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (cumulative[middle]! > target) high = middle;
    else low = middle + 1;
  }
  return low;
}

function zipfSums(count: number): Float64Array {
  const cumulative = new Float64Array(count);
  let sum = 0;
  for (let index = 0; index < count; index++) cumulative[index] = sum += 1 / (index + headRank);
  sums.set(count, cumulative);
  return cumulative;
}
