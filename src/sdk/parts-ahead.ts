/** Parts of a result one after the other, fetched ahead of their turn: on a far line each alone
 *  would cost a round trip, and fill little of the line at its end. */
import type { ResultPart } from "./job-result.ts";

/** Larger parts fill the line alone, but for their end. */
const smallMaxBytes = 1 << 20;
/** With the one whose turn it is. */
const atOnce = 8;
/** Each holds in memory what has arrived before its turn. */
const largeAtOnce = 2;

type Chunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** The chunks of each part, in order; each part is to be read before the next is asked for.
 *  `isLent`: of parts that are not small, as `ResultPart.read` says. */
export async function* partsInOrder(
  parts: readonly ResultPart[],
  isLent: boolean,
): AsyncGenerator<Chunks, void> {
  const ahead = new Map<number, Promise<Uint8Array[]>>();
  const begun = new Map<number, BegunPart>();
  const begin = (at: number) => {
    const part = parts[at];
    if (part === undefined || part.sizeBytes <= smallMaxBytes || begun.has(at)) return;
    begun.set(at, new BegunPart(part, isLent));
  };
  try {
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
      // The last ranges of a large part leave most of the line to the next one.
      for (const at of [index, index + 1]) if (begun.size < largeAtOnce) begin(at);
      const fetched = ahead.get(index);
      ahead.delete(index);
      yield fetched === undefined
        ? (begun.get(index)?.chunks() ?? part.read(isLent))
        : await fetched;
      begun.delete(index);
    }
  } finally {
    for (const one of begun.values()) await one.end();
  }
}

/** A large part whose first chunk has been asked for: its reader then reads ahead. */
class BegunPart {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #first: Promise<IteratorResult<Uint8Array>>;

  constructor(part: ResultPart, isLent: boolean) {
    this.#chunks = part.read(isLent)[Symbol.asyncIterator]();
    this.#first = this.#chunks.next();
    // It is awaited in its turn.
    this.#first.catch(() => {});
  }

  async *chunks(): AsyncGenerator<Uint8Array, void> {
    try {
      for (let one = await this.#first; !one.done; one = await this.#chunks.next()) {
        yield one.value;
      }
    } finally {
      await this.end();
    }
  }

  async end(): Promise<void> {
    await this.#chunks.return?.();
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
