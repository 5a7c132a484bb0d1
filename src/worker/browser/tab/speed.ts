/** How fast this tab gets its input: real bytes from the gateway, timed. */

const firstBytes = 64 * 1024;
const secondBytes = 1024 * 1024;
/** A link that takes longer for the first part is slow enough to be known by it, ms. */
const slowMs = 200;
const limitMs = 10_000;
/** A machine that is busy at the moment is no slow link: the first part is asked for again, for so
 *  long and so often at most. */
const againMs = 3_000;
const againMax = 2;

/** KB/s, at least 1. */
export async function measureSpeed(origin: string): Promise<number> {
  try {
    let first = await timed(origin, firstBytes);
    let usedMs = first.tookMs;
    for (let again = 0; again < againMax && usedMs < againMs; again++) {
      if (first.tookMs <= slowMs) break;
      const next = await timed(origin, firstBytes);
      usedMs += next.tookMs;
      if (next.kbps > first.kbps) first = next;
    }
    return first.tookMs > slowMs ? first.kbps : (await timed(origin, secondBytes)).kbps;
  } catch {
    return 1;
  }
}

async function timed(origin: string, sizeBytes: number): Promise<{ tookMs: number; kbps: number }> {
  const sinceMs = performance.now();
  const signal = AbortSignal.timeout(limitMs);
  const answer = await fetch(`${origin}/speed?bytes=${sizeBytes}`, { cache: "no-store", signal });
  const { byteLength } = await answer.arrayBuffer();
  const tookMs = Math.max(0.1, performance.now() - sinceMs);
  return { tookMs, kbps: Math.max(1, Math.round(byteLength / tookMs)) };
}
