/** How fast this tab gets its input: real bytes from the gateway, timed. */

const firstBytes = 64 * 1024;
const secondBytes = 1024 * 1024;
/** A link that takes longer for the first part is slow enough to be known by it, ms. */
const slowMs = 200;
const limitMs = 10_000;

/** KB/s, at least 1. */
export async function measureSpeed(origin: string): Promise<number> {
  try {
    const first = await timed(origin, firstBytes);
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
