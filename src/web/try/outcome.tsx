/** The result of a trial: a table, a bar chart when there are numbers, log and counters. */
import type { Failure } from "../../core/job.ts";
import type { Tried } from "../../wire/browser/trial.ts";
import { durationText } from "../i18n/amounts.ts";
import { useMessages } from "../i18n/language.ts";
import { Bars } from "../job/bars.tsx";
import { Counters } from "../job/counters.tsx";
import { FailureText } from "../job/errors.tsx";
import { Rows } from "../job/preview.tsx";
import { tableOf } from "../job/rows.ts";
import { rowsMax } from "./limits.ts";
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
  // Of CSV, too, trials write lines of JSON.
  const rows = tableOf(text, format === "csv" ? "ndjson" : format);
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
