/** Log lines and progress on their way to the coordinator: bounded, in bulk, and dropped rather
 *  than kept. */
import type { WorkerNotes } from "../../wire/manager/messages.ts";
import type { WorkerTimers } from "../executor.ts";

type LogNote = WorkerNotes["logs"][number];
type ProgressNote = WorkerNotes["progress"][number];

/** Characters of log lines in one message: it takes six times as many bytes at most. */
const logCharsMax = 64 * 1024;
/** One line; the rest of a longer one is cut off. */
const lineCharsMax = 4 * 1024;
const progressMax = 256;
const everyMs = 200;

export class Notes {
  readonly #timers: WorkerTimers;
  readonly #send: (notes: WorkerNotes) => boolean;
  #logs: LogNote[] = [];
  #logChars = 0;
  #dropped = 0;
  #progress = new Map<string, ProgressNote>();
  #cpuShare: number | null = null;
  #cancel: (() => void) | null = null;
  #closed = false;

  /** `send` returns false when it cannot take them now; they are tried again with the next ones. */
  constructor(timers: WorkerTimers, send: (notes: WorkerNotes) => boolean) {
    this.#timers = timers;
    this.#send = send;
  }

  add(notes: Partial<WorkerNotes>): void {
    for (const note of notes.logs ?? []) this.#addLog(note);
    for (const note of notes.progress ?? []) {
      const key = `${note.job}/${note.stage}/${note.task}#${note.attempt}`;
      if (this.#progress.size < progressMax || this.#progress.has(key)) {
        this.#progress.set(key, note);
      }
    }
    this.#cpuShare = notes.cpuShare ?? this.#cpuShare;
    if (this.#closed || this.#cancel !== null) return;
    this.#cancel = this.#timers.after(everyMs, () => this.#flush());
  }

  /** Lines go before the report of their attempt, while the coordinator knows whose they are. */
  flushLogs(): void {
    if (this.#logs.length === 0) return;
    this.#cancel?.();
    this.#flush();
  }

  close(): void {
    this.#closed = true;
    this.#cancel?.();
  }

  #addLog(note: LogNote): void {
    if (this.#logChars >= logCharsMax) {
      this.#dropped += 1;
      return;
    }
    const line = note.line.slice(0, lineCharsMax);
    this.#logs.push({ ...note, line });
    this.#logChars += line.length + 80;
  }

  #flush(): void {
    this.#cancel = null;
    const last = this.#logs.at(-1);
    const logs =
      this.#dropped > 0 && last !== undefined
        ? [...this.#logs, { ...last, line: `(${this.#dropped} lines dropped: too many at once)` }]
        : this.#logs;
    const load = this.#cpuShare === null ? {} : { cpuShare: this.#cpuShare };
    if (!this.#send({ ...load, logs, progress: [...this.#progress.values()] })) return;
    this.#cpuShare = null;
    this.#logs = [];
    this.#logChars = 0;
    this.#dropped = 0;
    this.#progress.clear();
  }
}
