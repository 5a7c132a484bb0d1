/** What this tab is doing and has done. */
import type { TabShown, TaskShown } from "../../worker/browser/tab/page-messages.ts";
import { pauseReasons } from "./host.ts";
import type { SayJoin } from "./messages.ts";

export function Shown(props: { shown: TabShown | null; say: SayJoin; line: string }) {
  const { line, say, shown } = props;
  if (shown === null) return <p role="status">{say("dialling")}</p>;
  return (
    <section data-phase={shown.phase}>
      <p role="status" class="phase">
        {phaseText(shown, say)}
      </p>
      <dl class="lent">
        <Figure value={String(shown.doneCount)} name={say("done")} id="done" />
        <Figure value={String(shown.failedCount)} name={say("failed")} id="failed" />
        <Figure value={megabytes(shown.fetchedBytes)} name={say("fetched")} id="fetched" />
        <Figure value={megabytes(shown.sentBytes)} name={say("sent")} id="sent" />
        <Figure value={`${Math.round(shown.busyMs / 1000)} s`} name={say("busy")} id="busy" />
      </dl>
      {shown.running.length > 0 && (
        <>
          <h2>{say("now")}</h2>
          <ul class="running">
            {shown.running.map((task) => (
              <Running key={task.tid} task={task} say={say} />
            ))}
          </ul>
        </>
      )}
      {line !== "" && <p class="remark line">{line}</p>}
    </section>
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
  const { codeHash, job, jobName, kind, owner, state, tasks } = task;
  const count = tasks > 1 ? ` × ${tasks}` : "";
  return (
    <li title={`${job} · ${say("code", { hash: codeHash.slice(0, 12) })}`}>
      <strong>{jobName}</strong> {say("of", { owner })} · {kind}
      {count} · {say(state)}
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
  if (paused === pauseReasons.hidden) return say("hidden");
  const minutes = /^hidden for (\d+) minutes$/.exec(paused)?.[1];
  return minutes === undefined ? paused : say("hiddenFor", { minutes });
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}
