/** Reads one large content in ranges, several at once and given in order: one connection rarely
 *  fills a line that is far or loses packets. What a cut has let through is kept. */
import { ClusterError } from "../../core/error.ts";
import { type Pace, paceAfter, startPace } from "../../core/transfer/pace.ts";

export type Span = { readonly start: number; readonly end: number };

export type RangeSource = {
  /** Bytes [start, end), in one call; `signal` ends it. May end early, or throw. */
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

/** Below it one stream is as fast. */
export const rangesFromBytes = 1 << 20;

/** Of what has arrived, but not in order, and of what is under way: so many times the lanes. */
const ahead = 2;
const aheadDefaultBytes = 32 << 20;

export type RangeReaderOptions = {
  readonly signal?: AbortSignal;
  /** Memory for what has arrived and was not taken yet; default 32 MiB. */
  readonly aheadMaxBytes?: number;
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
  readonly #aheadMaxBytes: number;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  /** In order: what has arrived or is under way. */
  readonly #window: Array<Promise<Buffer>> = [];
  #pace: Pace;
  #running = 0;
  #windowBytes = 0;
  /** Where the next range begins. */
  #at: number;

  constructor(source: RangeSource, { end, start }: Span, options: RangeReaderOptions) {
    this.#source = source;
    this.#at = start;
    this.#end = end;
    this.#pace = startPace(source.nowMs());
    this.#aheadMaxBytes = options.aheadMaxBytes ?? aheadDefaultBytes;
    const { signal } = options;
    this.#signal =
      signal === undefined ? this.#stop.signal : AbortSignal.any([this.#stop.signal, signal]);
  }

  async *chunks(): AsyncGenerator<Uint8Array, void> {
    try {
      this.#fill();
      for (let next = this.#window.shift(); next !== undefined; next = this.#window.shift()) {
        const chunk = await next;
        this.#windowBytes -= chunk.length;
        this.#fill();
        yield chunk;
      }
    } finally {
      this.#stop.abort();
    }
  }

  #fill(): void {
    const { lanes, rangeBytes } = this.#pace;
    while (this.#at < this.#end && this.#running < lanes && this.#window.length < lanes * ahead) {
      const end = Math.min(this.#end, this.#at + rangeBytes);
      const isFull = this.#windowBytes + end - this.#at > this.#aheadMaxBytes;
      if (isFull && this.#window.length > 0) return;
      const range = this.#read(this.#at, end);
      // It is awaited in its turn.
      range.catch(() => {});
      this.#window.push(range);
      this.#windowBytes += end - this.#at;
      this.#at = end;
    }
  }

  async #read(start: number, end: number): Promise<Buffer> {
    this.#running++;
    const sinceMs = this.#source.nowMs();
    try {
      const bytes = await this.#whole(start, end);
      const atMs = this.#source.nowMs();
      const arrived = { atMs, sizeBytes: bytes.length, tookMs: atMs - sinceMs };
      this.#pace = paceAfter(this.#pace, arrived);
      return bytes;
    } finally {
      this.#running--;
      if (!this.#stop.signal.aborted) this.#fill();
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
