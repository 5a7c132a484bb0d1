/** Sends runs of pieces: some slabs are read ahead while others are being sent. */
import { ClusterError } from "../../core/error.ts";
import type { Sink } from "../../link/grpc/answer.ts";
import { type PieceRun, readAnswerParts } from "../../wire/p4/data.ts";
import { pieceBytesOf, pieceMaxBytes } from "../../wire/p4/merkle.ts";
import type { RateLimit } from "../rate.ts";
import type { Content } from "./content.ts";

const slabsPerReader = 4;

/** A bounded number of readers, each with slabs of its own; further ones wait in order. */
export class Readers {
  readonly #max: number;
  readonly #free: Uint8Array[][] = [];
  readonly #waiting: Array<() => void> = [];
  #count = 0;

  constructor(max: number) {
    this.#max = max;
  }

  async use<T>(
    signal: AbortSignal,
    work: (slabs: readonly Uint8Array[]) => Promise<T>,
  ): Promise<T> {
    if (this.#count >= this.#max) await this.#turn(signal);
    else this.#count += 1;
    const slabs =
      this.#free.pop() ??
      Array.from({ length: slabsPerReader }, () => Buffer.allocUnsafeSlow(pieceMaxBytes));
    try {
      const result = await work(slabs);
      // Only after success: a stream that failed may still be sending what lies in its slabs.
      this.#free.push(slabs);
      return result;
    } finally {
      // A waiting reader takes the place over, so the count stays.
      const next = this.#waiting.shift();
      if (next === undefined) this.#count -= 1;
      else next();
    }
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const left = () => {
        this.#waiting.splice(this.#waiting.indexOf(turn), 1);
        reject(signal.reason as Error);
      };
      const turn = () => {
        signal.removeEventListener("abort", left);
        resolve();
      };
      signal.addEventListener("abort", left, { once: true });
      this.#waiting.push(turn);
    });
  }
}

export type Sending = {
  readonly slabs: readonly Uint8Array[];
  readonly sink: Sink;
  readonly signal: AbortSignal;
  readonly rate: RateLimit;
  readonly sendMs: number;
  readonly onSent: (sizeBytes: number) => void;
};

/** Pieces that lie together and fit one slab. */
type Load = { readonly first: number; readonly position: number; readonly sizeBytes: number };

export async function sendPieces(
  content: Content,
  runs: readonly PieceRun[],
  sending: Sending,
): Promise<void> {
  const { slabs, sink, signal, rate, onSent } = sending;
  const pieceBytes = pieceBytesOf(content.sizeBytes);
  const busy: Array<Promise<unknown>> = slabs.map(() => Promise.resolve());
  let turn = 0;
  for (const load of loadsOf(content.sizeBytes, runs)) {
    const index = turn++ % slabs.length;
    await busy[index];
    signal.throwIfAborted();
    const bytes = slabs[index]!.subarray(0, load.sizeBytes);
    await content.read(load.position, bytes);
    await rate.pass(load.sizeBytes, signal);
    const sent: Array<Promise<void>> = [];
    for (let at = 0, piece = load.first; at < load.sizeBytes; at += pieceBytes, piece++) {
      const part = bytes.subarray(at, Math.min(at + pieceBytes, load.sizeBytes));
      sent.push(sink.send(readAnswerParts({ piece, content: part })));
    }
    busy[index] = within(Promise.all(sent), sending.sendMs).then(() => onSent(load.sizeBytes));
    // Reported where it is awaited.
    busy[index]!.catch(() => {});
  }
  await Promise.all(busy);
}

function* loadsOf(sizeBytes: number, runs: readonly PieceRun[]): Generator<Load> {
  const pieceBytes = pieceBytesOf(sizeBytes);
  const perSlab = pieceMaxBytes / pieceBytes;
  for (const { first, count } of runs) {
    for (let piece = first; piece < first + count; piece += perSlab) {
      const position = piece * pieceBytes;
      const end = Math.min((first + count) * pieceBytes, sizeBytes, position + pieceMaxBytes);
      yield { first: piece, position, sizeBytes: end - position };
    }
  }
}

async function within<T>(work: Promise<T>, limitMs: number): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const text = `nothing was taken for ${limitMs} ms`;
  const timer = setTimeout(() => reject(new ClusterError("timed-out", text)), limitMs);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
