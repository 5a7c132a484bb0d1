/** One source of a download: connects, opens, reads runs of pieces, and is given up when it sends
 *  wrong content, is too slow, or does not come back. */
import { setTimeout as delay } from "node:timers/promises";
import { ClusterError } from "../../core/error.ts";
import type { Hash } from "../../core/ids.ts";
import { WrongCertificate } from "../../link/grpc/dial.ts";
import { GrpcError, grpcStatus } from "../../link/grpc/status.ts";
import type { OpenAnswer, PieceRun } from "../../wire/p4/data.ts";
import { readAnswerOf } from "../../wire/p4/data.ts";
import { pieceBytesOf, pieceLength, rootBytesOf } from "../../wire/p4/merkle.ts";
import type { Source } from "../found.ts";
import { RateLimit } from "../rate.ts";
import type { Connections, PeerConnection } from "./connection.ts";
import type { Schedule } from "./schedule.ts";
import { Slabs, type SpareSlabs } from "./slabs.ts";

export type SourceLimits = {
  /** Longest silence, ms, at the start of a run and between pieces. */
  readonly idleMs: number;
  /** A piece must come at this rate after `idleMs`, bytes/s. */
  readonly rateMin: number;
  /** Limit for each source, bytes/s; Infinity = none. */
  readonly rateMaxBytes: number;
  /** Connections in a row that may fail before it counts as gone. */
  readonly triesMax: number;
  /** Time before the second try, ms; each further one waits four times as long. */
  readonly retryMs: number;
  /** Interval at which a source with only some of the pieces is asked which it has by now, ms. */
  readonly againMs: number;
  /** How long it may have none of the missing pieces, ms. */
  readonly partsMs: number;
};

export const defaultSourceLimits: SourceLimits = {
  idleMs: 10_000,
  rateMin: 16 * 1024,
  rateMaxBytes: Number.POSITIVE_INFINITY,
  triesMax: 3,
  retryMs: 250,
  againMs: 1_000,
  partsMs: 60_000,
};

/** Runs requested at once: one is being received while the next is requested. */
const runsAtOnce = 2;
/** A run is what the source delivers in about this time, ms, within these bounds. */
const runMs = 500;
const runFirstBytes = 8 * 1024 * 1024;
const runMaxBytes = 64 * 1024 * 1024;
/** Batches of one run that are being verified; beyond this the source is throttled. */
const batchesMax = 3;

/** It sent content that is not the file's: never used again. */
export class Corrupt extends ClusterError {}

/** The parts of the download that stay the same for the whole life of a lane. */
type Terms = {
  readonly root: Hash;
  readonly connections: Connections;
  readonly signal: AbortSignal;
  readonly spareSlabs: SpareSlabs;
  readonly limits: { readonly wholeMaxBytes: number; readonly wholeMs: number };
};

/** And the parts that change while pieces arrive. */
type Pieces = {
  readonly shape: { readonly sizeBytes: number };
  readonly schedule: Schedule;
  readonly sourceCount: number;
  /** Resolves when every piece is there. */
  readonly complete: Promise<void>;
  /** True when other sources have delivered all that is left of a run. */
  isDone(next: number, run: PieceRun): boolean;
  /** More pieces may be available to request than before. */
  changed(): void;
  /** Resolves at the next such change; rejects when aborted. */
  change(signal: AbortSignal): Promise<void>;
};

/** And what a lane reports to it. */
type Reports = {
  /** A source has opened; throws `Corrupt` when it contradicts the root or another source. */
  join(name: string, opened: OpenAnswer, layer: () => Promise<Uint8Array>): Promise<void>;
  leave(name: string): void;
  tellHave(name: string, have: readonly PieceRun[]): void;
  /** Writes the good pieces of a batch, which are adjacent; returns the bad ones. */
  verify(spans: readonly Span[]): Promise<readonly number[]>;
  /** Receives the whole file from a source that has no pieces; returns the bytes received. */
  takeWhole(name: string, bytes: Uint8Array): Promise<number>;
};

export type LaneTarget = Terms & Pieces & Reports;

export class SourceLane {
  readonly source: Source;
  /** Bytes of verified pieces. */
  receivedBytes = 0;
  readonly #download: LaneTarget;
  readonly #limits: SourceLimits;
  readonly #rate: RateLimit;
  #bytesPerS = 0;

  constructor(source: Source, download: LaneTarget, limits: SourceLimits) {
    this.source = source;
    this.#download = download;
    this.#limits = limits;
    this.#rate = new RateLimit(limits.rateMaxBytes);
  }

