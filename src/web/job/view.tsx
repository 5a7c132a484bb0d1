/** A job's page: the part that the dashboard and a kept report share. */
import type { ComponentChildren } from "preact";
import type { JobSummary } from "../../core/summary.ts";
import type { Reason } from "../../core/why/reasons.ts";
import type { JobGraph } from "../../wire/api/graph.ts";
import { StageGraph } from "../graph/graph.tsx";
import { agoText, durationText } from "../i18n/amounts.ts";
import { language, useMessages } from "../i18n/language.ts";
import { Rich } from "../i18n/rich.tsx";
import { jobMessages } from "../jobs/messages.ts";
import type { TimelineModel } from "../timeline/model.ts";
import { Throughput } from "../timeline/throughput.tsx";
import { Timeline } from "../timeline/timeline.tsx";
import { Counters } from "./counters.tsx";
import { Errors } from "./errors.tsx";
import { reasonIn } from "./reasons.ts";
import { Stages } from "./stages.tsx";

type Props = {
  readonly job: JobSummary;
  readonly model: TimelineModel;
  readonly version: number;
  /** Absolute times, since a file may be read at any time. */
  readonly isReport?: boolean;
  /** Null = not known. */
  readonly graph: JobGraph | null;
  readonly actions?: ComponentChildren;
  /** Shown below the errors. */
  readonly upper?: ComponentChildren;
  readonly children?: ComponentChildren;
};

export function JobView(props: Props) {
  const { children, graph, job, model, upper, version } = props;
  const stages = job.stages.map(({ kind }) => kind);
  return (
    <article class="stack">
      <Head {...props} />
      <Errors job={job} />
      <Differences job={job} />
      {upper}
      <StageGraph graph={graph} job={job} />
      <div class="columns">
        <Stages job={job} />
        <Throughput model={model} version={version} stages={stages} />
      </div>
      <Timeline model={model} version={version} stages={stages} />
      <Counters counters={job.counters} />
      {children}
    </article>
  );
}

/** Whether its results can be relied on: two results of one task, or none that were compared. */
function Differences({ job: { audit, disputes = [], unaudited } }: { job: JobSummary }) {
  const reasons: Reason[] = disputes.map((one) => ({ kind: "disputed", ...one }));
  if (audit?.differs !== undefined) reasons.push({ kind: "not-deterministic", ...audit.differs });
  if (unaudited !== undefined) reasons.push({ kind: unaudited });
  return reasons.map((reason, at) => (
    <p key={at} class="panel notice" role="alert">
      <Rich text={reasonIn(reason)} />
    </p>
  ));
}

function Head({ actions, isReport, job }: Props) {
  const say = useMessages(jobMessages);
  const { atMs, endedAtMs, owner, state, submittedAtMs } = job;
  const when =
    isReport === true
      ? new Date(submittedAtMs).toLocaleString(language())
      : agoText(atMs - submittedAtMs);
  return (
    <header class="job-head">
      <div>
        <h1 tabIndex={-1}>
          <span class="quiet">{job.job}</span> {job.name}
        </h1>
        <p class="row quiet">
          <span class={`chip ${state}`} aria-live="polite">
            {say(state)}
          </span>
          <span class="number">{durationText((endedAtMs || atMs) - submittedAtMs)}</span>
          <span>{say("ago", { ago: when, owner })}</span>
        </p>
      </div>
      {actions}
    </header>
  );
}
