/** Fetches content named by its root from several sources at once.
 *
 *  1. No byte has a name before it is verified: pieces against the layer, the layer against the
 *     root.
 *  2. A source that sends wrong content is not used again; the download continues with the others,
 *     and fails only when none is left.
 *  3. What was verified is kept when the download is interrupted, and hashed again before it is
 *     used. */
import { ClusterError } from "../../core/error.ts";
import type { Hash } from "../../core/ids.ts";
import { GrpcError } from "../../link/grpc/status.ts";
import { hexOf } from "../../wire/hex.ts";
import type { FileAttributes, OpenAnswer, PieceRun } from "../../wire/p4/data.ts";
import {
  hashBytes,
  isLayerOf,
  pieceBytesOf,
  pieceCountOf,
  pieceLength,
  rootBytesOf,
} from "../../wire/p4/merkle.ts";
import type { Source } from "../found.ts";
import { layerOfBytes } from "../hashing/layer.ts";
import type { HashPool } from "../hashing/pool.ts";
import { sha256 } from "../hashing/sha256.ts";
import type { Connections } from "./connection.ts";
import { downloadFailure } from "./full-disk.ts";
import { PartialFile, type Shape } from "./partial.ts";
import { Schedule } from "./schedule.ts";
import { giveBack, type SpareSlabs } from "./slabs.ts";
import type { SourceLimits } from "./source.ts";
import { Corrupt, defaultSourceLimits, isBanned, SourceLane, type Span } from "./source.ts";

export type DownloadLimits = SourceLimits & {
  /** Sources used at once. */
  readonly sourcesMax: number;
  /** Largest file that is received in one message, from peers that have no other call. */
  readonly wholeMaxBytes: number;
  readonly wholeMs: number;
};

export const defaultDownloadLimits: DownloadLimits = {
  ...defaultSourceLimits,
  sourcesMax: 16,
  wholeMaxBytes: 256 * 1024 * 1024,
  wholeMs: 120_000,
};

export type DownloadOptions = {
  readonly root: Hash;
  readonly target: string;
  readonly replaces: boolean;
  readonly sources: readonly Source[];
  /** Called once when all sources are gone: returns those that have the file by now. */
  readonly more?: () => Promise<readonly Source[]>;
  readonly connections: Connections;
  readonly pool: HashPool;
  readonly limits?: globalThis.Partial<DownloadLimits>;
  readonly signal?: AbortSignal;
  /** The partial file is open: progress can be shown and its pieces served. */
  readonly onOpen?: (download: Download) => void;
  /** Awaited before the partial file is closed. */
  readonly beforeClose?: () => Promise<void>;
};

export type Downloaded = {
  readonly sizeBytes: number;
  readonly receivedBytes: number;
  readonly resumedBytes: number;
  /** Bytes received from each source. */
  readonly sources: ReadonlyArray<{ readonly name: string; readonly receivedBytes: number }>;
};

/** Files below this size are hashed on the receiving thread: that takes less than starting
 *  another. */
const smallBytes = 64 * 1024 * 1024;

export class Download {
  readonly root: Hash;
  readonly limits: DownloadLimits;
  readonly connections: Connections;
  readonly signal: AbortSignal;
  readonly spareSlabs: SpareSlabs = [];
  readonly #options: DownloadOptions;
  readonly #control = new AbortController();
  readonly #complete = Promise.withResolvers<void>();
  readonly #lanes: SourceLane[] = [];
  #opening: Promise<void> | null = null;
  #partial: PartialFile | null = null;
  #shape: Shape | null = null;
  /** As the first source gives them that has opened the file. */
  #attributes: FileAttributes | null = null;
  #schedule: Schedule | null = null;
  #active = new Set<string>();
  #change = Promise.withResolvers<void>();

