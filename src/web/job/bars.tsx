/** The numbers of a result as bars. */
import { countText } from "../i18n/amounts.ts";
import { useMessages } from "../i18n/language.ts";
import { jobMessages } from "../jobs/messages.ts";
import { barsOf, titleOf } from "./chart.ts";
import type { Row } from "./rows.ts";

type BarsProps = {
  readonly rows: readonly Row[];
  /** Of the whole result, when it may have more of them than are here. */
  readonly records?: number;
};

export function Bars({ records = 0, rows }: BarsProps) {
  const say = useMessages(jobMessages);
  const chart = barsOf(rows);
  if (chart === null) return null;
  const { bars, key, value } = chart;
  // The largest is first.
  const most = Math.max(1, bars[0]?.[1] ?? 1);
  const title = say(titleOf(rows, records), { key, value, n: rows.length });
  return (
    <section class="panel" aria-label={title}>
      <header>
        <h2>{title}</h2>
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
