/** A running job: its summary by the watch call, its attempts polled. */
import { useEffect, useMemo, useState } from "preact/hooks";
import type { JobSummary } from "../../core/summary.ts";
import type { Attempts } from "../../wire/api/attempts.ts";
import { CallError, call, lines } from "../api/client.ts";
import { noteAnswer, pause } from "../api/connection.ts";
import { TimelineModel } from "../timeline/model.ts";

const attemptsEveryMs = 700;
const againMs = 1_500;

export type LiveJob = {
  readonly summary: JobSummary | null;
  /** It does not exist, or the reader may not see it. */
  readonly gone: boolean;
  readonly model: TimelineModel;
  /** Of the model: grows with every change. */
  readonly version: number;
};

export function useJob(job: string): LiveJob {
  const model = useMemo(() => new TimelineModel(), [job]);
  const [shown, show] = useState<Omit<LiveJob, "model">>(nothing);
  useEffect(() => {
    show(nothing);
    const stop = new AbortController();
    const change = (some: Partial<LiveJob>) => {
      if (!stop.signal.aborted) show((before) => ({ ...before, ...some }));
    };
    const ended = { is: false };
    void watch(job, stop.signal, (summary) => {
      ended.is = summary !== null && summary.state !== "running";
      change(summary === null ? { gone: true } : { summary });
    });
    void follow(job, stop.signal, { model, ended, tell: (version) => change({ version }) });
    return () => stop.abort();
  }, [job, model]);
  return { ...shown, model };
}

const nothing = { summary: null, gone: false, version: 0 };

async function watch(
  job: string,
  signal: AbortSignal,
  tell: (summary: JobSummary | null) => void,
): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const summary of lines<JobSummary>(`/v1/jobs/${job}/watch`, signal)) {
        noteAnswer(null);
        tell(summary);
        if (summary.state !== "running") return;
      }
    } catch (error) {
      if (signal.aborted || !(error instanceof CallError)) return;
      noteAnswer(error);
      if (error.code !== "unavailable") return tell(null);
    }
    await pause(againMs, signal);
  }
}

async function follow(
  job: string,
  signal: AbortSignal,
  to: { model: TimelineModel; ended: { is: boolean }; tell: (version: number) => void },
): Promise<void> {
  const { ended, model, tell } = to;
  while (!signal.aborted) {
    // Read before the request, so that no attempt that ended before is missed.
    const wasEnded = ended.is;
    try {
      const path = `/v1/jobs/${job}/attempts?after=${model.next}`;
      const answer = await call<Attempts>(path, { signal });
      model.take(answer);
      tell(model.version);
      if (answer.more) continue;
      if (wasEnded && answer.running.length === 0) return;
    } catch (error) {
      if (signal.aborted || !(error instanceof CallError)) return;
      if (error.code !== "unavailable") return;
    }
    await pause(attemptsEveryMs, signal);
  }
}
