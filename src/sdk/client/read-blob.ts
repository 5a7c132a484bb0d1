/** Reads a blob of the coordinator, verified: a large one in ranges, several at once and in order,
 *  a small one as a stream. Both go on where they were when the line is cut. */
import { createHash } from "node:crypto";
import { ClusterError } from "../../core/error.ts";
import type { Hash } from "../../core/ids.ts";
import { type Pace, paceAfter, startPace } from "../../core/transfer/pace.ts";
import { steadyMs } from "../../environment/steady.ts";
import { Patience, type TransferOptions } from "./patience.ts";
import { rangesFromBytes } from "./send-ranges.ts";
import type { Call, Transport } from "./transport.ts";

export type ReadOptions = TransferOptions & {
  /** When it is known; 0 = it is not. */
  readonly sizeBytes?: number;
};

/** How long nothing may come, ms: after it another connection is tried. */
const readAnswerMs = 15_000;
/** Of what has arrived, but not in order, and of what is under way: so many times the lanes. */
const ahead = 2;
const aheadMaxBytes = 32 << 20;

/** The blob's bytes; `data-lost` at the end when they are not what the hash says. */
export async function* readBlob(
  transport: Transport,
  hash: Hash,
  options: ReadOptions,
): AsyncGenerator<Uint8Array, void> {
  const seen = createHash("sha256");
  const { sizeBytes = 0 } = options;
  const chunks =
    sizeBytes < rangesFromBytes
      ? inOneStream(transport, hash, options)
      : new RangeReader(transport, { hash, sizeBytes }, options).chunks();
  for await (const chunk of chunks) {
    seen.update(chunk);
    options.onBytes?.(chunk.length);
    yield chunk;
  }
  if (seen.digest("hex") === hash) return;
  const text = `what came for the blob ${hash} are other bytes; get the result again`;
  throw new ClusterError("data-lost", text);
}

async function* inOneStream(
  transport: Transport,
  hash: Hash,
  options: ReadOptions,
): AsyncGenerator<Uint8Array, void> {
  const patience = new Patience(options);
  let doneBytes = 0;
  for (let tries = 0; ; tries++) {
    const headers = doneBytes === 0 ? {} : { headers: { range: `bytes=${doneBytes}-` } };
    try {
      // An answer that is cut off has no reason; when the blob is damaged, the next call has.
      for await (const chunk of transport.bytes({ ...callOf(hash, options), ...headers })) {
        doneBytes += chunk.length;
        tries = 0;
        patience.moved();
        yield chunk;
      }
      return;
    } catch (error) {
      if (doneBytes > 0 && isOutside(error)) return;
      await patience.pause(error, tries);
    }
  }
}

/** The line was cut behind the last byte: there is no more. */
function isOutside(error: unknown): boolean {
  const isRefused = error instanceof ClusterError && error.code === "bad-request";
  return isRefused && error.text.startsWith("range ");
}

function callOf(hash: Hash, { signal }: ReadOptions): Call {
  const call = { method: "GET", path: `/v1/blobs/${hash}`, answerMs: readAnswerMs } as const;
  return signal === undefined ? call : { ...call, signal };
}

class RangeReader {
  readonly #transport: Transport;
  readonly #blob: { readonly hash: Hash; readonly sizeBytes: number };
  readonly #options: ReadOptions;
  readonly #patience: Patience;
  readonly #stop = new AbortController();
  /** In order: what has arrived or is under way. */
  readonly #window: Array<Promise<Buffer>> = [];
  #pace: Pace = startPace(steadyMs());
  #running = 0;
  #windowBytes = 0;
  /** Where the next range begins. */
  #at = 0;

  constructor(
    transport: Transport,
    blob: { readonly hash: Hash; readonly sizeBytes: number },
    options: ReadOptions,
  ) {
    this.#transport = transport;
    this.#blob = blob;
    const { signal } = options;
    const signals = [this.#stop.signal, ...(signal === undefined ? [] : [signal])];
    this.#options = { ...options, signal: AbortSignal.any(signals) };
    this.#patience = new Patience(this.#options);
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
    const { sizeBytes } = this.#blob;
    while (this.#at < sizeBytes && this.#running < lanes && this.#window.length < lanes * ahead) {
      const end = Math.min(sizeBytes, this.#at + rangeBytes);
      const isFull = this.#windowBytes + end - this.#at > aheadMaxBytes;
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
    const sinceMs = steadyMs();
    try {
      const bytes = await this.#whole(start, end);
      const atMs = steadyMs();
      const arrived = { atMs, sizeBytes: bytes.length, tookMs: atMs - sinceMs };
      this.#pace = paceAfter(this.#pace, arrived);
      return bytes;
    } finally {
      this.#running--;
      if (!this.#stop.signal.aborted) this.#fill();
    }
  }

  /** What a cut has let through is kept. */
  async #whole(start: number, end: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(end - start);
    let filled = 0;
    for (let tries = 0; filled < bytes.length; tries++) {
      const headers = { range: `bytes=${start + filled}-${end - 1}` };
      const call = { ...callOf(this.#blob.hash, this.#options), headers };
      try {
        for await (const chunk of this.#transport.bytes(call)) {
          if (filled + chunk.length > bytes.length) throw this.#otherRange();
          bytes.set(chunk, filled);
          filled += chunk.length;
          this.#patience.moved();
          tries = 0;
        }
        if (filled < bytes.length) throw this.#otherRange();
      } catch (error) {
        await this.#patience.pause(error, tries);
      }
    }
    return bytes;
  }

  #otherRange(): ClusterError {
    const text = `${this.#transport.url} answered another range of ${this.#blob.hash}`;
    return new ClusterError("protocol-violated", text);
  }
}
