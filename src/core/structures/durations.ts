/** How long the attempts of a stage take: mean and median from a logarithmic histogram, in constant
 *  space. */

/** Buckets per doubling: the median is exact to about 9 %. */
const bucketsPerDoubling = 4;
/** From 1/64 ms up to about 50 days. */
const bucketCount = 152;
const shift = 6 * bucketsPerDoubling;

export class Durations {
  count = 0;
  totalMs = 0;
  private readonly buckets: number[] = new Array(bucketCount).fill(0);

  add(ms: number): void {
    const known = Number.isFinite(ms) && ms > 0 ? ms : 0;
    this.count++;
    this.totalMs += known;
    const at = known === 0 ? 0 : Math.round(Math.log2(known) * bucketsPerDoubling) + shift;
    const bucket = Math.min(bucketCount - 1, Math.max(0, at));
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
      if (left <= 0) return 2 ** ((bucket - shift) / bucketsPerDoubling);
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
