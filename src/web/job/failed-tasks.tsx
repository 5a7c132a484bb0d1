/** Tasks of a list that have no result, since the job kept going when they failed. */
import { useEffect, useState } from "preact/hooks";
import type { JobSummary } from "../../core/summary.ts";
import { savePath } from "../api/save.ts";
import { useMessages } from "../i18n/language.ts";
import { jobMessages } from "../jobs/messages.ts";
import { firstText, Rows } from "./preview.tsx";
import { failedRows } from "./rows.ts";

const shownMax = 40;

export function FailedTasks({ job }: { job: JobSummary }) {
  const say = useMessages(jobMessages);
  const [text, show] = useState("");
  const count = tasksFailed(job);
  const path = `/v1/jobs/${job.job}/results?failed=1`;
  useEffect(() => {
    if (count === 0) return;
    const stop = new AbortController();
    firstText(path, stop.signal).then(show, () => {});
    return () => stop.abort();
  }, [path, count]);
  if (count === 0) return null;
  return (
    <section class="panel" aria-labelledby="failed-title">
      <header>
        <h2 id="failed-title">{say("failedTasks")}</h2>
        <span class="quiet small">{say("tasksFailed", { n: count })}</span>
        <span class="stretch" />
        <button
          type="button"
          onClick={() => void savePath(`${job.job}-failed.ndjson`, path).catch(() => {})}
        >
          {say("download")}
        </button>
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: scrolled by keys where it is narrow */}
      <section class="scroll" tabIndex={0} aria-label={say("failedTasks")}>
        <Rows rows={failedRows(text).slice(0, shownMax)} />
      </section>
    </section>
  );
}

export function tasksFailed({ stages }: JobSummary): number {
  return stages[0]?.tasksFailed ?? 0;
}
