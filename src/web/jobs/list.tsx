/** All jobs, newest first, and the state of the cluster at a glance. */
import type { JobSummary, WorkerSummary } from "../../core/summary.ts";
import { usePolled } from "../api/connection.ts";
import { agoText, countText, durationText, percentText } from "../i18n/amounts.ts";
import { useMessages } from "../i18n/language.ts";
import { follow } from "../shell/router.ts";
import { jobMessages } from "./messages.ts";

const everyMs = 1_500;
/** Rows of one page; `tequio jobs` lists all. */
const rowsMax = 500;

export function JobsPage() {
  const say = useMessages(jobMessages);
  const jobs = usePolled<{ jobs: JobSummary[] }>("/v1/jobs", everyMs);
  const workers = usePolled<{ workers: WorkerSummary[] }>("/v1/workers", everyMs);
  const list = jobs.value?.jobs;
  return (
    <div class="stack">
      <h1 tabIndex={-1}>{say("jobs")}</h1>
      <Figures jobs={list ?? []} workers={workers.value?.workers ?? []} />
      {list === undefined ? (
        <div class="panel placeholder" aria-busy="true" />
      ) : list.length === 0 ? (
        <NoJobs />
      ) : (
        <Table jobs={list.slice(0, rowsMax)} />
      )}
    </div>
  );
}

function Figures({ jobs, workers }: { jobs: JobSummary[]; workers: WorkerSummary[] }) {
  const say = useMessages(jobMessages);
  const live = workers.filter(({ state }) => state === "live");
  const free = live.reduce((sum, { running, slots }) => sum + Math.max(0, slots - running), 0);
  const figures = [
    ["runningJobs", jobs.filter(({ state }) => state === "running").length],
    ["liveWorkers", live.filter(({ tab }) => !tab).length],
    ["tabs", live.filter(({ tab }) => tab).length],
    ["freeSlots", free],
  ] as const;
  return (
    <dl class="figures">
      {figures.map(([name, n]) => (
        <div key={name}>
          <dt>{say(name, { n })}</dt>
          <dd class="number">{countText(n)}</dd>
        </div>
      ))}
    </dl>
  );
}

function NoJobs() {
  const say = useMessages(jobMessages);
  return (
    <section class="panel empty">
      <p>{say("noJobs")}</p>
      <p class="quiet">{say("noJobsHelp")}</p>
      <pre class="command">tequio run job.ts 'inputs/*.txt' -o out/</pre>
      <a class="button" href="/try" onClick={follow}>
        {say("tryIt")}
      </a>
    </section>
  );
}

function Table({ jobs }: { jobs: JobSummary[] }) {
  const say = useMessages(jobMessages);
  return (
    <section class="panel">
      <table class="jobs">
        <thead>
          <tr>
            <th>{say("job")}</th>
            <th>{say("name")}</th>
            <th>{say("state")}</th>
            <th class="wide">{say("progress")}</th>
            <th class="number">{say("took")}</th>
            <th>{say("submitted")}</th>
          </tr>
        </thead>
        <tbody>
          {jobs.map((job) => (
            <Row key={job.job} job={job} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Row({ job }: { job: JobSummary }) {
  const say = useMessages(jobMessages);
  const { atMs, endedAtMs, state, submittedAtMs } = job;
  return (
    <tr>
      <td>
        <a href={`/jobs/${job.job}`} onClick={follow}>
          {job.job}
        </a>
      </td>
      <td class="name">{job.name}</td>
      <td>
        <span class={`chip ${state}`}>{say(state)}</span>
      </td>
      <td class="wide">
        <Progress job={job} />
      </td>
      <td class="number">{durationText((endedAtMs || atMs) - submittedAtMs)}</td>
      <td class="quiet">{say("ago", { ago: agoText(atMs - submittedAtMs), owner: job.owner })}</td>
    </tr>
  );
}

function Progress({ job }: { job: JobSummary }) {
  const say = useMessages(jobMessages);
  const share = shareOf(job);
  return (
    <div class="progress">
      <progress value={share} max={1} aria-label={`${job.job}: ${say("progress")}`} />
      <span class="number">{percentText(share)}</span>
    </div>
  );
}

/** The share of its tasks that are done; for a job without tasks, whether it is done. */
function shareOf({ stages, state }: JobSummary): number {
  const all = stages.reduce((sum, { taskCount }) => sum + taskCount, 0);
  const done = stages.reduce((sum, stage) => sum + stage.done, 0);
  return all === 0 ? Number(state === "done") : done / all;
}
