/** Progress of a transfer as one line: pure, from numbers and times to text. */
import { bytesText, durationText, rateText } from "./numbers.ts";
import { cut, oneLine } from "./text.ts";

export type Transfer = {
  readonly label: string;
  readonly doneBytes: number;
  /** Null = not known. */
  readonly sizeBytes: number | null;
  /** "3 sources", "4 of 12 files". */
  readonly note: string;
};

/** Speed over this much of the past, ms. */
const windowMs = 3_000;

/** Shortest time between two samples that are kept, ms: hashing small files has many thousands. */
const sampleMs = 20;

/** Recent speed from samples of bytes; holds still when nothing moves. */
export class Speedometer {
  #samples: Array<{ readonly atMs: number; readonly bytes: number }> = [];

  add(atMs: number, bytes: number): void {
    const before = this.#samples.at(-2);
    if (before !== undefined && atMs - before.atMs < sampleMs) this.#samples.pop();
    this.#samples.push({ atMs, bytes });
    const first = this.#samples.findLastIndex((sample) => sample.atMs <= atMs - windowMs);
    if (first > 0) this.#samples.splice(0, first);
  }

  /** Bytes/s; 0 while there are too few samples. */
  get bytesPerS(): number {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || last.atMs - first.atMs < 100) return 0;
    return Math.max(0, last.bytes - first.bytes) / ((last.atMs - first.atMs) / 1000);
  }
}

export function transferLine(transfer: Transfer, bytesPerS: number, width: number): string {
  const { doneBytes, label, note, sizeBytes } = transfer;
  const parts = [rateText(bytesPerS)];
  if (sizeBytes !== null && bytesPerS > 0 && sizeBytes > doneBytes) {
    parts.push(`ETA ${durationText(((sizeBytes - doneBytes) / bytesPerS) * 1000)}`);
  }
  if (note !== "") parts.push(note);
  const done =
    sizeBytes === null
      ? bytesText(doneBytes)
      : `${percentText(doneBytes, sizeBytes)} of ${bytesText(sizeBytes)}`;
  return cut(`${cut(oneLine(label), Math.floor(width / 2))}  ${done}  ${parts.join("  ")}`, width);
}

/** 100 % is only what is complete. */
function percentText(doneBytes: number, sizeBytes: number): string {
  if (sizeBytes === 0 || doneBytes >= sizeBytes) return "100 %";
  return `${Math.min(99, Math.floor((doneBytes / sizeBytes) * 100))} %`;
}
