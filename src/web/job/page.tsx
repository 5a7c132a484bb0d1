/** The live page of one job: the view, and the actions that need a connection. */
import { useRef, useState } from "preact/hooks";
import type { JobSpec } from "../../core/job.ts";
import type { JobSummary } from "../../core/summary.ts";
import type { JobGraph } from "../../wire/api/graph.ts";
import type { Submitted } from "../../wire/api/messages.ts";
import { CallError, call } from "../api/client.ts";
import { usePolled } from "../api/connection.ts";
import { LiveProfiles } from "../flame/panel.tsx";
import { useMessages } from "../i18n/language.ts";
import { Rich } from "../i18n/rich.tsx";
import { jobMessages } from "../jobs/messages.ts";
import { useMe } from "../shell/me.ts";
import { follow, go } from "../shell/router.ts";
import { useJob } from "./live.ts";
import { LiveLogs } from "./logs.tsx";
import { Results } from "./results.tsx";
import { JobView } from "./view.tsx";
import { WhyPanel } from "./why.tsx";

const rarelyMs = 3_600_000;

export function JobPage({ job }: { job: string }) {
  const say = useMessages(jobMessages);
  const { gone, model, summary, version } = useJob(job);
  // It never changes.
  const graph = usePolled<JobGraph>(gone ? null : `/v1/jobs/${job}/graph`, rarelyMs).value;
  if (gone) {
    return (
      <section class="panel empty">
        <h1 tabIndex={-1}>{job}</h1>
        <p>{say("gone")}</p>
        <a class="button" href="/" onClick={follow}>
          {say("jobs")}
        </a>
      </section>
    );
  }
  if (summary === null) {
    return (
      <div class="stack" aria-busy="true">
        <h1 tabIndex={-1}>{job}</h1>
        <div class="panel placeholder tall" />
      </div>
    );
  }
  const runs = summary.state === "running";
  return (
    <JobView
      job={summary}
      model={model}
      version={version}
      graph={graph}
      actions={<Actions job={summary} />}
      upper={runs && isStuck(summary) ? <WhyPanel job={summary} /> : null}
    >
      {runs && !isStuck(summary) ? <WhyPanel job={summary} /> : null}
      {summary.state === "done" ? <Results job={summary} /> : null}
      <LiveProfiles job={summary} hasHint={graph?.canReplay === true} />
      <LiveLogs job={job} originMs={summary.submittedAtMs} />
      {runs ? null : (
        <p class="quiet small">
          <Rich text={say("reportFile", { job })} />
        </p>
      )}
    </JobView>
  );
}

/** Nothing of it runs: why is then the first question, and else the last. */
function isStuck({ stages, waitingFor }: JobSummary): boolean {
  return waitingFor !== "" || stages.every(({ running }) => running === 0);
}

function Actions({ job }: { job: JobSummary }) {
  const say = useMessages(jobMessages);
  const me = useMe();
  const [problem, setProblem] = useState("");
  if (me === null) return null;
  const isOwn = me.owner === job.owner;
  const mayCancel = me.may.includes("cancel-any") || (isOwn && me.may.includes("cancel-own"));
  const failed = (error: unknown) => {
    if (error instanceof CallError) setProblem(error.message);
  };
  const again = async () => {
    const spec = await call<JobSpec>(`/v1/jobs/${job.job}/spec`);
    const key = crypto.getRandomValues(new Uint32Array(4)).join("-");
    const made = await call<Submitted>("/v1/jobs", { method: "POST", json: { key, spec } });
    go(`/jobs/${made.job}`);
  };
  return (
    <div class="row actions">
      {problem === "" ? null : (
        <p class="bad small" role="alert">
          {problem}
        </p>
      )}
      {job.state !== "running" && me.may.includes("submit") ? (
        <button type="button" onClick={() => void again().catch(failed)}>
          {say("again")}
        </button>
      ) : null}
      {job.state === "running" && mayCancel ? <Cancel job={job.job} failed={failed} /> : null}
    </div>
  );
}

function Cancel({ failed, job }: { job: string; failed: (error: unknown) => void }) {
  const say = useMessages(jobMessages);
  const dialog = useRef<HTMLDialogElement>(null);
  const cancel = () => {
    dialog.current?.close();
    call(`/v1/jobs/${job}/cancel`, { method: "POST", json: {} }).catch(failed);
  };
  return (
    <>
      <button type="button" class="danger" onClick={() => dialog.current?.showModal()}>
        {say("cancel")}
      </button>
      <dialog ref={dialog} aria-labelledby="cancel-title">
        <p id="cancel-title">{say("cancelSure", { job })}</p>
        <div class="row right">
          <button type="button" onClick={() => dialog.current?.close()}>
            {say("keep")}
          </button>
          <button type="button" class="main" onClick={cancel}>
            {say("cancelIt")}
          </button>
        </div>
      </dialog>
    </>
  );
}
