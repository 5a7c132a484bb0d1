/** Items of lists of tasks by their numbers, for browsers: one JSON text a line. A list is read
 *  whole once, to index the offsets of some of its lines; after that the cost of a batch depends on
 *  its size, wherever in the list it lies. */
import type { Hash, JobId } from "../../core/ids.ts";
import type { Blobs } from "../../store/blob/blob.ts";

export type ItemLinesLimits = {
  /** Offsets that are kept for one list; 8 bytes each. */
  readonly marksMax: number;
  /** Lists whose offsets are kept; above it the oldest is evicted. */
  readonly listsMax: number;
};

export const defaultItemLinesLimits: ItemLinesLimits = { marksMax: 16_384, listsMax: 64 };

export type ItemList = { readonly job: JobId; readonly hash: Hash; readonly count: number };

/** Where every `step`th line begins. */
type Marks = { readonly step: number; readonly offsets: Float64Array; readonly sizeBytes: number };

const newline = 10;

export class ItemLines {
  readonly #blobs: Pick<Blobs, "read">;
  readonly #limits: ItemLinesLimits;
  /** Least recently used first. */
  readonly #lists = new Map<JobId, Promise<Marks>>();

  constructor(blobs: Pick<Blobs, "read">, limits: ItemLinesLimits = defaultItemLinesLimits) {
    this.#blobs = blobs;
    this.#limits = limits;
  }

  /** Lines by their numbers, in ascending order; each with its newline. */
  async read(list: ItemList, wanted: readonly number[]): Promise<Buffer[]> {
    const { offsets, sizeBytes, step } = await this.#marksOf(list);
    const found: Buffer[] = [];
    for (let at = 0; at < wanted.length; ) {
      let end = at + 1;
      // Lines that are near each other are read together.
      while (end < wanted.length && wanted[end]! - wanted[end - 1]! <= step) end++;
      const some = wanted.slice(at, end);
      const first = Math.floor(some[0]! / step);
      const last = Math.floor(some.at(-1)! / step);
      const range = { start: offsets[first] ?? sizeBytes, end: offsets[last + 1] ?? sizeBytes };
      const lines = await linesOf(this.#blobs.read(list.hash, range), first * step, some);
      for (const line of lines) found.push(line);
      at = end;
    }
    return found;
  }

  jobEnded(job: JobId): void {
    this.#lists.delete(job);
  }

  #marksOf(list: ItemList): Promise<Marks> {
    const { job } = list;
    const marks = this.#lists.get(job) ?? this.#mark(list);
    this.#lists.delete(job);
    this.#lists.set(job, marks);
    marks.catch(() => {
      if (this.#lists.get(job) === marks) this.#lists.delete(job);
    });
    for (const oldest of this.#lists.keys()) {
      if (this.#lists.size <= this.#limits.listsMax) break;
      this.#lists.delete(oldest);
    }
    return marks;
  }

  async #mark({ count, hash }: ItemList): Promise<Marks> {
    const step = Math.max(1, Math.ceil(count / this.#limits.marksMax));
    const offsets: number[] = [0];
    let line = 0;
    let sizeBytes = 0;
    for await (const chunk of this.#blobs.read(hash)) {
      for (let at = chunk.indexOf(newline); at !== -1; at = chunk.indexOf(newline, at + 1)) {
        line++;
        if (line % step === 0 && line < count) offsets.push(sizeBytes + at + 1);
      }
      sizeBytes += chunk.length;
    }
    return { step, offsets: Float64Array.from(offsets), sizeBytes };
  }
}

/** `line` is the number of the first one. */
async function linesOf(
  bytes: AsyncIterable<Uint8Array>,
  firstLine: number,
  wanted: readonly number[],
): Promise<Buffer[]> {
  const found: Buffer[] = [];
  let parts: Buffer[] = [];
  let line = firstLine;
  for await (const chunk of bytes) {
    let from = 0;
    while (from < chunk.length && found.length < wanted.length) {
      const end = chunk.indexOf(newline, from);
      const isWanted = line === wanted[found.length];
      if (isWanted) parts.push(Buffer.from(chunk.subarray(from, end === -1 ? undefined : end)));
      if (end === -1) break;
      if (isWanted) found.push(Buffer.concat([...parts.splice(0), Buffer.of(newline)]));
      parts = [];
      line++;
      from = end + 1;
    }
    if (found.length === wanted.length) break;
  }
  if (parts.length > 0) found.push(Buffer.concat([...parts, Buffer.of(newline)]));
  return found;
}
