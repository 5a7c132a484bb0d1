/** What listeners are sent: clients by their tracker, trackers by the executor of a task.
 *
 *  Existing clients bind their listener after JOB is answered, and relocated ones bind another: so
 *  a report is sent until it is acknowledged, or for a minute. */
import { setTimeout as delay } from "node:timers/promises";
import { ClusterError } from "../../core/error.ts";
import type { Listen } from "../../link/listen.ts";
import { askOnce } from "../../link/zeromq/request.ts";
import { encodeMessage } from "../../wire/filesystem/codec.ts";
import { requestBytesMax } from "../../wire/filesystem/limits.ts";
import type { Payload } from "../files/file-system.ts";

export type ReportOptions = {
  /** Longest wait for one acknowledgement, ms. */
  readonly answerMs: number;
  /** How long a report is tried, ms. */
  readonly triedMs: number;
};

export const defaultReportOptions: ReportOptions = { answerMs: 5_000, triedMs: 60_000 };
const pauseMs = 250;

/** Whether it was acknowledged. Never rejects but for a bug. */
export async function report(
  to: Listen,
  name: string,
  payload: Payload,
  options: ReportOptions & { readonly signal?: AbortSignal } = defaultReportOptions,
): Promise<boolean> {
  const message = encodeMessage(name, payload);
  const giveUpAtMs = performance.now() + options.triedMs;
  for (;;) {
    const left = giveUpAtMs - performance.now();
    if (left <= 0 || options.signal?.aborted) return false;
    const timeoutMs = Math.ceil(Math.min(options.answerMs, left));
    try {
      const { signal } = options;
      const ends = signal === undefined ? {} : { signal };
      await askOnce(to, message, { timeoutMs, answerMaxBytes: requestBytesMax, ...ends });
      return true;
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error;
      if (error.code !== "timed-out") return false;
    }
    await delay(pauseMs);
  }
}
