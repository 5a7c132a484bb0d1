/** Long results of lists of tasks, moved out of their reports before these become events: the log
 *  and the memory of the coordinator get a place for each, whatever its length.
 *
 *  1. A report is passed on only when its results are durable.
 *  2. A page is a blob of results of one job, which goes with that job. While one is written, those
 *     that arrive gather for the next: one sync for many results.
 *  3. Results of one task are all here or all in their reports, so that equal ones look equal. */
import { Buffer } from "node:buffer";
import { hash as hashOf } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { CoordinatorState } from "../../core/coordinator.ts";
import { ClusterError } from "../../core/error.ts";
import type { AttemptReport, CoordinatorEvent } from "../../core/event.ts";
import type { Hash, JobId } from "../../core/ids.ts";
import { hasInlineResult } from "../../core/inline-results.ts";
import type { TaskOutput } from "../../core/job.ts";
import { jobSpec } from "../../core/view.ts";
import type { BlobPut, Blobs } from "../../store/blob/blob.ts";

/** Longer results are moved, characters. Shorter ones take less time where they are, since a page
 *  is one more file to sync: of 4 KiB each half of the processor time. */
export const inlineMaxChars = 8 * 1_024;

/** A page is full from here on; the results of one message are never parted. */
const pageMaxBytes = 8 * 1024 * 1024;
/** While results keep coming, they gather for so long before the next page is written, ms: each
 *  takes the time of some ten calls of the file system, whatever is on it. */
const gatherMs = 10;
/** Results that wait to be written; then workers are to send theirs again. */
const waitingMaxBytes = 256 * 1024 * 1024;

type Reported = Omit<Extract<CoordinatorEvent, { kind: "attempts-reported" }>, "atMs">;
type Done = Extract<AttemptReport, { kind: "done" }>;

export type ResultStore = Pick<Blobs, "put" | "size"> & {
  /** Keeps blobs until the report is final. */
  hold(hashes: readonly Hash[], job: JobId): Promise<void>;
};

/** The long results of one message. */
type Waiting = {
  readonly texts: readonly Buffer[];
  readonly sizeBytes: number;
  /** `start`: of the first of them. */
  readonly placed: (at: { readonly blob: Hash; readonly start: number }) => void;
  readonly failed: (error: unknown) => void;
};

export class ResultPages {
  readonly #store: ResultStore;
  readonly #stateNow: () => CoordinatorState;
  /** Of each job whose results are being written: what is written next. */
  readonly #waiting = new Map<JobId, Waiting[]>();
  #waitingBytes = 0;

  constructor(store: ResultStore, stateNow: () => CoordinatorState) {
    this.#store = store;
    this.#stateNow = stateNow;
  }

  /** The event without its long results; as it is when it has none. Rejects when they cannot be
   *  stored now. */
  moved(event: Reported): Reported | Promise<Reported> {
    const long = event.reports.filter(isLong);
    return long.length === 0 ? event : this.#moved(event, new Set(this.#movable(event, long)));
  }

  #movable({ job, stage }: Reported, long: readonly Done[]): readonly Done[] {
    const state = this.#stateNow();
    if (jobSpec(state, job)?.stages[stage]?.partitionCount !== 0) return [];
    // Logs from before there were pages have long results in them.
    const atHome = (task: number) =>
      hasInlineResult(state, { job, stage, task }, inlineMaxChars + 1);
    return long.filter(({ task }) => !atHome(task));
  }

  async #moved(event: Reported, long: ReadonlySet<AttemptReport>): Promise<Reported> {
    if (long.size === 0) return event;
    const texts = [...long].map((report) => Buffer.from((report as Done).output.value ?? ""));
    const { blob, start } = await this.#stored(event.job, texts);
    let at = start;
    let next = 0;
    const reports = event.reports.map((report): AttemptReport => {
      if (!long.has(report)) return report;
      const text = texts[next++]!;
      const output = onPage((report as Done).output, text, { blob, start: at });
      at += text.length;
      return { ...(report as Done), output };
    });
    return { ...event, reports };
  }

  #stored(job: JobId, texts: readonly Buffer[]): Promise<{ blob: Hash; start: number }> {
    const sizeBytes = texts.reduce((sum, { length }) => sum + length, 0);
    if (this.#waitingBytes > 0 && this.#waitingBytes + sizeBytes > waitingMaxBytes) {
      const text = "too many results wait for the disk; send them again";
      return Promise.reject(new ClusterError("unavailable", text));
    }
    this.#waitingBytes += sizeBytes;
    return new Promise((placed, failed) => {
      const one: Waiting = { texts, sizeBytes, placed, failed };
      const waiting = this.#waiting.get(job);
      if (waiting !== undefined) waiting.push(one);
      else void this.#write(job, [one]);
    });
  }

  /** Until none of the job wait. */
  async #write(job: JobId, waiting: Waiting[]): Promise<void> {
    this.#waiting.set(job, waiting);
    // The first is alone, as the result of a lone task is: it does not wait.
    for (let isFirst = true; waiting.length > 0; isFirst = false) {
      if (!isFirst) await delay(gatherMs);
      const page = nextPage(waiting);
      try {
        const { hash: blob } = await this.#put(job, page);
        let start = 0;
        for (const { placed, sizeBytes } of page) {
          placed({ blob, start });
          start += sizeBytes;
        }
      } catch (error) {
        for (const { failed } of page) failed(error);
      }
      for (const { sizeBytes } of page) this.#waitingBytes -= sizeBytes;
    }
    this.#waiting.delete(job);
  }

  async #put(job: JobId, page: readonly Waiting[]): Promise<BlobPut> {
    const texts = page.flatMap((one) => one.texts);
    const put = await this.#store.put(texts, { ranges: true });
    await this.#store.hold([put.hash], job);
    // An equal page of a removed job may have been on its way out when this one came.
    if ((await this.#store.size(put.hash)) !== null) return put;
    return this.#store.put(texts, { ranges: true });
  }
}

/** Final results have no other output beside them. */
function isLong(report: AttemptReport): report is Done {
  if (report.kind !== "done") return false;
  const { root, value } = report.output;
  return root === "" && value !== undefined && value.length > inlineMaxChars;
}

function onPage(
  { value: _, ...output }: TaskOutput,
  text: Buffer,
  page: NonNullable<TaskOutput["page"]>,
): TaskOutput {
  return { ...output, root: hashOf("sha256", text), sizeBytes: text.length, page };
}

/** Takes at least one. */
function nextPage(waiting: Waiting[]): Waiting[] {
  let sizeBytes = 0;
  const end = waiting.findIndex((one) => {
    sizeBytes += one.sizeBytes;
    return sizeBytes > pageMaxBytes;
  });
  return waiting.splice(0, end === -1 ? waiting.length : Math.max(1, end));
}
