/** Log lines and progress of a tab's tasks on their way to the coordinator: within what one note
 *  may hold, and dropped rather than kept. */

import { utf8Bytes } from "../../../../core/sharing/names.ts";
import { browserLimits } from "../../../../wire/browser/messages.ts";
import type { NoteMore } from "../../../../wire/browser/more.ts";

type LogLine = readonly [tid: number, task: number, line: string];

const { fromBrowserMaxBytes, notesMax } = browserLimits;
/** Of all lines in one note, as they are sent: the rest is for what else a note has. */
export const logsMaxBytes = fromBrowserMaxBytes / 4;
/** One place is for the line that says how many were dropped. */
const linesMax = notesMax - 1;
const lineMaxCharacters = 4_096;
/** Digits of two numbers, and what stands between them. */
const frameBytes = 32;

export class TabNotes {
  #logs: LogLine[] = [];
  #logBytes = 0;
  #dropped = 0;
  readonly #progress = new Map<string, readonly [number, number, number]>();

  get isEmpty(): boolean {
    return this.#logs.length === 0 && this.#progress.size === 0;
  }

  logged(tid: number, task: number, line: string): void {
    // What is cut may be half of a pair, which no message may hold.
    const text = line.slice(0, lineMaxCharacters).toWellFormed();
    const sizeBytes = utf8Bytes(JSON.stringify(text)) + frameBytes;
    if (this.#logs.length >= linesMax || this.#logBytes + sizeBytes > logsMaxBytes) {
      this.#dropped++;
      return;
    }
    this.#logs.push([tid, task, text]);
    this.#logBytes += sizeBytes;
  }

  progressed(tid: number, task: number, inputBytes: number): void {
    this.#progress.set(`${tid}/${task}`, [tid, task, inputBytes]);
  }

  /** What the next note has of them; what it has no room for goes with the one after. */
  take(): Pick<NoteMore, "logs" | "progress"> {
    const logs = this.#logs;
    const last = logs.at(-1);
    if (this.#dropped > 0 && last !== undefined) {
      logs.push([last[0], last[1], `(${this.#dropped} lines dropped: too many at once)`]);
    }
    const entries = [...this.#progress].slice(0, notesMax);
    for (const [key] of entries) this.#progress.delete(key);
    this.#logs = [];
    this.#logBytes = 0;
    this.#dropped = 0;
    return { logs, progress: entries.map(([, one]) => one) };
  }
}
