/** Which source is asked for which pieces next. Pure: no clock, no I/O; random numbers are passed
 *  in.
 *
 *  1. A piece is asked of one source at a time, and of two when no other piece is left to ask for
 *     (the endgame): a slow source must not delay the end.
 *  2. Among the pieces that a source has, those that fewest sources have come first. While all
 *     sources have everything the order is that of the file, so that disks read and write along. */
import type { PieceRun } from "../../wire/p4/data.ts";
import { Bits } from "./bits.ts";

/** Sources that may be asked for one piece at once. */
const askedMax = 2;
/** Pieces taken at once in the endgame. */
const endgameRun = 4;

type SourceState = {
  /** Null = everything. */
  have: Bits | null;
  /** Requested from it: pieces, with how many runs of its own contain them. */
  readonly asked: Set<number>;
};

export class Schedule {
  readonly done: Bits;
  readonly #asked: Uint8Array;
  /** Per piece: the number of sources with only some pieces that have it. Sources with everything
   *  are not counted, since they would raise every count. */
  readonly #parts: Uint16Array;
  readonly #sources = new Map<string, SourceState>();
  readonly #random: () => number;
  /** All pieces before it are done or asked for. */
  #cursor = 0;
  #open: number;

  constructor(done: Bits, random: () => number) {
    this.done = done;
    this.#asked = new Uint8Array(done.length);
    this.#parts = new Uint16Array(done.length);
    this.#random = random;
    this.#open = done.length - done.count;
  }

  get isComplete(): boolean {
    return this.done.count === this.done.length;
  }

  /** Pieces that no source has been asked for. */
  get openCount(): number {
    return this.#open;
  }

  /** The pieces that a source has, when it joins or when they have changed. */
  setSource(source: string, runs: readonly PieceRun[]): void {
    const before = this.#sources.get(source);
    if (before !== undefined) this.#countParts(before.have, -1);
    const have = new Bits(this.done.length);
    for (const run of runs) have.addRun(run);
    const all = have.count === have.length ? null : have;
    this.#countParts(all, 1);
    this.#sources.set(source, { have: all, asked: before?.asked ?? new Set() });
  }

  hasAll(source: string): boolean {
    return this.#sources.get(source)?.have === null;
  }

  dropSource(source: string): void {
    const state = this.#sources.get(source);
    if (state === undefined) return;
    for (const piece of [...state.asked]) this.#release(state, piece);
    this.#countParts(state.have, -1);
    this.#sources.delete(source);
  }

  /** Adjacent pieces to request from this source; null when there are none now. */
  take(source: string, countMax: number): PieceRun | null {
    const state = this.#sources.get(source);
    if (state === undefined || this.isComplete) return null;
    const first = this.#open > 0 ? this.#choose(state) : -1;
    const isEndgame = first < 0;
    const from = isEndgame ? this.#chooseAgain(state) : first;
    if (from < 0) return null;
    const max = isEndgame ? Math.min(endgameRun, countMax) : countMax;
    let end = from;
    while (end < this.done.length && end - from < max && this.#mayAsk(state, end, isEndgame)) {
      if (!isEndgame && this.#parts[end] !== this.#parts[from]) break;
      this.#ask(state, end);
      end += 1;
    }
    return { first: from, count: end - from };
  }

  /** False when another source was faster. */
  finish(piece: number): boolean {
    return this.done.add(piece);
  }

  /** The source will not deliver them any more; those that are done stay done. */
  release(source: string, run: PieceRun): void {
    const state = this.#sources.get(source);
    if (state === undefined) return;
    for (let piece = run.first; piece < run.first + run.count; piece++) {
      if (state.asked.has(piece)) this.#release(state, piece);
    }
  }

  #choose(state: SourceState): number {
    const isPlain = [...this.#sources.values()].every(({ have }) => have === null);
    if (isPlain) {
      while (this.#cursor < this.done.length && !this.#isOpen(this.#cursor)) this.#cursor += 1;
      return this.#cursor < this.done.length ? this.#cursor : -1;
    }
    const { length } = this.done;
    const start = Math.floor(this.#random() * length);
    let best = -1;
    for (let step = 0; step < length; step++) {
      const piece = (start + step) % length;
      if (!this.#mayAsk(state, piece, false)) continue;
      if (best < 0 || this.#parts[piece]! < this.#parts[best]!) best = piece;
    }
    return best;
  }

  /** The endgame: from the end, which the slow source already asked will reach last. */
  #chooseAgain(state: SourceState): number {
    for (let piece = this.done.length - 1; piece >= 0; piece--) {
      if (!this.#mayAsk(state, piece, true)) continue;
      let first = piece;
      while (first > piece - endgameRun + 1 && first > 0 && this.#mayAsk(state, first - 1, true)) {
        first -= 1;
      }
      return first;
    }
    return -1;
  }

  #isOpen(piece: number): boolean {
    return this.#asked[piece] === 0 && !this.done.has(piece);
  }

  #mayAsk(state: SourceState, piece: number, isEndgame: boolean): boolean {
    if (this.done.has(piece) || state.asked.has(piece)) return false;
    if (this.#asked[piece]! >= (isEndgame ? askedMax : 1)) return false;
    return state.have?.has(piece) ?? true;
  }

  #ask(state: SourceState, piece: number): void {
    if (this.#asked[piece] === 0) this.#open -= 1;
    this.#asked[piece]! += 1;
    state.asked.add(piece);
  }

  #release(state: SourceState, piece: number): void {
    state.asked.delete(piece);
    this.#asked[piece]! -= 1;
    if (this.#asked[piece] !== 0 || this.done.has(piece)) return;
    this.#open += 1;
    this.#cursor = Math.min(this.#cursor, piece);
  }

  #countParts(have: Bits | null, by: number): void {
    if (have === null) return;
    for (const { first, count } of have.runs(Number.POSITIVE_INFINITY)) {
      for (let piece = first; piece < first + count; piece++) this.#parts[piece]! += by;
    }
  }
}
