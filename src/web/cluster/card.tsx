/** The card of one worker: what it is, how fast it is, what it runs, and why it waits. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { VolunteerSummary, WorkerSummary } from "../../core/summary.ts";
import type { Why } from "../../core/why/reasons.ts";
import type { WorkerView } from "../../wire/api/cluster.ts";
import { usePolled } from "../api/connection.ts";
import { agoText, bytesText, countText, durationText, percentText } from "../i18n/amounts.ts";
import { useMessages } from "../i18n/language.ts";
import { Chain } from "../job/why.tsx";
import { jobMessages } from "../jobs/messages.ts";
import { follow } from "../shell/router.ts";
import { clusterMessages } from "./messages.ts";
import { stateOf } from "./states.ts";

const everyMs = 1_200;
/** Tasks a second are those of about this time, ms. */
const rateOverMs = 6_000;

export function WorkerCard({ close, worker }: { worker: WorkerSummary; close: () => void }) {
  const say = useMessages(clusterMessages);
  const view = usePolled<WorkerView>(`/v1/workers/${worker.worker}`, everyMs).value;
  const why = usePolled<Why>(`/v1/workers/${worker.worker}/why`, everyMs);
  const state = stateOf(worker);
  return (
    <section class="panel" aria-labelledby="worker-title">
      <header>
        <h2 id="worker-title">
          {worker.name} <span class="quiet">{worker.worker}</span>
        </h2>
        <span class={`chip ${state}`}>{say(state)}</span>
        <span class="stretch" />
        <button type="button" class="plain" onClick={close}>
          {say("close")}
        </button>
      </header>
      <div class="body stack">
        <Facts worker={worker} view={view} />
        {view === null ? null : <Runs jobs={view.jobs} />}
        {worker.volunteer === undefined ? null : <Standing {...worker.volunteer} />}
        <Chain why={why.value} />
      </div>
    </section>
  );
}

function Facts({ view, worker }: { worker: WorkerSummary; view: WorkerView | null }) {
  const say = useMessages(clusterMessages);
  const rate = useRate(worker.done);
  const { lost, python, queued = 0 } = worker;
  const facts = [
    ["slots", `${Math.min(worker.running, worker.slots)}/${worker.slots}`],
    ["queued", countText(queued)],
    ["rate", rate === null ? "…" : countText(rate)],
    ["done", countText(worker.done)],
    ["failed", countText(worker.failed)],
    ["since", agoText(Math.max(0, Date.now() - worker.joinedAtMs))],
    ...(lost === undefined ? [] : ([["lostSince", agoText(lost.forMs)]] as const)),
    ...(typeof view?.cpuShare === "number" ? [["cpu", percentText(view.cpuShare)] as const] : []),
    ...((view?.memoryBytes ?? 0) > 0
      ? ([["memory", bytesText(view?.memoryBytes ?? 0)]] as const)
      : []),
    ...((view?.engine ?? "") === "" ? [] : ([["engine", view?.engine ?? ""]] as const)),
    ...(python === undefined ? [] : ([["python", python]] as const)),
    ["version", worker.version],
  ] as const;
  return (
    <dl class="counters">
      {facts.map(([name, text]) => (
        <div key={name}>
          <dt>{say(name)}</dt>
          <dd class="number">{text}</dd>
        </div>
      ))}
    </dl>
  );
}

function Runs({ jobs }: Pick<WorkerView, "jobs">) {
  const say = useMessages(clusterMessages);
  const sayJob = useMessages(jobMessages);
  if (jobs.length === 0) return null;
  return (
    <div>
      <h3>{say("now")}</h3>
      <ul>
        {jobs.map(({ forMs, job, kind, name, tasks }) => (
          <li key={`${job} ${kind}`}>
            <a href={`/jobs/${job}`} onClick={follow}>
              {job} {name}
            </a>{" "}
            <span class="quiet">
              {sayJob(kind)} · {say("nowTasks", { n: tasks })} · {durationText(forMs)}
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Of a count that grows, a second; null until it was seen for a while. */
function useRate(count: number): number | null {
  const seen = useRef<Array<{ readonly atMs: number; readonly count: number }>>([]);
  const [rate, setRate] = useState<number | null>(null);
  useEffect(() => {
    const look = () => {
      const atMs = performance.now();
      const kept = seen.current.filter((one) => atMs - one.atMs <= rateOverMs);
      seen.current = [...kept, { atMs, count }];
      const [first] = seen.current;
      if (first === undefined || atMs - first.atMs < everyMs) return;
      const perSecond = ((count - first.count) * 1_000) / (atMs - first.atMs);
      setRate(perSecond < 10 ? Math.round(perSecond * 10) / 10 : Math.round(perSecond));
    };
    look();
    const timer = setInterval(look, everyMs);
    return () => clearInterval(timer);
  }, [count]);
  return rate;
}

/** How far the results of a volunteer are believed. */
function Standing({ caught, checkedShare, person, valid }: VolunteerSummary) {
  const say = useMessages(clusterMessages);
  const values = { person, n: valid, percent: Math.round(checkedShare * 100) };
  if (caught === undefined) return <p>{say("standing", values)}</p>;
  return <p>{say("caughtAt", { person, job: caught.job, task: caught.task })}</p>;
}
