/** What job code wrote with `log`: one NDJSON file per job, bounded; its failures never affect
 *  anything else. */

import { statSync } from "node:fs";
import { appendFile, open, rm } from "node:fs/promises";
import { join } from "node:path";
import type { JobId } from "../../core/ids.ts";
import type { LogLine } from "../../wire/api/messages.ts";
import { Watchers } from "./watchers.ts";

export type JobLogLimits = {
  /** Bytes of one job's file; the last line reports when it is full. */
  readonly fileMaxBytes: number;
  /** Bytes of one job that wait for the disk; lines beyond it are dropped. */
  readonly waitingMaxBytes: number;
  /** Characters of one line. */
  readonly lineMaxChars: number;
};

export const defaultJobLogLimits: JobLogLimits = {
  fileMaxBytes: 16 * 1024 * 1024,
  waitingMaxBytes: 1024 * 1024,
  lineMaxChars: 4_096,
};

type Writing = {
  sizeBytes: number;
  waiting: Buffer[];
  waitingBytes: number;
  full: boolean;
  busy: boolean;
};

/** Interval at which a follower checks for new lines by itself, ms. */
const lookAgainMs = 1_000;
const chunkBytes = 64 * 1024;

export class JobLogs {
  readonly #dir: string;
  readonly #limits: JobLogLimits;
  readonly #jobs = new Map<JobId, Writing>();
  readonly #grown = new Watchers();

  constructor(dir: string, limits: JobLogLimits = defaultJobLogLimits) {
    this.#dir = dir;
    this.#limits = limits;
  }

  add(job: JobId, line: LogLine): void {
    const writing = this.#open(job);
    const { fileMaxBytes, lineMaxChars, waitingMaxBytes } = this.#limits;
    if (writing.full) return;
    let bytes = encodeLine({ ...line, line: line.line.slice(0, lineMaxChars) });
    if (writing.waitingBytes + bytes.length > waitingMaxBytes) return;
    if (writing.sizeBytes + bytes.length > fileMaxBytes) {
      writing.full = true;
      bytes = encodeLine({
        ...line,
        line: `the log is full (${fileMaxBytes} bytes); it ends here`,
      });
    }
    writing.sizeBytes += bytes.length;
    writing.waitingBytes += bytes.length;
    writing.waiting.push(bytes);
    if (!writing.busy) void this.#write(job, writing);
  }

  /** All bytes until now, also those that wait for the disk; with `follow`, also new ones as they
   *  are written, until the job has ended. */
  async *read(
    job: JobId,
    follow: { readonly ended: () => boolean; readonly signal: AbortSignal } | null,
  ): AsyncGenerator<Uint8Array, void> {
    const grown = this.#grown.open(job);
    const signal = follow?.signal ?? new AbortController().signal;
    // What is added later could go on for ever.
    const untilBytes = follow === null ? (this.#jobs.get(job)?.sizeBytes ?? 0) : Infinity;
    try {
      for (let at = 0; ; ) {
        // Checked before reading, so that nothing written before the end is missed.
        const isWritten = at >= untilBytes || !this.#isWriting(job);
        const ended = isWritten && (follow === null || follow.ended());
        const chunk = await this.#chunk(job, at);
        if (chunk !== null) {
          at += chunk.length;
          yield chunk;
        } else if (ended || signal.aborted) {
          return;
        } else {
          await grown.next(lookAgainMs, signal);
        }
      }
    } finally {
      grown.close();
    }
  }

  async remove(job: JobId): Promise<void> {
    this.#jobs.delete(job);
    await rm(this.#path(job), { force: true });
  }

  /** The job has changed: followers check whether it has ended. */
  wake(job: JobId): void {
    this.#grown.changed(job);
  }

  #isWriting(job: JobId): boolean {
    return this.#jobs.get(job)?.busy ?? false;
  }

  #open(job: JobId): Writing {
    const known = this.#jobs.get(job);
    if (known !== undefined) return known;
    const sizeBytes = statSync(this.#path(job), { throwIfNoEntry: false })?.size ?? 0;
    const full = sizeBytes >= this.#limits.fileMaxBytes;
    const writing = { sizeBytes, waiting: [], waitingBytes: 0, full, busy: false };
    this.#jobs.set(job, writing);
    return writing;
  }

  async #write(job: JobId, writing: Writing): Promise<void> {
    writing.busy = true;
    while (writing.waiting.length > 0) {
      const bytes = Buffer.concat(writing.waiting);
      writing.waiting = [];
      try {
        await appendFile(this.#path(job), bytes, { mode: 0o600 });
      } catch {
        // Lines of a log are dropped when the disk is full; the job continues.
      }
      writing.waitingBytes -= bytes.length;
      this.#grown.changed(job);
    }
    writing.busy = false;
    this.#grown.changed(job);
  }

  async #chunk(job: JobId, at: number): Promise<Buffer | null> {
    try {
      const file = await open(this.#path(job), "r");
      try {
        const { bytesRead, buffer } = await file.read(Buffer.alloc(chunkBytes), 0, chunkBytes, at);
        return bytesRead === 0 ? null : buffer.subarray(0, bytesRead);
      } finally {
        await file.close();
      }
    } catch {
      return null;
    }
  }

  #path(job: JobId): string {
    return join(this.#dir, `${job}.ndjson`);
  }
}

function encodeLine(line: LogLine): Buffer {
  return Buffer.from(`${JSON.stringify(line)}\n`, "utf8");
}
