/** The cluster at a glance: how busy it is, how much it does, what waits, how much room is left,
 *  and who is here. */
import type { ComponentChildren } from "preact";
import type { WorkerSummary } from "../../core/summary.ts";
import type { ClusterView, Room } from "../../wire/api/cluster.ts";
import { usePolled } from "../api/connection.ts";
import { stateOf } from "../cluster/states.ts";
import { bytesText, countText } from "../i18n/amounts.ts";
import { useMessages } from "../i18n/language.ts";
import { follow } from "../shell/router.ts";
import { glanceMessages } from "./messages.ts";
import { Spark } from "./spark.tsx";

const everyMs = 1_500;
/** Workers that are named; the others are counted. */
const namedMax = 24;
/** Below this share the meter warns. */
const scarce = 0.1;

export function Glance() {
  const say = useMessages(glanceMessages);
  const cluster = usePolled<ClusterView>("/v1/cluster", everyMs).value;
  const workers = usePolled<{ workers: WorkerSummary[] }>("/v1/workers", everyMs).value?.workers;
  const live = (workers ?? []).filter(({ state }) => state === "live");
  const tabs = live.filter(({ tab }) => tab).length;
  const runs = cluster?.jobsRunning ?? 0;
  return (
    <section class="panel glance" aria-labelledby="glance-title">
      <header>
        <h2 id="glance-title">{say("cluster")}</h2>
        <span class="quiet small number">
          {runs === 0 ? say("noJobs") : say("runningJobs", { n: runs })} ·{" "}
          {say("workers", { n: live.length - tabs })}
          {tabs === 0 ? "" : ` · ${say("tabs", { n: tabs })}`}
        </span>
      </header>
      <div class="body stack">
        <dl class="cells">
          <Slots live={live} />
          {cluster === null ? null : <Rates {...cluster.activity} />}
          <Cell name={say("queue")} value={countText(cluster?.tasks.ready ?? 0)}>
            <span class="quiet small">
              {(cluster?.tasks.waiting ?? 0) > 0
                ? say("waits", { n: cluster?.tasks.waiting ?? 0 })
                : say("queueHint")}
            </span>
          </Cell>
          {cluster === null ? null : <Space name={say("memory")} room={cluster.memory} />}
          {cluster === null ? null : <Space name={say("disk")} room={cluster.disk} />}
        </dl>
        {workers === undefined ? null : <Here live={live} />}
      </div>
    </section>
  );
}

type CellProps = { name: string; value: string; of?: string; children?: ComponentChildren };

function Cell({ children, name, of, value }: CellProps) {
  return (
    <div class="cell">
      <dt>{name}</dt>
      <dd class="number">
        <strong>{value}</strong> {of === undefined ? null : <span class="quiet">{of}</span>}
      </dd>
      <dd>{children}</dd>
    </div>
  );
}

function Slots({ live }: { live: readonly WorkerSummary[] }) {
  const say = useMessages(glanceMessages);
  const slots = live.reduce((sum, worker) => sum + worker.slots, 0);
  const busy = live.reduce((sum, worker) => sum + Math.min(worker.running, worker.slots), 0);
  return (
    <Cell name={say("slots")} value={countText(busy)} of={say("ofSlots", { n: slots })}>
      <Meter share={busy / Math.max(1, slots)} kind="busy" />
    </Cell>
  );
}

function Rates({ bytes, everyMs: stepMs, tasks }: ClusterView["activity"]) {
  const say = useMessages(glanceMessages);
  const perSecond = (counts: readonly number[]) => counts.map((n) => (n * 1_000) / stepMs);
  const minutes = Math.max(1, Math.round((tasks.length * stepMs) / 60_000));
  const when = say("lastMinutes", { n: minutes });
  const [taskRates, byteRates] = [perSecond(tasks), perSecond(bytes)];
  const [taskRate = 0, byteRate = 0] = [taskRates.at(-1), byteRates.at(-1)];
  const shown = taskRate < 10 ? Math.round(taskRate * 10) / 10 : Math.round(taskRate);
  return (
    <>
      <Cell name={say("tasks")} value={countText(shown)}>
        <Spark values={taskRates} label={`${say("tasks")}, ${when}`} />
      </Cell>
      <Cell name={say("bytes")} value={bytesText(byteRate)}>
        <Spark values={byteRates} label={`${say("bytes")}, ${when}`} />
      </Cell>
    </>
  );
}

function Space({ name, room }: { name: string; room: Room }) {
  const say = useMessages(glanceMessages);
  const { freeBytes, totalBytes } = room;
  const used = 1 - freeBytes / Math.max(1, totalBytes);
  const of = say("ofRoom", { all: bytesText(totalBytes) });
  return (
    <Cell name={name} value={bytesText(freeBytes)} of={of}>
      <span title={say("machine")}>
        <Meter share={used} kind={1 - used < scarce ? "scarce" : "used"} />
      </span>
    </Cell>
  );
}

function Meter({ kind, share }: { kind: "busy" | "used" | "scarce"; share: number }) {
  const width = `${Math.round(100 * Math.max(0, Math.min(1, share)))}%`;
  return (
    <span class={`meter ${kind}`} aria-hidden="true">
      <i style={{ width }} />
    </span>
  );
}

function Here({ live }: { live: readonly WorkerSummary[] }) {
  const say = useMessages(glanceMessages);
  const named = live.slice(0, namedMax);
  const rest = live.length - named.length;
  return (
    <div class="here">
      <h3>{say("here")}</h3>
      {live.length === 0 ? <p class="quiet">{say("nobody")}</p> : null}
      <ul class="row">
        {named.map((worker) => (
          <li key={worker.worker}>
            <a
              class={`who ${stateOf(worker)}`}
              href={`/workers/${worker.worker}`}
              onClick={follow}
              title={worker.worker}
            >
              {worker.name}{" "}
              <span class="quiet number">
                {Math.min(worker.running, worker.slots)}/{worker.slots}
              </span>
            </a>
          </li>
        ))}
        {rest <= 0 ? null : (
          <li>
            <a href="/workers" onClick={follow}>
              {say("more", { n: rest })}
            </a>
          </li>
        )}
      </ul>
    </div>
  );
}
