/** Workers and tabs as tiles, and how others join. */
import { useState } from "preact/hooks";
import type { VolunteerSummary, WorkerSummary } from "../../core/summary.ts";
import type { Why } from "../../core/why/reasons.ts";
import { usePolled } from "../api/connection.ts";
import { agoText, countText } from "../i18n/amounts.ts";
import { useMessages } from "../i18n/language.ts";
import { Rich } from "../i18n/rich.tsx";
import { Chain } from "../job/why.tsx";
import { JoinCard } from "./join-card.tsx";
import { clusterMessages } from "./messages.ts";

const everyMs = 1_200;
/** Tiles of lost workers that are shown by default. */
const lostShown = 12;

type TileState = "idle" | "busy" | "paused" | "lost" | "caught";

export function stateOf({ paused, running, state, volunteer }: WorkerSummary): TileState {
  if (volunteer?.caught !== undefined) return "caught";
  if (state === "lost") return "lost";
  if (paused !== "") return "paused";
  return running > 0 ? "busy" : "idle";
}

export function WorkersPage() {
  const say = useMessages(clusterMessages);
  const { value } = usePolled<{ workers: WorkerSummary[] }>("/v1/workers", everyMs);
  const [opened, open] = useState<string | null>(null);
  const [showsLost, showLost] = useState(false);
  const all = value?.workers ?? [];
  const lost = all.filter(({ state }) => state === "lost");
  const hidden = showsLost ? 0 : Math.max(0, lost.length - lostShown);
  const kept = new Set(lost.slice(hidden).map(({ worker }) => worker));
  const shown = all.filter(({ state, worker }) => state === "live" || kept.has(worker));
  const chosen = all.find(({ worker }) => worker === opened);
  return (
    <div class="stack">
      <h1 tabIndex={-1}>{say("workers")}</h1>
      <JoinCard />
      {value === null ? <div class="panel placeholder" aria-busy="true" /> : null}
      {value !== null && all.length === 0 ? (
        <section class="panel empty">
          <p>{say("noWorkers")}</p>
          <p class="quiet">
            <Rich text={say("noWorkersHelp")} />
          </p>
        </section>
      ) : null}
      {chosen === undefined ? null : <Detail worker={chosen} close={() => open(null)} />}
      <Tiles
        title="machines"
        workers={shown.filter(({ tab }) => !tab)}
        opened={opened}
        open={open}
      />
      <Tiles title="tabs" workers={shown.filter(({ tab }) => tab)} opened={opened} open={open} />
      {hidden === 0 ? null : (
        <div>
          <button type="button" onClick={() => showLost(true)}>
            {say("showLost", { n: hidden })}
          </button>
        </div>
      )}
    </div>
  );
}

type TilesProps = {
  readonly title: "machines" | "tabs";
  readonly workers: readonly WorkerSummary[];
  readonly opened: string | null;
  readonly open: (worker: string | null) => void;
};

function Tiles({ open, opened, title, workers }: TilesProps) {
  const say = useMessages(clusterMessages);
  if (workers.length === 0) return null;
  return (
    <section aria-labelledby={`${title}-title`} class="stack tight">
      <h2 id={`${title}-title`}>
        {say(title)} <span class="quiet number">{countText(workers.length)}</span>
      </h2>
      <ul class="tiles">
        {workers.map((one) => (
          <Tile
            key={one.worker}
            worker={one}
            isOpen={one.worker === opened}
            toggle={() => open(one.worker === opened ? null : one.worker)}
          />
        ))}
      </ul>
    </section>
  );
}

type TileProps = { worker: WorkerSummary; isOpen: boolean; toggle: () => void };

function Tile({ isOpen, toggle, worker }: TileProps) {
  const say = useMessages(clusterMessages);
  const state = stateOf(worker);
  const { name, running, slots } = worker;
  return (
    <li>
      <button type="button" class={`tile ${state}`} aria-expanded={isOpen} onClick={toggle}>
        <span class="tile-name">{name}</span>
        <span class="row spread small">
          <span class="state">{say(state)}</span>
          <span class="quiet number">
            {worker.volunteer === undefined ? "" : `${say("volunteer")} · `}
            {worker.worker} · {Math.min(running, slots)}/{slots}
          </span>
        </span>
        <span class="meter" aria-hidden="true">
          <i style={{ width: `${(100 * Math.min(running, slots)) / Math.max(1, slots)}%` }} />
        </span>
      </button>
    </li>
  );
}

function Detail({ close, worker }: { worker: WorkerSummary; close: () => void }) {
  const say = useMessages(clusterMessages);
  const why = usePolled<Why>(`/v1/workers/${worker.worker}/why`, everyMs);
  const facts = [
    ["host", worker.host.slice(0, 24)],
    ["slots", `${worker.running}/${worker.slots}`],
    ["done", countText(worker.done)],
    ["failed", countText(worker.failed)],
    ["version", worker.version],
    ["since", agoText(Math.max(0, Date.now() - worker.joinedAtMs))],
    ...(worker.lost === undefined ? [] : ([["lostSince", agoText(worker.lost.forMs)]] as const)),
  ] as const;
  return (
    <section class="panel" aria-labelledby="worker-title">
      <header>
        <h2 id="worker-title">
          {worker.name} <span class="quiet">{worker.worker}</span>
        </h2>
        <span class="stretch" />
        <button type="button" class="plain" onClick={close}>
          {say("close")}
        </button>
      </header>
      <div class="body stack">
        <dl class="counters">
          {facts.map(([name, text]) => (
            <div key={name}>
              <dt>{say(name)}</dt>
              <dd class="number">{text}</dd>
            </div>
          ))}
        </dl>
        {worker.volunteer === undefined ? null : <Standing {...worker.volunteer} />}
        <Chain why={why.value} />
      </div>
    </section>
  );
}

/** How far the results of a volunteer are believed. */
function Standing({ caught, checkedShare, person, valid }: VolunteerSummary) {
  const say = useMessages(clusterMessages);
  const values = { person, n: valid, percent: Math.round(checkedShare * 100) };
  if (caught === undefined) return <p>{say("standing", values)}</p>;
  return <p>{say("caughtAt", { person, job: caught.job, task: caught.task })}</p>;
}
