/** What this tab is doing and has done. */

import type { TabShown, TaskShown } from "../../worker/browser/tab/page-messages.ts";
import type { PartShown } from "../../worker/browser/tab/parts.ts";
import { countText, durationText, percentText } from "../i18n/amounts.ts";
import { pauseReasons } from "./host.ts";
import type { SayJoin } from "./messages.ts";

/** Jobs with a bar, the newest. */
const barsMax = 4;

export function Shown(props: { shown: TabShown | null; say: SayJoin; line: string }) {
  const { line, say, shown } = props;
  if (shown === null) return <p role="status">{say("dialling")}</p>;
  const { busyMs, doneCount, jobs } = shown;
  return (
    <section data-phase={shown.phase}>
      <p role="status" class="phase">
        {phaseText(shown, say)}
      </p>
      {jobs.slice(0, barsMax).map((part) => (
        <Part key={part.job} part={part} say={say} />
      ))}
      <dl class="lent">
        <Figure value={countText(doneCount)} name={say("done", { n: doneCount })} id="done" />
        <Figure value={durationText(busyMs)} name={say("busy")} id="busy" />
      </dl>
      <details class="fold">
        <summary>{say("details")}</summary>
        <dl class="lent">
          <Figure value={String(shown.failedCount)} name={say("failed")} id="failed" />
          <Figure value={megabytes(shown.fetchedBytes)} name={say("fetched")} id="fetched" />
          <Figure value={megabytes(shown.sentBytes)} name={say("sent")} id="sent" />
        </dl>
        {jobs.length > 0 && <h3>{say("forWhom")}</h3>}
        <ul class="running" id="jobs">
          {jobs.map((part) => (
            <Computed key={part.job} of={part} say={say} />
          ))}
        </ul>
        <ul class="running">
          {shown.running.map((task) => (
            <Running key={task.tid} task={task} say={say} />
          ))}
        </ul>
        {line !== "" && <p class="remark line">{line}</p>}
      </details>
    </section>
  );
}

/** Of the tab that has left: what it gave. */
export function Thanks({ say, shown }: { shown: TabShown | null; say: SayJoin }) {
  const n = shown?.doneCount ?? 0;
  return (
    <>
      {n > 0 ? (
        <p class="thanks">{say("thanks", { n, time: durationText(shown?.busyMs ?? 0) })}</p>
      ) : null}
      <p>{say("stopped")}</p>
    </>
  );
}

/** A job: how far it is, and how much of that was done here. */
function Part({ part, say }: { part: PartShown; say: SayJoin }) {
  const { done, jobName, mine, owner, taskCount } = part;
  const share = taskCount === 0 ? 0 : Math.min(1, done / taskCount);
  const own = taskCount === 0 ? 0 : Math.min(share, mine / taskCount);
  const of = { done: countText(done), all: countText(taskCount) };
  return (
    <div class="part">
      <p>
        <strong>{jobName}</strong> <span class="quiet">{say("of", { owner })}</span>
      </p>
      <div
        class="both"
        role="img"
        aria-label={`${percentText(share)}, ${say("mine", { n: mine })}`}
      >
        <i class="mine" style={{ width: `${100 * own}%` }} />
        <i class="others" style={{ width: `${100 * (share - own)}%` }} />
      </div>
      <p class="quiet small number">
        {taskCount === 0 ? "" : `${say("doneOf", of)} · `}
        {say("mine", { n: mine })}
      </p>
    </div>
  );
}

function Figure({ id, name, value }: { id: string; name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd id={`figure-${id}`}>{value}</dd>
    </div>
  );
}

function Running({ task, say }: { task: TaskShown; say: SayJoin }) {
  const { jobName, kind, owner, state, tasks } = task;
  const count = tasks > 1 ? ` × ${tasks}` : "";
  return (
    <li>
      <strong>{jobName}</strong> {say("of", { owner })} · {say(kind)}
      {count} · {say(state)}
    </li>
  );
}

/** What a job has cost this tab. */
function Computed({ of, say }: { of: PartShown; say: SayJoin }) {
  const { busyMs, failed, fetchedBytes, job, jobName, mine, owner, sentBytes } = of;
  const values = {
    tasks: countText(mine + failed),
    time: durationText(busyMs),
    read: megabytes(fetchedBytes),
    sent: megabytes(sentBytes),
  };
  return (
    <li title={job}>
      <strong>{jobName}</strong> {say("of", { owner })} · {say("cost", values)}
    </li>
  );
}

function phaseText(shown: TabShown, say: SayJoin): string {
  const { paused, phase, refusal, running, worker } = shown;
  if (phase === "refused") return say("refused", { reason: refusal });
  if (phase === "over") return say("stopped");
  if (phase === "waiting") return say("waiting");
  if (phase === "dialling") return say("dialling");
  const joined = say("joined", { worker });
  if (paused !== "")
    return `${joined}. ${say("pausedBecause", { reason: reasonText(paused, say) })}`;
  return `${joined}. ${running.length > 0 ? say("working") : say("idle")}`;
}

/** `paused` is also sent to the coordinator, in English; the page shows it in its own language. */
function reasonText(paused: string, say: SayJoin): string {
  if (paused === pauseReasons.user) return say("byUser");
  if (paused === pauseReasons.frozen) return say("frozen");
  if (paused === pauseReasons.battery) return say("battery");
  if (paused === pauseReasons.metered) return say("metered");
  if (paused === pauseReasons.data) return say("dataUsed");
  if (paused === pauseReasons.hidden) return say("hidden");
  const minutes = /^hidden for (\d+) minutes$/.exec(paused)?.[1];
  return minutes === undefined ? paused : say("hiddenFor", { minutes });
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}
