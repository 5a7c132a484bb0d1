/** Workers and tabs as tiles, those that went below them, and how others join. */
import type { WorkerSummary } from "../../core/summary.ts";
import { usePolled } from "../api/connection.ts";
import { countText } from "../i18n/amounts.ts";
import { useMessages } from "../i18n/language.ts";
import { Rich } from "../i18n/rich.tsx";
import { go } from "../shell/router.ts";
import { WorkerCard } from "./card.tsx";
import { JoinCard } from "./join-card.tsx";
import { clusterMessages } from "./messages.ts";
import { stateOf } from "./states.ts";

const everyMs = 1_200;
/** Tiles of those that went: the newest. */
const goneMax = 200;

/** `opened`: the worker whose card is shown; "" = none. */
export function WorkersPage({ opened }: { opened: string }) {
  const say = useMessages(clusterMessages);
  const { value } = usePolled<{ workers: WorkerSummary[] }>("/v1/workers", everyMs);
  const all = value?.workers ?? [];
  const live = all.filter(({ state }) => state === "live");
  const gone = all.filter(({ state }) => state === "lost").slice(-goneMax);
  const left = gone.filter((worker) => stateOf(worker) === "left");
  const lost = gone.filter((worker) => stateOf(worker) !== "left");
  const chosen = all.find(({ worker }) => worker === opened);
  return (
    <div class="stack">
      <h1 tabIndex={-1}>{say("workers")}</h1>
      <JoinCard workers={all} />
      {value === null ? <div class="panel placeholder" aria-busy="true" /> : null}
      {value !== null && live.length === 0 ? (
        <section class="panel empty">
          <p>{say("noWorkers")}</p>
          <p class="quiet">
            <Rich text={say("noWorkersHelp")} />
          </p>
        </section>
      ) : null}
      {chosen === undefined ? null : <WorkerCard worker={chosen} close={() => go("/workers")} />}
      <Tiles title="machines" workers={live.filter(({ tab }) => !tab)} opened={opened} />
      <Tiles title="tabs" workers={live.filter(({ tab }) => tab)} opened={opened} />
      <Gone title="lostOnes" workers={lost} opened={opened} />
      <Gone title="leftOnes" workers={left} opened={opened} />
    </div>
  );
}

type TilesProps<T> = {
  readonly title: T;
  readonly workers: readonly WorkerSummary[];
  readonly opened: string;
};

function Tiles({ opened, title, workers }: TilesProps<"machines" | "tabs">) {
  const say = useMessages(clusterMessages);
  if (workers.length === 0) return null;
  return (
    <section aria-labelledby={`${title}-title`} class="stack tight">
      <h2 id={`${title}-title`}>
        {say(title)} <span class="quiet number">{countText(workers.length)}</span>
      </h2>
      <TileList workers={workers} opened={opened} />
    </section>
  );
}

/** Folded: they are of no use any more, but one may want to know what became of them. */
function Gone({ opened, title, workers }: TilesProps<"lostOnes" | "leftOnes">) {
  const say = useMessages(clusterMessages);
  if (workers.length === 0) return null;
  return (
    <details class="fold gone">
      <summary class="quiet">{say(title, { n: workers.length })}</summary>
      <TileList workers={workers} opened={opened} />
    </details>
  );
}

function TileList({ opened, workers }: Omit<TilesProps<never>, "title">) {
  return (
    <ul class="tiles">
      {workers.map((one) => (
        <Tile key={one.worker} worker={one} isOpen={one.worker === opened} />
      ))}
    </ul>
  );
}

function Tile({ isOpen, worker }: { worker: WorkerSummary; isOpen: boolean }) {
  const say = useMessages(clusterMessages);
  const state = stateOf(worker);
  const { name, running, slots } = worker;
  const toggle = () => go(isOpen ? "/workers" : `/workers/${worker.worker}`, true);
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
