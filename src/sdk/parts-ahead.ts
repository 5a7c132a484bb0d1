/** Parts of a result one after the other, of which small ones are fetched ahead of their turn: on a
 *  far line each alone would cost a round trip, and fill little of the line. */
import type { ResultPart } from "./job-result.ts";

/** Larger parts fill the line alone. */
const smallMaxBytes = 1 << 20;
/** With the one whose turn it is. */
const atOnce = 8;

type Chunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** The chunks of each part, in order; each part is to be read before the next is asked for.
 *  `isLent`: of parts that are not small, as `ResultPart.read` says. */
export async function* partsInOrder(
  parts: readonly ResultPart[],
  isLent: boolean,
): AsyncGenerator<Chunks, void> {
  const ahead = new Map<number, Promise<Uint8Array[]>>();
  for (const [index, part] of parts.entries()) {
    for (let next = index; next < Math.min(parts.length, index + atOnce); next++) {
      const one = parts[next] as ResultPart;
      if (!isSmall(one)) break;
      if (ahead.has(next)) continue;
      const whole = chunksOf(one);
      // It is awaited in its turn.
      whole.catch(() => {});
      ahead.set(next, whole);
    }
    const fetched = ahead.get(index);
    ahead.delete(index);
    yield fetched === undefined ? part.read(isLent) : await fetched;
  }
}

function isSmall({ sizeBytes }: ResultPart): boolean {
  return sizeBytes > 0 && sizeBytes <= smallMaxBytes;
}

async function chunksOf(part: ResultPart): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of part.read()) chunks.push(chunk);
  return chunks;
}
