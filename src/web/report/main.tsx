/** The page in a kept report: a job as it was, from the data in the file. Makes no requests. */
import { render } from "preact";
import type { OutputFormat } from "../../core/job.ts";
import type { JobSummary } from "../../core/summary.ts";
import { ProfilePanel } from "../flame/panel.tsx";
import { language, startLanguage, useLanguage, useMessages } from "../i18n/language.ts";
import { Logs } from "../job/logs.tsx";
import { Rows } from "../job/preview.tsx";
import { failedRows, tableOf } from "../job/rows.ts";
import { JobView } from "../job/view.tsx";
import { jobMessages } from "../jobs/messages.ts";
import { Brand, Settings } from "../shell/settings.tsx";
import { showTheme, theme } from "../shell/theme.ts";
import { TimelineModel } from "../timeline/model.ts";
import type { KeptJob } from "./kept.ts";
import { reportMessages } from "./messages.ts";

const rowsMax = 50;

function Report({ kept, model }: { kept: KeptJob; model: TimelineModel }) {
  useLanguage();
  const say = useMessages(reportMessages);
  const { graph, logs, logsCut, madeAtMs, profiles, summary, version } = kept;
  const when = new Date(madeAtMs).toLocaleString(language());
  return (
    <>
      <header class="top">
        <Brand />
        <span class="stretch" />
        <Settings />
      </header>
      <main id="content">
        <JobView job={summary} model={model} version={model.version} graph={graph} isReport>
          <Text title="result" text={kept.resultText} format={formatOf(summary)} />
          <Text title="failedTasks" text={kept.failedText} format="ndjson" />
          <Text title="badRecords" text={kept.badText} format="ndjson" />
          <ProfilePanel job={summary} shown={profiles} />
          <Logs job={summary.job} originMs={summary.submittedAtMs} lines={logs} cut={logsCut} />
        </JobView>
        <footer class="foot quiet small">
          {say("made", { when, version })} {summary.state === "running" ? say("running") : ""}
        </footer>
      </main>
    </>
  );
}

type TextProps = {
  readonly text: string;
  readonly title: "result" | "failedTasks" | "badRecords";
  readonly format: OutputFormat;
};

/** Of the parts: what has a shape, and the results of a list of tasks, are lines of JSON. */
function formatOf({ output, shape, stages }: JobSummary): OutputFormat {
  const isJson = (shape !== undefined && output !== "text") || stages[0]?.kind === "tasks";
  return isJson ? "ndjson" : output;
}

function Text({ format, text, title }: TextProps) {
  const say = useMessages(jobMessages);
  if (text === "") return null;
  const all = title === "failedTasks" ? failedRows(text) : tableOf(text, format);
  const rows = all.slice(0, rowsMax);
  const lines = text.split("\n").slice(0, rowsMax);
  return (
    <div class="panel">
      <header>
        <h2>{say(title)}</h2>
        <span class="quiet small">{say("preview")}</span>
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: scrolled by keys where it is narrow */}
      <section class="scroll" tabIndex={0} aria-label={say(title)}>
        {rows.length > 0 ? <Rows rows={rows} /> : <pre class="text body">{lines.join("\n")}</pre>}
      </section>
    </div>
  );
}

const kept = JSON.parse(document.getElementById("kept")?.textContent ?? "null") as KeptJob;
const model = new TimelineModel();
model.take(kept.attempts);
showTheme(theme());
startLanguage();
document.title = `${kept.summary.job} ${kept.summary.name}`;
render(<Report kept={kept} model={model} />, document.getElementById("app") as HTMLElement);
