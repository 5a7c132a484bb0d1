/** What a job leaves: its result, to preview and to download, and the records that were set
 *  aside. */
import { useEffect, useState } from "preact/hooks";
import type { JobSummary } from "../../core/summary.ts";
import type { Output } from "../../wire/api/messages.ts";
import { call } from "../api/client.ts";
import { saveBlobs, saveMaxBytes, savePath } from "../api/save.ts";
import { bytesText, countText } from "../i18n/amounts.ts";
import { useMessages } from "../i18n/language.ts";
import { Rich } from "../i18n/rich.tsx";
import { jobMessages } from "../jobs/messages.ts";
import { Bars } from "./bars.tsx";
import { barsOf } from "./chart.ts";
import { FailedTasks, tasksFailed } from "./failed-tasks.tsx";
import { firstText, Rows } from "./preview.tsx";
import { tableOf } from "./rows.ts";

const previewRows = 12;
const endings = { csv: "csv", text: "txt", bytes: "bin" } as const;
/** Buttons for parts; with more parts there is one button for all. */
const partsMax = 40;

export function Results({ job }: { job: JobSummary }) {
  const say = useMessages(jobMessages);
  const [output, show] = useState<Output | null>(null);
  useEffect(() => {
    const stop = new AbortController();
    call<Output>(`/v1/jobs/${job.job}/output`, { signal: stop.signal }).then(show, () => {});
    return () => stop.abort();
  }, [job.job]);
  if (output === null) return <div class="panel placeholder" aria-busy="true" />;
  const parts = output.parts.filter(({ hash }) => hash !== "");
  const sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0);
  const records = output.parts.reduce((sum, part) => sum + part.records, 0);
  const isTasks = job.stages[0]?.kind === "tasks";
  const all = output.parts.length;
  const values = { n: parts.length, bytes: bytesText(sizeBytes), records: countText(records) };
  return (
    <>
      <section class="panel" aria-labelledby="result-title">
        <header>
          <h2 id="result-title">{say("result")}</h2>
          <span class="quiet small number">
            {isTasks
              ? say("tasksDone", { done: all - tasksFailed(job), all })
              : say("parts", values)}
          </span>
          <span class="stretch" />
          <Downloads job={job} output={output} sizeBytes={sizeBytes} isTasks={isTasks} />
        </header>
        <Preview job={job} output={output} isTasks={isTasks} />
      </section>
      <FailedTasks job={job} />
      <BadRecords job={job.job} hashes={output.badRecords} />
    </>
  );
}

type DownloadProps = {
  readonly job: JobSummary;
  readonly output: Output;
  readonly sizeBytes: number;
  readonly isTasks: boolean;
};

function Downloads({ isTasks, job, output, sizeBytes }: DownloadProps) {
  const say = useMessages(jobMessages);
  const [busy, setBusy] = useState(false);
  const ending = endingOf(job);
  const parts = output.parts.filter(({ hash }) => hash !== "");
  const doing = (work: () => Promise<void>) => async () => {
    setBusy(true);
    await work().catch(() => {});
    setBusy(false);
  };
  const all = isTasks
    ? doing(() => savePath(`${job.job}.${ending}`, `/v1/jobs/${job.job}/results`))
    : doing(() =>
        saveBlobs(
          `${job.job}.${ending}`,
          parts.map(({ hash }) => hash),
        ),
      );
  if (sizeBytes > saveMaxBytes)
    return (
      <p class="small">
        <Rich text={say("largeResult", { job: job.job })} />
      </p>
    );
  return (
    <>
      <button type="button" class="main" disabled={busy} onClick={all}>
        {busy ? say("working") : say("downloadAll")}
      </button>
      {isTasks || parts.length < 2 || parts.length > partsMax ? null : (
        <details class="menu">
          <summary>…</summary>
          <ul class="row">
            {parts.map(({ hash, task }) => (
              <li key={hash}>
                <button
                  type="button"
                  aria-label={say("downloadPart", { n: task })}
                  onClick={doing(() => saveBlobs(`${job.job}-part-${task}.${ending}`, [hash]))}
                >
                  {task}
                </button>
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

/** Of the parts: what has a shape is lines of JSON, of which `tequio get` makes tables. */
function endingOf({ output, shape, stages }: JobSummary): string {
  if ((shape !== undefined && output !== "text") || stages[0]?.kind === "tasks") return "ndjson";
  return output in endings ? endings[output as keyof typeof endings] : "ndjson";
}

/** The first lines as a table, when they are rows. */
function Preview({ isTasks, job, output }: Omit<DownloadProps, "sizeBytes">) {
  const say = useMessages(jobMessages);
  const first = output.parts.find(({ hash }) => hash !== "")?.hash ?? "";
  const path = isTasks ? `/v1/jobs/${job.job}/results` : `/v1/blobs/${first}`;
  const [text, show] = useState<string | null>(null);
  const nothing =
    output.parts.length === (isTasks ? tasksFailed(job) : 0) || (!isTasks && first === "");
  useEffect(() => {
    if (nothing || job.output === "bytes") return;
    const stop = new AbortController();
    firstText(path, stop.signal).then(show, () => {});
    return () => stop.abort();
  }, [path, nothing, job.output]);
  if (nothing) return <p class="body quiet">{say("noResult")}</p>;
  if (text === null || job.output === "bytes") return null;
  const rows = tableOf(text, endingOf(job) === "ndjson" ? "ndjson" : job.output);
  const hasBars = barsOf(rows) !== null;
  const records = output.parts.reduce((sum, part) => sum + part.records, 0);
  return (
    <div class={hasBars ? "columns" : ""}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: scrolled by keys where it is narrow */}
      <section class="scroll" tabIndex={0} aria-label={say("preview")}>
        {rows.length > 0 ? (
          <Rows rows={rows.slice(0, previewRows)} />
        ) : (
          <pre class="text body">{text.split("\n").slice(0, previewRows).join("\n")}</pre>
        )}
      </section>
      {hasBars ? <Bars rows={rows} records={records} /> : null}
    </div>
  );
}

export function BadRecords({ hashes, job }: { hashes: readonly string[]; job: string }) {
  const say = useMessages(jobMessages);
  const [text, show] = useState<string | null>(null);
  if (hashes.length === 0) return null;
  const [first] = hashes as [string];
  const view = async () => {
    if (text !== null) return show(null);
    const some = await firstText(`/v1/blobs/${first}`, new AbortController().signal);
    show(some);
  };
  return (
    <section class="panel" aria-labelledby="bad-title">
      <header>
        <h2 id="bad-title">{say("badRecords")}</h2>
        <span class="quiet small">{say("badSummary", { n: hashes.length })}</span>
        <span class="stretch" />
        <button type="button" onClick={() => void view().catch(() => {})}>
          {say(text === null ? "view" : "hide")}
        </button>
        <button
          type="button"
          onClick={() => void saveBlobs(`${job}-bad.ndjson`, hashes).catch(() => {})}
        >
          {say("download")}
        </button>
      </header>
      {text === null ? null : <pre class="text body">{text}</pre>}
    </section>
  );
}
