/** The result of a trial: a table, a bar chart when there are numbers, log and counters. */
import type { Failure } from "../../core/job.ts";
import type { Tried } from "../../wire/browser/trial.ts";
import { countText, durationText } from "../i18n/amounts.ts";
import { useMessages } from "../i18n/language.ts";
import { Counters } from "../job/counters.tsx";
import { FailureText } from "../job/errors.tsx";
import { Rows } from "../job/results.tsx";
import { type Row, rowsOf } from "../job/rows.ts";
import { barsMax, rowsMax } from "./limits.ts";
import { tryMessages } from "./messages.ts";

type Told = { readonly logs: readonly string[]; readonly tookMs: number };
/** The result of a trial that has ended. */
export type Ended = Told & (Tried | { readonly kind: "failed"; readonly failure: Failure });

export function Outcome({ ended }: { ended: Ended }) {
  const say = useMessages(tryMessages);
  return (
    <div class="stack">
      {ended.kind === "failed" ? (
        <div class="notice bad" role="alert">
          <h2>{say("failed")}</h2>
          <FailureText failure={ended.failure} />
        </div>
      ) : (
        <Result tried={ended} />
      )}
      {ended.logs.length === 0 ? null : (
        <div class="panel">
          <header>
            <h2>{say("logs")}</h2>
          </header>
          <pre class="text body">{ended.logs.join("\n")}</pre>
        </div>
      )}
      {ended.kind === "failed" ? null : <Counters counters={ended.counters} />}
    </div>
  );
}

function Result({ tried }: { tried: Told & Tried }) {
  const say = useMessages(tryMessages);
  const { format, text, tookMs } = tried;
  // Of tables, too, tasks write lines of JSON.
  const rows = format === "text" || format === "bytes" ? [] : rowsOf(text);
  return (
    <div class="columns">
      <div class="panel">
        <header>
          <h2>{say("result")}</h2>
          <span class="quiet small">
            {say("rows", { n: rows.length, time: durationText(tookMs) })}
          </span>
        </header>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: scrolled by keys */}
        <section class="scroll" tabIndex={0} aria-label={say("result")}>
          {rows.length === 0 ? (
            <pre class="text body">{text.slice(0, 20_000)}</pre>
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
  );
}

/** The largest values, labelled by the first other column. */
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