  /** Resolves when the download is complete; throws the reason why this source delivers no more. */
  async run(): Promise<void> {
    for (let tries = 1; ; tries++) {
      const before = this.receivedBytes;
      try {
        return await this.#session();
      } catch (error) {
        this.#download.signal.throwIfAborted();
        if (this.receivedBytes > before) tries = 1;
        if (!mayComeBack(error) || tries >= this.#limits.triesMax) throw error;
        const waitMs = this.#limits.retryMs * 4 ** (tries - 1);
        await delay(waitMs, undefined, { signal: this.#download.signal });
      } finally {
        this.#download.leave(this.source.name);
      }
    }
  }

  async #session(): Promise<void> {
    const { source } = this;
    const connection = await this.#download.connections.get(source.address);
    const wanted = { fileName: source.fileName, root: rootBytesOf(this.#download.root)! };
    const credential = await source.credential();
    let opened: OpenAnswer;
    try {
      opened = await connection.open(wanted, credential);
    } catch (error) {
      const isOld = error instanceof GrpcError && error.status === grpcStatus.unimplemented;
      if (!isOld) throw error;
      return await this.#wholeFile(connection);
    }
    await this.#download.join(source.name, opened, () => connection.layer(opened));
    const control = new AbortController();
    const signal = AbortSignal.any([control.signal, this.#download.signal]);
    const lanes = Array.from({ length: runsAtOnce }, () =>
      this.#runs(connection, opened.session, signal),
    );
    lanes.push(this.#refresh(connection, opened.session, signal));
    try {
      await Promise.all(lanes);
    } finally {
      control.abort(new ClusterError("unavailable", "the source is given up"));
      await Promise.allSettled(lanes);
    }
  }

  /** For existing peers, which have no other call. */
  async #wholeFile(connection: PeerConnection): Promise<void> {
    const { fileName } = this.source;
    // The call that the peer does not know may have used up the first ticket.
    const credential = await this.source.credential();
    const { wholeMaxBytes, wholeMs } = this.#download.limits;
    const bytes = await connection.getFile(fileName, {
      credential,
      maxBytes: wholeMaxBytes,
      limitMs: wholeMs,
    });
    const taken = await this.#download.takeWhole(this.source.name, bytes);
    this.receivedBytes += taken;
  }

  /** A source with only some of the pieces has more of them later. */
  async #refresh(connection: PeerConnection, session: Uint8Array, signal: AbortSignal) {
    const { schedule, complete } = this.#download;
    let doneCount = schedule.done.count;
    let sinceMs = performance.now();
    while (!schedule.isComplete && !schedule.hasAll(this.source.name)) {
      await Promise.race([
        complete,
        delay(this.#limits.againMs, undefined, { signal }).catch(() => {}),
      ]);
      if (schedule.isComplete) return;
      signal.throwIfAborted();
      if (schedule.done.count > doneCount) {
        doneCount = schedule.done.count;
        sinceMs = performance.now();
      } else if (performance.now() - sinceMs > this.#limits.partsMs) {
        throw new ClusterError("not-found", "it has none of the missing pieces");
      }
      const { have } = await connection.again(session);
      this.#download.tellHave(this.source.name, have);
    }
  }

  async #runs(connection: PeerConnection, session: Uint8Array, signal: AbortSignal): Promise<void> {
    const { schedule } = this.#download;
    while (!schedule.isComplete) {
      signal.throwIfAborted();
      const run = schedule.take(this.source.name, this.#runLength());
      if (run === null) {
        await this.#download.change(signal);
        continue;
      }
      try {
        await this.#read(connection, { session, run }, signal);
      } finally {
        schedule.release(this.source.name, run);
        this.#download.changed();
      }
    }
  }

  /** Pieces to request at once: as many as its speed allows, but not all that is left. */
  #runLength(): number {
    const { schedule, shape, sourceCount } = this.#download;
    const bytes =
      this.#bytesPerS === 0
        ? runFirstBytes
        : Math.min(runMaxBytes, this.#bytesPerS * (runMs / 1000));
    const bySpeed = Math.ceil(bytes / pieceBytesOf(shape.sizeBytes));
    const share = Math.ceil(schedule.openCount / (sourceCount * runsAtOnce));
    return Math.max(1, Math.min(bySpeed, share));
  }

  async #read(
    connection: PeerConnection,
    asked: { readonly session: Uint8Array; readonly run: PieceRun },
    signal: AbortSignal,
  ): Promise<void> {
    const { run, session } = asked;
    const { shape } = this.#download;
    const pieceMs =
      this.#limits.idleMs + (pieceBytesOf(shape.sizeBytes) / this.#limits.rateMin) * 1000;
    const control = new AbortController();
    const slabs = new Slabs(this.#download.spareSlabs, {
      count: run.count,
      pieceBytes: pieceBytesOf(shape.sizeBytes),
    });
    const messages = connection.read(
      { session, runs: [run] },
      {
        allocate: (length) => slabs.allocate(length),
        signal: AbortSignal.any([signal, control.signal]),
        limitMs: Math.min(2 ** 31 - 1, pieceMs * (run.count + 1)),
      },
    );
    const verifying = new Verifying(this);
    const late = new ClusterError("timed-out", `nothing came within ${Math.round(pieceMs)} ms`);
    let timer = setTimeout(() => control.abort(late), pieceMs);
    const startedMs = performance.now();
    let next = run.first;
    try {
      for await (const message of messages) {
        clearTimeout(timer);
        const { piece, content } = readAnswerOf(message);
        if (next === run.first + run.count || piece !== next) {
          throw new Corrupt("protocol-violated", `piece ${piece} came, which was not asked for`);
        }
        if (content.length !== pieceLength(shape.sizeBytes, piece)) {
          throw new Corrupt("protocol-violated", `piece ${piece} has ${content.length} bytes`);
        }
        next += 1;
        await verifying.add(piece, content);
        await this.#rate.pass(content.length, signal);
        if (this.#download.isDone(next, run)) break;
        timer = setTimeout(() => control.abort(late), pieceMs);
      }
    } finally {
      clearTimeout(timer);
      await verifying.end();
    }
    if (next < run.first + run.count && !this.#download.isDone(next, run)) {
      throw new Corrupt(
        "protocol-violated",
        `it ended ${run.first + run.count - next} pieces early`,
      );
    }
    const seconds = Math.max(1e-3, (performance.now() - startedMs) / 1000);
    const bytesPerS = ((next - run.first) * pieceBytesOf(shape.sizeBytes)) / seconds;
    this.#bytesPerS = this.#bytesPerS === 0 ? bytesPerS : (this.#bytesPerS + bytesPerS) / 2;
  }

  /** Verifies a batch and writes its good pieces to the file. */
  async verify(spans: readonly Span[]): Promise<void> {
    const bad = await this.#download.verify(spans);
    // The bytes themselves may have been transferred to another thread by now.
    const { sizeBytes } = this.#download.shape;
    for (const { piece } of spans) {
      if (!bad.includes(piece)) this.receivedBytes += pieceLength(sizeBytes, piece);
    }
    if (bad.length === 0) return;
    const text = `it sent a piece ${bad[0]} that is not the file's`;
    throw new Corrupt("data-lost", text);
  }
}

export type Span = { readonly piece: number; readonly content: Uint8Array };

/** Gathers received pieces in one slab, and has a few batches verified while more arrive. */
class Verifying {
  readonly #lane: SourceLane;
  readonly #under = new Set<Promise<void>>();
  #spans: Span[] = [];
  #failure: unknown = null;

  constructor(lane: SourceLane) {
    this.#lane = lane;
  }

  async add(piece: number, content: Uint8Array): Promise<void> {
    const before = this.#spans[0]?.content.buffer;
    if (before !== undefined && before !== content.buffer) this.#begin();
    this.#spans.push({ piece, content });
    while (this.#under.size >= batchesMax) await Promise.race(this.#under);
    if (this.#failure !== null) throw this.#failure;
  }

  async end(): Promise<void> {
    this.#begin();
    await Promise.all(this.#under);
    if (this.#failure !== null) throw this.#failure;
  }

  #begin(): void {
    if (this.#spans.length === 0) return;
    const spans = this.#spans;
    this.#spans = [];
    const work = this.#lane.verify(spans).catch((error) => {
      this.#failure ??= error;
    });
    this.#under.add(work);
    work.finally(() => this.#under.delete(work));
  }
}

/** It sent wrong content, has another certificate, or must not be dialled: never used again, even
 *  when it is named again. */
export function isBanned(error: unknown): boolean {
  if (error instanceof Corrupt || error instanceof WrongCertificate) return true;
  return error instanceof ClusterError && error.code === "forbidden";
}

/** False for errors that a retry cannot fix. */
function mayComeBack(error: unknown): boolean {
  if (isBanned(error) || !(error instanceof ClusterError)) return false;
  return ["unavailable", "download-failed", "timed-out", "data-lost", "unauthenticated"].includes(
    error.code,
  );
}
