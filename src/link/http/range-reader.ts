/** Reads one large content in ranges, several at once and given in order: one connection rarely
 *  fills a line that is far or loses packets. What a cut has let through is kept. */
import { ClusterError } from "../../core/error.ts";
import { Lanes } from "../../core/transfer/lanes.ts";
import { type Arrived, rangeMinBytes } from "../../core/transfer/pace.ts";

export type Span = { readonly start: number; readonly end: number };

export type RangeSource = {
  /** Bytes [start, end), in one call; `signal` ends it. What a call that throws has brought is
   *  kept. */
  read(span: Span, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Something has arrived. */
  moved?(): void;
  /** Resolves when it is time to try again, or throws to give up. `tries`: calls in sequence that
   *  have brought nothing, from 0. */
  pause(error: unknown, tries: number): Promise<void>;
  nowMs(): number;
  /** For messages: where it comes from. */
  readonly name: string;
};

/** Below it one stream is nearly as fast: over a line that loses packets one brings 0.2 MB/s. */
export const rangesFromBytes = 128 << 10;

/** Of what has arrived, but not in order, and of what is under way: so many times the lanes. */
const ahead = 2;
const aheadDefaultBytes = 32 << 20;

export type RangeReaderOptions = {
  readonly signal?: AbortSignal;
  /** Memory for what has arrived and was not taken yet; default 32 MiB. */
  readonly aheadMaxBytes?: number;
  /** Of the line to where it comes from, shared with other transfers; default: lanes of its own. */
  readonly lanes?: Lanes;
};

/** The bytes of the span; ends early only by throwing. */
export function readInRanges(
  source: RangeSource,
  span: Span,
  options: RangeReaderOptions = {},
): AsyncGenerator<Uint8Array, void> {
  return new RangeReader(source, span, options).chunks();
}

class RangeReader {
  readonly #source: RangeSource;
  readonly #end: number;
  readonly #sizeBytes: number;
  readonly #aheadMaxBytes: number;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  /** In order: what has arrived or is under way. */
  readonly #window: Array<Promise<Buffer>> = [];
  readonly #lanes: Lanes;
  #windowBytes = 0;
  #onBegun = () => {};
  /** Where the next range begins. */
  #at: number;

  constructor(source: RangeSource, { end, start }: Span, options: RangeReaderOptions) {
    this.#source = source;
    this.#at = start;
    this.#end = end;
    this.#sizeBytes = end - start;
    this.#lanes = options.lanes ?? new Lanes(source.nowMs());
    this.#aheadMaxBytes = options.aheadMaxBytes ?? aheadDefaultBytes;
    const { signal } = options;
    this.#signal =
      signal === undefined ? this.#stop.signal : AbortSignal.any([this.#stop.signal, signal]);
  }

  async *chunks(): AsyncGenerator<Uint8Array, void> {
    try {
      this.#fill();
      for (;;) {
        const next = this.#window.shift() ?? (await this.#begun());
        if (next === null) return;
        const chunk = await next;
        this.#windowBytes -= chunk.length;
        this.#fill();
        yield chunk;
      }
    } finally {
      this.#lanes.leave(this.#fill);
      this.#stop.abort();
    }
  }

  /** The next range when it gets a lane; null when all have been read. */
  async #begun(): Promise<Buffer | null> {
    while (this.#window.length === 0 && this.#at < this.#end) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#onBegun = resolve;
      this.#signal.addEventListener("abort", () => resolve(), { once: true });
      await promise;
      this.#signal.throwIfAborted();
    }
    return this.#window.shift() ?? null;
  }

  readonly #fill = (): void => {
    if (this.#stop.signal.aborted) return;
    while (this.#at < this.#end) {
      const { lanes, rangeBytes } = this.#lanes.pace;
      const end = Math.min(this.#end, this.#at + Math.min(rangeBytes, this.#shareOf(lanes)));
      const isFull = this.#windowBytes + end - this.#at > this.#aheadMaxBytes;
      if (isFull && this.#window.length > 0) return;
      if (this.#window.length >= lanes * ahead || !this.#lanes.take(this.#fill)) return;
      const range = this.#read(this.#at, end);
      // It is awaited in its turn.
      range.catch(() => {});
      this.#window.push(range);
      this.#windowBytes += end - this.#at;
      this.#at = end;
      this.#onBegun();
    }
  };

  /** No longer than that all lanes get a part of it. */
  #shareOf(lanes: number): number {
    return Math.ceil(this.#sizeBytes / lanes / rangeMinBytes) * rangeMinBytes;
  }

  async #read(start: number, end: number): Promise<Buffer> {
    const sinceMs = this.#source.nowMs();
    let arrived: Arrived | null = null;
    try {
      const bytes = await this.#whole(start, end);
      const atMs = this.#source.nowMs();
      arrived = { atMs, sizeBytes: bytes.length, tookMs: atMs - sinceMs };
      return bytes;
    } finally {
      this.#lanes.done(arrived);
      this.#fill();
    }
  }

  async #whole(start: number, end: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(end - start);
    let filled = 0;
    for (let tries = 0; filled < bytes.length; tries++) {
      try {
        const span = { start: start + filled, end };
        for await (const chunk of this.#source.read(span, this.#signal)) {
          if (filled + chunk.length > bytes.length) throw this.#otherRange();
          bytes.set(chunk, filled);
          filled += chunk.length;
          this.#source.moved?.();
          tries = 0;
        }
        if (filled < bytes.length) throw this.#otherRange();
      } catch (error) {
        await this.#source.pause(error, tries);
      }
    }
    return bytes;
  }

  #otherRange(): ClusterError {
    const text = `another range of ${this.#source.name} came than was asked for`;
    return new ClusterError("protocol-violated", text);
  }
}
