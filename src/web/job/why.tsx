/** Why a job, or one of its tasks, waits: a chain of reasons. */
import { useState } from "preact/hooks";
import type { JobSummary } from "../../core/summary.ts";
import type { Why } from "../../core/why/reasons.ts";
import { usePolled } from "../api/connection.ts";
import { useMessages } from "../i18n/language.ts";
import { Rich } from "../i18n/rich.tsx";
import { jobMessages } from "../jobs/messages.ts";
import { reasonIn } from "./reasons.ts";
import { stageName } from "./stage-name.ts";

const everyMs = 2_000;

export function WhyPanel({ job }: { job: JobSummary }) {
  const say = useMessages(jobMessages);
  const kinds = job.stages.map(({ kind }) => kind);
  const [asked, ask] = useState<{ stage: number; task: number } | null>(null);
  const query = asked === null ? "" : `?stage=${asked.stage}&task=${asked.task}`;
  const why = usePolled<Why>(`/v1/jobs/${job.job}/why${query}`, everyMs);
  const [stage, setStage] = useState(0);
  const [task, setTask] = useState("");
  return (
    <section class="panel" aria-labelledby="why-title">
      <header>
        <h2 id="why-title">{say("whyTitle")}</h2>
        <form
          class="row small stretch right"
          onSubmit={(event) => {
            event.preventDefault();
            ask(task === "" ? null : { stage, task: Number(task) });
          }}
        >
          <label class="row">
            <span class="quiet">{say("askStage")}</span>
            <select value={stage} onChange={(event) => setStage(Number(event.currentTarget.value))}>
              {kinds.map((_, index) => (
                <option key={index} value={index}>
                  {stageName(kinds, index)}
                </option>
              ))}
            </select>
          </label>
          <label class="row">
            <span class="quiet">{say("askTask")}</span>
            <input
              type="number"
              min={0}
              placeholder={say("whole")}
              value={task}
              onInput={(event) => setTask(event.currentTarget.value)}
            />
          </label>
          <button type="submit">{say("ask")}</button>
        </form>
      </header>
      <div class="body">
        {why.error !== null && why.error.code !== "unavailable" ? (
          <p class="bad">{why.error.message}</p>
        ) : (
          <Chain why={why.value} />
        )}
      </div>
    </section>
  );
}

export function Chain({ why }: { why: Why | null }) {
  return (
    <ol class="chain" aria-live="polite">
      {(why?.reasons ?? []).map((reason, index) => (
        <li key={index}>
          <Rich text={reasonIn(reason)} />
        </li>
      ))}
    </ol>
  );
}
