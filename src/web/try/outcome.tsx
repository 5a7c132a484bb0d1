/** What came of a trial: a table, a bar chart when there are numbers, log and counters. */
import type { TrialAnswer } from "../../wire/browser/trial.ts";
import { countText, durationText } from "../i18n/amounts.ts";
import { useMessages } from "../i18n/language.ts";
import { Rows } from "../job/results.tsx";
import { type Row, rowsOf } from "../job/rows.ts";
import { barsMax, rowsMax } from "./limits.ts";
import { tryMessages } from "./messages.ts";

export function Outcome({ answer }: { answer: TrialAnswer }) {
  const say = useMessages(tryMessages);
  const rows = answer.kind === "done" && answer.format === "ndjson" ? rowsOf(answer.text) : [];
  const counters = answer.kind === "done" ? Object.entries(answer.counters) : [];
  return (
    <div class="stack">
      {answer.kind === "failed" ? (
        <div class="notice bad" role="alert">
          <h2>{say("failed")}</h2>
          <pre class="text">{answer.message}</pre>
        </div>
      ) : (
        <div class="columns">
          <div class="panel">
            <header>
              <h2>{say("result")}</h2>
              <span class="quiet small">
                {say("rows", { n: rows.length, time: durationText(answer.tookMs) })}
              </span>
            </header>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: scrolled by keys */}
            <section class="scroll" tabIndex={0} aria-label={say("result")}>
              {rows.length === 0 ? (
                <pre class="text body">{answer.text.slice(0, 20_000)}</pre>
              ) : (
                <Rows rows={rows.slice(0, rowsMax)} />
              )}
            </section>
            {rows.length > rowsMax ? (
              <p class="body quiet">{say("moreRows", { shown: rowsMax, all: rows.length })}</p>
            ) : null}
          </div>
          <Bars rows={rows} />
        </div>
      )}
      {answer.logs.length === 0 ? null : (
        <div class="panel">
          <header>
            <h2>{say("logs")}</h2>
          </header>
          <pre class="text body">{answer.logs.join("\n")}</pre>
        </div>
      )}
      <Counters counters={counters} />
    </div>
  );
}

function Counters({ counters }: { counters: ReadonlyArray<[string, number]> }) {
  const say = useMessages(tryMessages);
  if (counters.length === 0) return null;
  return (
    <div class="panel">
      <header>
        <h2>{say("counters")}</h2>
      </header>
      <dl class="body counters">
        {counters.map(([name, n]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd class="number">{countText(n)}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

/** The largest values by the first other column. */
export function barsOf(rows: readonly Row[]): {
  key: string;
  value: string;
  bars: Array<[string, number]>;
} | null {
  const [first] = rows;
  if (first === undefined) return null;
  const names = Object.keys(first);
  const value = names.findLast((name) => typeof first[name] === "number");
  const key = names.find((name) => name !== value);
  if (value === undefined || key === undefined) return null;
  const bars = rows
    .filter((row) => typeof row[value] === "number")
    .map((row): [string, number] => [textOf(row[key]), row[value] as number])
    .sort((a, b) => b[1] - a[1])
    .slice(0, barsMax);
  return { key, value, bars };
}

function textOf(key: unknown): string {
  return typeof key === "string" ? key : JSON.stringify(key);
}

function Bars({ rows }: { rows: readonly Row[] }) {
  const say = useMessages(tryMessages);
  const chart = barsOf(rows);
  if (chart === null) return null;
  const { bars, key, value } = chart;
  const most = Math.max(1, ...bars.map(([, n]) => n));
  return (
    <div class="panel">
      <header>
        <h2>{say("chart", { key, value })}</h2>
      </header>
      <dl class="bars body">
        {bars.map(([name, n]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <i style={{ width: `${Math.max(0, (100 * n) / most)}%` }} />
            </dd>
            <dd class="number">{countText(n)}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
