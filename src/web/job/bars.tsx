/** The numbers of a result as bars. */
import { countText } from "../i18n/amounts.ts";
import { useMessages } from "../i18n/language.ts";
import { jobMessages } from "../jobs/messages.ts";
import { barsOf } from "./chart.ts";
import type { Row } from "./rows.ts";

export function Bars({ rows }: { rows: readonly Row[] }) {
  const say = useMessages(jobMessages);
  const chart = barsOf(rows);
  if (chart === null) return null;
  const { bars, key, value } = chart;
  // The largest is first.
  const most = Math.max(1, bars[0]?.[1] ?? 1);
  return (
    <section class="panel" aria-label={say("chart", { key, value })}>
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
    </section>
  );
}
