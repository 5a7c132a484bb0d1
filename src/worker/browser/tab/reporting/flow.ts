/** Reports of a list of tasks on their way to the coordinator while the rest computes: a tab that
 *  is closed loses little, and no message is larger than its receiver takes.
 *
 *  1. A body has at most as many bytes as the task says that the coordinator takes, and there is at
 *     most one in `everyMs` until the list has ended.
 *  2. A report leaves the list when the coordinator has it durably; one that was sent twice counts
 *     once there.
 *  3. What is left at the end fits the finish. */
import type { AttemptReport } from "../../../../core/event.ts";
import { utf8Bytes } from "../../../../core/sharing/names.ts";
import { browserLimits } from "../../../../wire/browser/messages.ts";
import { fits } from "../../../../wire/browser/size.ts";

/** What a finish has besides its reports. */
const finishFrameBytes = 16 * 1024;
export const finishReportsMaxBytes = browserLimits.fromBrowserMaxBytes - finishFrameBytes;
const everyDefaultMs = 1_000;

export type FlowOptions = {
  /** Of one body; null = the coordinator takes reports in the finish only. */
  readonly maxBytes: number | null;
  /** Resolves when the coordinator has them. */
  readonly put: (body: Uint8Array) => Promise<unknown>;
  /** The coordinator has these. */
  readonly sent: (reports: readonly AttemptReport[]) => void;
  readonly everyMs?: number;
};

const encoder = new TextEncoder();

export class ReportFlow {
  readonly #options: FlowOptions;
  #sending: Promise<void> | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #isOver = false;

  constructor(options: FlowOptions) {
    this.#options = options;
  }

  /** There are reports in the list; they are taken from it when they are sent. */
  came(reports: AttemptReport[]): void {
    if (this.#options.maxBytes === null || this.#isOver) return;
    if (this.#timer !== null || this.#sending !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (reports.length === 0) return;
      this.#sending = this.#send(reports)
        // They are in the list again.
        .catch(() => {})
        .finally(() => {
          this.#sending = null;
          this.came(reports);
        });
    }, this.#options.everyMs ?? everyDefaultMs);
  }

  /** Nothing more comes: sends what does not fit the finish. Rejects with why it is not taken.
   *  Without `maxBytes` the list is cut: attempts without a report are given back. */
  async rest(reports: AttemptReport[]): Promise<void> {
    this.stop();
    await this.#sending;
    while (!this.#fitFinish(reports)) {
      if (this.#options.maxBytes === null) this.#take(reports, finishReportsMaxBytes, true);
      else await this.#send(reports);
    }
  }

  stop(): void {
    this.#isOver = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #fitFinish(reports: readonly AttemptReport[]): boolean {
    return fits(JSON.stringify(reports), finishReportsMaxBytes);
  }

  async #send(reports: AttemptReport[]): Promise<void> {
    const { maxBytes, put, sent } = this.#options;
    const { taken, texts } = this.#take(reports, maxBytes ?? finishReportsMaxBytes);
    try {
      await put(encoder.encode(`[${texts.join(",")}]`));
    } catch (error) {
      for (const report of [...taken, ...reports.splice(0)]) reports.push(report);
      throw error;
    }
    sent(taken);
  }

  /** The first that fit, at least one. `stay`: the others leave the list instead. */
  #take(reports: AttemptReport[], maxBytes: number, stay = false) {
    const texts: string[] = [];
    let sizeBytes = 2;
    for (const [at, report] of reports.entries()) {
      let text = JSON.stringify(report);
      if (utf8Bytes(text) + 2 > maxBytes) {
        const instead = tooLarge(report, utf8Bytes(text), maxBytes);
        reports[at] = instead;
        text = JSON.stringify(instead);
      }
      sizeBytes += utf8Bytes(text) + 1;
      if (texts.length > 0 && sizeBytes > maxBytes) break;
      texts.push(text);
    }
    const taken = stay ? reports.splice(texts.length) : reports.splice(0, texts.length);
    return { taken, texts };
  }
}

function tooLarge(report: AttemptReport, sizeBytes: number, maxBytes: number): AttemptReport {
  const { attempt, durationMs, task } = report;
  const what = `the report of task ${task} has ${sizeBytes} bytes, of at most ${maxBytes}`;
  const failure = { code: "limit-exceeded", message: `${what}; return less` } as const;
  return { kind: "failed", task, attempt, durationMs, failure };
}