  constructor(options: DownloadOptions) {
    this.#options = options;
    this.root = options.root;
    this.limits = { ...defaultDownloadLimits, ...options.limits };
    this.connections = options.connections;
    const asked = options.signal === undefined ? [] : [options.signal];
    this.signal = AbortSignal.any([this.#control.signal, ...asked]);
  }

  get shape(): Shape {
    return this.#shape!;
  }

  get schedule(): Schedule {
    return this.#schedule!;
  }

  get partial(): PartialFile {
    return this.#partial!;
  }

  get sourceCount(): number {
    return Math.max(1, this.#active.size);
  }

  /** Resolves when every piece is there. */
  get complete(): Promise<void> {
    return this.#complete.promise;
  }

  /** Bytes that are verified and in the file. */
  get doneBytes(): number {
    const { sizeBytes } = this.shape;
    return Math.min(sizeBytes, this.schedule.done.count * pieceBytesOf(sizeBytes));
  }

  async run(): Promise<Downloaded> {
    try {
      await this.#fetchAll();
      await this.partial.land(this.#options.replaces, this.#attributes);
    } finally {
      this.#control.abort(new ClusterError("unavailable", "the download has ended"));
      if (this.#partial !== null) await this.#options.beforeClose?.();
      await this.#partial?.close();
    }
    const { sizeBytes } = this.shape;
    const resumedBytes = Math.min(sizeBytes, this.partial.resumed * pieceBytesOf(sizeBytes));
    const sources = this.#lanes.map(({ source, receivedBytes }) => ({
      name: source.name,
      receivedBytes,
    }));
    const receivedBytes = sources.reduce((sum, one) => sum + one.receivedBytes, 0);
    return { sizeBytes, resumedBytes, receivedBytes, sources };
  }

  async #fetchAll(): Promise<void> {
    const failures: string[] = [];
    const first = this.#options.sources;
    const ended = await this.#round(first, failures);
    if (ended) return;
    const known = new Set(first.map(({ name }) => name));
    const more = (await this.#options.more?.().catch(() => [])) ?? [];
    // A source that sent wrong content stays out, although the catalogue still names it.
    const left = more.filter((source) => !known.has(source.name) || this.#mayReturn(source.name));
    if (left.length > 0 && (await this.#round(left, failures))) return;
    throw new ClusterError(
      "download-failed",
      failures.length === 0
        ? `no peer has ${this.root} now; try again later`
        : `no valid source of ${this.root} is left (${failures.join("; ")}); ` +
            "verified pieces are kept; run the same command to continue",
    );
  }

  readonly #liars = new Set<string>();

  #mayReturn(name: string): boolean {
    return !this.#liars.has(name);
  }

  /** True when the download is complete; else all these sources are gone. */
  async #round(sources: readonly Source[], failures: string[]): Promise<boolean> {
    const chosen = sources.slice(0, this.limits.sourcesMax);
    const waiting = sources.slice(this.limits.sourcesMax);
    const work = async (source: Source): Promise<void> => {
      const lane = new SourceLane(source, this, this.limits);
      this.#lanes.push(lane);
      try {
        await lane.run();
      } catch (error) {
        this.signal.throwIfAborted();
        if (isLocalFailure(error)) throw error;
        if (isBanned(error)) this.#liars.add(source.name);
        failures.push(`${source.name}: ${error instanceof ClusterError ? error.text : error}`);
        const next = waiting.shift();
        if (next !== undefined) await work(next);
      }
    };
    const lanes = chosen.map(work);
    const broken = Promise.all(lanes).then(() => this.#schedule?.isComplete ?? false);
    const done = this.complete.then(() => true);
    try {
      const ended = await Promise.race([done, broken]);
      if (ended) this.#control.abort(new ClusterError("unavailable", "the download is complete"));
      return ended;
    } catch (error) {
      this.#control.abort(error);
      throw error;
    } finally {
      // Cancelled lanes may still be verifying, and need the file for it.
      await Promise.allSettled(lanes);
    }
  }

  /** A source has opened the file. The first whose size and layer make the root lets the download
   *  begin; the others must agree. */
  async join(name: string, opened: OpenAnswer, layer: () => Promise<Uint8Array>): Promise<void> {
    if (hexOf(opened.root) !== this.root) {
      throw new Corrupt("data-lost", "it has other content under that name");
    }
    if (this.#shape === null) {
      const bytes = await layer();
      await this.#begin(opened.sizeBytes, bytes);
    }
    if (opened.sizeBytes !== this.shape.sizeBytes) {
      throw new Corrupt("data-lost", `it gives the file's size as ${opened.sizeBytes} bytes`);
    }
    this.#attributes ??= opened;
    this.#active.add(name);
    this.tellHave(name, opened.have);
    // An empty file has no piece that could end it.
    if (this.schedule.isComplete) this.#complete.resolve();
  }

  async #begin(sizeBytes: number, layer: Uint8Array): Promise<void> {
    const content = { sizeBytes, root: rootBytesOf(this.root)! };
    if (!isLayerOf(content, layer, sha256)) {
      throw new Corrupt("data-lost", "its piece hashes do not make the root");
    }
    this.#opening ??= this.#open({ root: this.root, sizeBytes, layer });
    await this.#opening;
  }

  async #open(shape: Shape): Promise<void> {
    this.#partial = await PartialFile.open(this.#options.target, shape, this.#options.pool);
    this.#schedule = new Schedule(this.#partial.done, Math.random);
    this.#shape = shape;
    this.#options.onOpen?.(this);
  }

  tellHave(name: string, have: readonly PieceRun[]): void {
    this.schedule.setSource(name, have);
    this.changed();
  }

  leave(name: string): void {
    this.#active.delete(name);
    this.#schedule?.dropSource(name);
    this.changed();
  }

  /** Wakes lanes that wait for pieces to request: more may be available now. */
  changed(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }

  change(signal: AbortSignal): Promise<void> {
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
    });
    return Promise.race([this.#change.promise, this.complete, aborted]);
  }

  /** True when other sources have delivered all that is left of a run. */
  isDone(next: number, run: PieceRun): boolean {
    const { done } = this.schedule;
    for (let piece = next; piece < run.first + run.count; piece++) {
      if (!done.has(piece)) return false;
    }
    return true;
  }

  /** Writes the good pieces of a batch, which are adjacent; returns the bad ones. */
  async verify(spans: readonly Span[]): Promise<readonly number[]> {
    const { layer, sizeBytes } = this.shape;
    const pieceBytes = pieceBytesOf(sizeBytes);
    const first = spans[0]!.piece;
    const verified = this.#options.pool.verify(
      {
        buffer: spans[0]!.content.buffer as ArrayBuffer,
        spans: spans.map(({ content }) => ({ start: content.byteOffset, length: content.length })),
        hashes: layer.slice(first * hashBytes, (first + spans.length) * hashBytes),
        descriptor: this.partial.descriptor,
        position: first * pieceBytes,
      },
      sizeBytes < smallBytes,
    );
    const { buffer, bad } = await verified.catch((error: unknown) => {
      throw downloadFailure(error, this.#options.target);
    });
    giveBack(this.spareSlabs, buffer);
    const badPieces = bad.map((index) => first + index);
    for (let piece = first; piece < first + spans.length; piece++) {
      if (badPieces.includes(piece) || !this.schedule.finish(piece)) continue;
      this.partial.note(piece);
    }
    if (this.schedule.isComplete) this.#complete.resolve();
    return badPieces;
  }

  /** The whole file at once, from a peer that has no pieces; returns the verified bytes. */
  async takeWhole(name: string, bytes: Uint8Array): Promise<number> {
    await this.#begin(bytes.length, layerOfBytes(bytes));
    this.#active.add(name);
    const { sizeBytes } = this.shape;
    for (let piece = 0; piece < pieceCountOf(sizeBytes); piece++) {
      if (this.schedule.done.has(piece)) continue;
      const from = piece * pieceBytesOf(sizeBytes);
      const content = new Uint8Array(bytes.subarray(from, from + pieceLength(sizeBytes, piece)));
      await this.verify([{ piece, content }]);
    }
    if (this.schedule.isComplete) this.#complete.resolve();
    return bytes.length;
  }
}

/** True for a failing local disk or a bug in this process: no other source would help. */
function isLocalFailure(error: unknown): boolean {
  if (!(error instanceof ClusterError)) return true;
  if (error instanceof GrpcError || error instanceof Corrupt) return false;
  return ["storage-full", "storage-failed", "conflict"].includes(error.code);
}
