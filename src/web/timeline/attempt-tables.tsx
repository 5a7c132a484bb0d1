/** The attempts that readers look for, as tables: those that did not succeed, and the slowest. */
import { useMemo } from "preact/hooks";
import type { StageKind } from "../../core/job.ts";
import { attemptOutcomes } from "../../wire/api/attempts.ts";
import { countText, durationText } from "../i18n/amounts.ts";
import { useMessages } from "../i18n/language.ts";
import { timelineMessages } from "./messages.ts";
import { type Bar, outcomeDone, outcomeFailed, outcomeLost, type TimelineModel } from "./model.ts";

const rowsMax = 10;

type Props = {
  readonly model: TimelineModel;
  readonly version: number;
  readonly stages: readonly StageKind[];
};

export function AttemptTables({ model, stages, version }: Props) {
  const say = useMessages(timelineMessages);
  // A hundred thousand attempts are not searched ten times a second.
  const turn = model.lanes.length === 0 ? 0 : Math.floor(version / 5);
  const { mishaps, slowest } = useMemo(() => pick(model), [model, turn, version === 1]);
  return (
    <div class="row tables">
      <Attempts title={say("slowest")} bars={slowest} stages={stages} />
      {mishaps.length === 0 ? null : (
        <Attempts title={say("mishaps")} bars={mishaps} stages={stages} />
      )}
    </div>
  );
}

function pick(model: TimelineModel): { mishaps: Bar[]; slowest: Bar[] } {
  const mishaps: Bar[] = [];
  let slowest: Bar[] = [];
  let least = -1;
  for (const lane of model.lanes) {
    for (let at = 0; at < lane.count; at++) {
      const outcome = (lane.look[at] as number) & 7;
      if (outcome === outcomeFailed || outcome === outcomeLost) mishaps.push(lane.bar(at));
      if (outcome !== outcomeDone || (lane.length[at] as number) <= least) continue;
      slowest.push(lane.bar(at));
      if (slowest.length < rowsMax * 4) continue;
      slowest = slowest.sort((a, b) => b.lengthMs - a.lengthMs).slice(0, rowsMax);
      least = slowest.at(-1)?.lengthMs ?? -1;
    }
  }
  mishaps.sort((a, b) => b.fromMs - a.fromMs);
  slowest.sort((a, b) => b.lengthMs - a.lengthMs);
  return { mishaps: mishaps.slice(0, rowsMax), slowest: slowest.slice(0, rowsMax) };
}

function Attempts(props: { title: string; bars: readonly Bar[]; stages: Props["stages"] }) {
  const say = useMessages(timelineMessages);
  const { bars, stages, title } = props;
  if (bars.length === 0) return null;
  return (
    <details class="fold">
      <summary>
        {title} <span class="quiet">({countText(bars.length)})</span>
      </summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: scrolled by keys where it is narrow */}
      <section class="scroll" tabIndex={0} aria-label={title}>
        <table>
          <thead>
            <tr>
              <th>{say("task")}</th>
              <th class="number">{say("attempt")}</th>
              <th>{say("worker")}</th>
              <th>{say("outcome")}</th>
              <th class="number">{say("began")}</th>
              <th class="number">{say("took")}</th>
            </tr>
          </thead>
          <tbody>
            {bars.map((bar) => (
              <tr key={`${bar.stage}/${bar.task}#${bar.attempt}`}>
                <td>
                  {say(stages[bar.stage] ?? "tasks")} {bar.task}
                </td>
                <td class="number">{bar.attempt}</td>
                <td>w-{bar.worker}</td>
                <td>
                  {say(attemptOutcomes[bar.outcome] ?? "done")}
                  {bar.backup ? `, ${say("backup")}` : ""}
                </td>
                <td class="number">{durationText(bar.fromMs)}</td>
                <td class="number">{durationText(bar.lengthMs)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </details>
  );
}
