/** How long the attempts of a stage take: mean and median from a logarithmic histogram, in constant
 *  space. */

/** From 1/64 ms up to about 42 days. */
const bucketCount = 152;
/** What buckets stand for within a doubling, 2^(k/4): the median is exact to about 9 %. As numbers,
 *  since logarithms and powers differ between engines in the last digit. */
const middles = [1, 1.189207115002721, Math.SQRT2, 1.681792830507429];
/** Where they end, 2^((2k + 1)/8). */
const ends = [1.0905077326652577, 1.2968395546510096, 1.5422108254079407, 1.8340080864093424];
const middlesMs = scaled(middles);
const endsMs = scaled(ends);

export class Durations {
  count = 0;
  totalMs = 0;
  private readonly buckets: number[] = new Array(bucketCount).fill(0);

  add(ms: number): void {
    const known = Number.isFinite(ms) && ms > 0 ? ms : 0;
    this.count++;
    this.totalMs += known;
    const bucket = bucketOf(known);
    this.buckets[bucket] = (this.buckets[bucket] as number) + 1;
  }

  /** 0 when there is none. */
  meanMs(): number {
    return this.count === 0 ? 0 : this.totalMs / this.count;
  }

  /** 0 when there is none. */
  medianMs(): number {
    if (this.count === 0) return 0;
    let left = this.count / 2;
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      left -= this.buckets[bucket] as number;
      if (left <= 0) return middlesMs[bucket] as number;
    }
    return 0;
  }

  save(): { count: number; totalMs: number; buckets: number[] } {
    // Without the zeros behind the longest: snapshots have these of every stage.
    const used = this.buckets.findLastIndex((count) => count > 0) + 1;
    return { count: this.count, totalMs: this.totalMs, buckets: this.buckets.slice(0, used) };
  }

  static load(saved: { count: number; totalMs: number; buckets: readonly number[] }): Durations {
    const durations = new Durations();
    durations.count = saved.count;
    durations.totalMs = saved.totalMs;
    for (const [bucket, count] of saved.buckets.entries()) durations.buckets[bucket] = count;
    return durations;
  }
}

/** Of all buckets, in ms: each doubling has the same parts. */
function scaled(parts: readonly number[]): number[] {
  const all: number[] = [];
  for (let scaleMs = 1 / 64; all.length < bucketCount; scaleMs *= 2) {
    for (const part of parts) all.push(part * scaleMs);
  }
  return all;
}

/** The first that ends after `ms`; the last one has no end. */
function bucketOf(ms: number): number {
  let [low, high] = [0, bucketCount - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ms < (endsMs[middle] as number)) high = middle;
    else low = middle + 1;
  }
  return low;
}
