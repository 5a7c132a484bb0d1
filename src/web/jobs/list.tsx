/** The first page: the cluster at a glance, and its jobs, newest first. */
import { useRef, useState } from "preact/hooks";
import { type JobState, jobStates } from "../../core/job.ts";
import type { JobSummary } from "../../core/summary.ts";
import { usePolled } from "../api/connection.ts";
import { Glance } from "../glance/glance.tsx";
import { agoText, countText, durationText, percentText } from "../i18n/amounts.ts";
import { useMessages } from "../i18n/language.ts";
import { useMe } from "../shell/me.ts";
import { follow } from "../shell/router.ts";
import { jobMessages } from "./messages.ts";

const everyMs = 1_500;
/** Rows of one page. */
const rowsMax = 50;

type Listed = { readonly jobs: JobSummary[]; readonly total?: number };
type Filter = { readonly find: string; readonly state: JobState | ""; readonly page: number };

/** Kept while the reader looks at a job. */
let lastFilter: Filter = { find: "", state: "", page: 0 };

export function JobsPage() {
  const say = useMessages(jobMessages);
  const me = useMe();
  const [filter, setFilter] = useState(lastFilter);
  const { find, page, state } = filter;
  const choose = (change: Partial<Filter>) => {
    lastFilter = { ...filter, page: 0, ...change };
    setFilter(lastFilter);
  };
  const query = new URLSearchParams({ limit: String(rowsMax), skip: String(page * rowsMax) });
  if (find !== "") query.set("find", find);
  if (state !== "") query.set("state", state);
  const answer = usePolled<Listed>(`/v1/jobs?${query}`, everyMs);
  // While another page is asked for, the one before stays.
  const last = useRef<Listed | null>(null);
  if (answer.value !== null) last.current = answer.value;
  const listed = last.current;
  const isFiltered = find !== "" || state !== "";
  return (
    <div class="stack">
      <h1 tabIndex={-1}>{say("jobs")}</h1>
      {me?.may.includes("read-workers") === true ? <Glance /> : null}
      {listed === null ? (
        <div class="panel placeholder" aria-busy="true" />
      ) : listed.jobs.length === 0 && !isFiltered && page === 0 ? (
        <NoJobs />
      ) : (
        <Table listed={listed} filter={filter} choose={choose} />
      )}
    </div>
  );
}

type Chosen = { readonly filter: Filter; readonly choose: (change: Partial<Filter>) => void };

function Filters({ choose, filter }: Chosen) {
  const say = useMessages(jobMessages);
  return (
    <search class="row filters">
      <input
        type="search"
        id="find-jobs"
        value={filter.find}
        placeholder={say("find")}
        aria-label={say("find")}
        maxLength={100}
        onInput={({ currentTarget }) => choose({ find: currentTarget.value })}
      />
      <select
        id="jobs-of-state"
        aria-label={say("state")}
        value={filter.state}
        onChange={({ currentTarget }) => choose({ state: currentTarget.value as JobState | "" })}
      >
        <option value="">{say("anyState")}</option>
        {jobStates.map((state) => (
          <option key={state} value={state}>
            {say(state)}
          </option>
        ))}
      </select>
    </search>
  );
}

function Pager({ choose, filter, total }: Chosen & { total: number }) {
  const say = useMessages(jobMessages);
  const { page } = filter;
  const pages = Math.max(1, Math.ceil(total / rowsMax));
  if (pages === 1 && page === 0) return null;
  const first = Math.min(total, page * rowsMax + 1);
  const last = Math.min(total, (page + 1) * rowsMax);
  const range = { first: countText(first), last: countText(last), all: countText(total) };
  return (
    <nav class="row body pager" aria-label={say("pages")}>
      <button type="button" disabled={page === 0} onClick={() => choose({ page: page - 1 })}>
        {say("newer")}
      </button>
      <span class="quiet number">{say("range", range)}</span>
      <button type="button" disabled={page >= pages - 1} onClick={() => choose({ page: page + 1 })}>
        {say("older")}
      </button>
    </nav>
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

function Table({ choose, filter, listed }: Chosen & { listed: Listed }) {
  const say = useMessages(jobMessages);
  const { jobs, total = jobs.length } = listed;
  return (
    <section class="panel" aria-label={say("jobs")}>
      <header>
        <Filters filter={filter} choose={choose} />
        <span class="quiet small number">{say("found", { n: total })}</span>
      </header>
      {jobs.length === 0 ? <p class="body quiet">{say("noneFound")}</p> : null}
      <table class="jobs" hidden={jobs.length === 0}>
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
      <Pager filter={filter} choose={choose} total={total} />
    </section>
  );
}

/** Its link covers the whole row, so that the row can be opened as any link. */
function Row({ job }: { job: JobSummary }) {
  const say = useMessages(jobMessages);
  const { atMs, endedAtMs, state, submittedAtMs } = job;
  return (
    <tr>
      <td>
        <a class="covers" href={`/jobs/${job.job}`} onClick={follow}>
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
      <progress
        class={job.state}
        value={share}
        max={1}
        aria-label={`${job.job}: ${say("progress")}`}
      />
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
