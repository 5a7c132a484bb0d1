/** Which workers could not read from which others, and had to be given their outputs by the
 *  coordinator: for `why`, `workers` and `doctor`. Not durable: it is what was seen lately. */
import type { WorkerId } from "../../core/ids.ts";
import type { UnreachedSummary } from "../../core/summary.ts";

type Pair = { readonly reader: WorkerId; bytes: number; lastMs: number };

/** A pair that was not seen for this long is forgotten, ms. */
const forgetMs = 600_000;
/** Pairs of one holder, and holders; more are not counted. */
const pairsMax = 256;
const readersTold = 10;

export class Relayed {
  readonly #nowMs: () => number;
  readonly #byHolder = new Map<WorkerId, Map<WorkerId, Pair>>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** The reader could not reach the holder; so many bytes went by the coordinator. */
  add(holder: WorkerId, reader: WorkerId, bytes: number): void {
    const lastMs = this.#nowMs();
    let pairs = this.#byHolder.get(holder);
    if (pairs === undefined) {
      this.#forget();
      if (this.#byHolder.size >= pairsMax) return;
      pairs = new Map();
      this.#byHolder.set(holder, pairs);
    }
    const pair = pairs.get(reader);
    if (pair !== undefined) {
      pair.bytes += bytes;
      pair.lastMs = lastMs;
    } else if (pairs.size < pairsMax) pairs.set(reader, { reader, bytes, lastMs });
  }

  /** Null when all that tried have reached it lately. */
  of(holder: WorkerId): UnreachedSummary | null {
    this.#forget();
    const pairs = [...(this.#byHolder.get(holder)?.values() ?? [])];
    if (pairs.length === 0) return null;
    const bytes = pairs.reduce((sum, pair) => sum + pair.bytes, 0);
    const readers = pairs.slice(0, readersTold).map(({ reader }) => reader);
    return { by: readers, count: pairs.length, relayedBytes: bytes };
  }

  holders(): WorkerId[] {
    this.#forget();
    return [...this.#byHolder.keys()];
  }

  #forget(): void {
    const beforeMs = this.#nowMs() - forgetMs;
    for (const [holder, pairs] of this.#byHolder) {
      for (const { lastMs, reader } of pairs.values()) if (lastMs < beforeMs) pairs.delete(reader);
      if (pairs.size === 0) this.#byHolder.delete(holder);
    }
  }
}
