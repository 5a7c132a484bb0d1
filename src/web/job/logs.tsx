/** The log lines of a job's code: followed while it runs, or as they were. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { LogLine } from "../../wire/api/messages.ts";
import { CallError, lines } from "../api/client.ts";
import { noteAnswer, pause } from "../api/connection.ts";
import { durationText } from "../i18n/amounts.ts";
import { useMessages } from "../i18n/language.ts";
import { Rich } from "../i18n/rich.tsx";
import { jobMessages } from "../jobs/messages.ts";

/** Lines that are shown, the newest ones. */
const linesMax = 500;

type Props = { readonly job: string; readonly originMs: number };

export function LiveLogs({ job, originMs }: Props) {
  const [shown, show] = useState<{ lines: LogLine[]; cut: boolean }>({ lines: [], cut: false });
  useEffect(() => {
    const stop = new AbortController();
    void followLogs(job, stop.signal, (some, cut) => show({ lines: some, cut }));
    return () => stop.abort();
  }, [job]);
  return <Logs job={job} originMs={originMs} lines={shown.lines} cut={shown.cut} />;
}

async function followLogs(
  job: string,
  signal: AbortSignal,
  show: (lines: LogLine[], cut: boolean) => void,
): Promise<void> {
  let kept: LogLine[] = [];
  let cut = false;
  let isDue = false;
  // Many lines a second are rendered a few times a second.
  const later = () => {
    if (isDue) return;
    isDue = true;
    setTimeout(() => {
      isDue = false;
      if (!signal.aborted) show(kept.slice(), cut);
    }, 150);
  };
  while (!signal.aborted) {
    try {
      kept = [];
      cut = false;
      for await (const line of lines<LogLine>(`/v1/jobs/${job}/logs?follow=1`, signal)) {
        kept.push(line);
        if (kept.length > linesMax * 2) {
          kept = kept.slice(-linesMax);
          cut = true;
        }
        later();
      }
      return;
    } catch (error) {
      if (signal.aborted || !(error instanceof CallError)) return;
      noteAnswer(error);
      if (error.code !== "unavailable") return;
    }
    await pause(2_000, signal);
  }
}

export function Logs(props: Props & { lines: readonly LogLine[]; cut: boolean }) {
  const say = useMessages(jobMessages);
  const { cut, job, lines, originMs } = props;
  const [follows, setFollows] = useState(true);
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const box = place.current;
    if (box !== null && follows) box.scrollTop = box.scrollHeight;
  }, [lines, follows]);
  return (
    <section class="panel" aria-labelledby="logs-title">
      <header>
        <h2 id="logs-title">{say("logs")}</h2>
        <label class="row quiet small">
          <input
            type="checkbox"
            checked={follows}
            onChange={(event) => setFollows(event.currentTarget.checked)}
          />
          {say("followLog")}
        </label>
      </header>
      {lines.length === 0 ? (
        <p class="body quiet">{say("noLogs")}</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: scrolled by keys
        <div class="log" ref={place} tabIndex={0} role="log" aria-label={say("logs")}>
          {cut ? (
            <p class="quiet">
              <Rich text={say("logCut", { job })} />
            </p>
          ) : null}
          {lines.slice(-linesMax).map((line, index) => (
            <p key={index} class="line">
              <span class="quiet">
                {durationText(line.atMs - originMs)} {line.task}
              </span>{" "}
              {line.line}
            </p>
          ))}
        </div>
      )}
    </section>
  );
}
