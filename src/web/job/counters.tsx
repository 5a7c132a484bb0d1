/** The counters of a job: on its page, and below a trial. */
import { countText } from "../i18n/amounts.ts";
import { useMessages } from "../i18n/language.ts";
import { jobMessages } from "../jobs/messages.ts";

export function Counters({ counters }: { counters: Readonly<Record<string, number>> }) {
  const say = useMessages(jobMessages);
  const all = Object.entries(counters);
  if (all.length === 0) return null;
  return (
    <section class="panel" aria-labelledby="counters-title">
      <header>
        <h2 id="counters-title">{say("counters")}</h2>
      </header>
      <dl class="body counters">
        {all.map(([name, n]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd class="number">{countText(n)}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
