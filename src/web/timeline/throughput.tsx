/** Tasks done a second over the time of a job, a line for each stage. */
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import type { StageKind } from "../../core/job.ts";
import { countText, durationText } from "../i18n/amounts.ts";
import { useMessages } from "../i18n/language.ts";
import { onColoursChanged } from "../shell/theme.ts";
import { timelineMessages } from "./messages.ts";
import type { TimelineModel } from "./model.ts";
import { rates } from "./rates.ts";

const heightPx = 150;

type Props = {
  readonly model: TimelineModel;
  readonly version: number;
  readonly stages: readonly StageKind[];
};

export function Throughput({ model, stages, version }: Props) {
  const say = useMessages(timelineMessages);
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const title = say("throughput");
  const unit = say("perSecond");
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const make = () => {
      plot.current?.destroy();
      const width = Math.max(200, element.clientWidth);
      const names = stages.map((kind) => say(kind));
      plot.current = new uPlot(
        optionsOf({ element, width, names, stages, time: say("time"), unit }),
        rates(model, stages.length) as uPlot.AlignedData,
        element,
      );
    };
    make();
    const resized = new ResizeObserver(() => {
      plot.current?.setSize({ width: Math.max(200, element.clientWidth), height: heightPx });
    });
    resized.observe(element);
    const forget = onColoursChanged(make);
    return () => {
      resized.disconnect();
      forget();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [model, title]);
  useEffect(() => {
    plot.current?.setData(rates(model, stages.length) as uPlot.AlignedData);
  }, [version]);
  return (
    <section class="panel" aria-labelledby="throughput-title">
      <header>
        <h2 id="throughput-title">{title}</h2>
        <span class="quiet small">{unit}</span>
      </header>
      <div class="body throughput">
        <div ref={place} />
      </div>
    </section>
  );
}

function optionsOf(of: {
  element: Element;
  width: number;
  names: readonly string[];
  stages: readonly StageKind[];
  time: string;
  unit: string;
}): uPlot.Options {
  const style = getComputedStyle(of.element);
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const axis = {
    stroke: colour("quiet"),
    grid: { stroke: colour("line"), width: 1 },
    ticks: { stroke: colour("line"), width: 1 },
    font: "11px system-ui, sans-serif",
  };
  return {
    width: of.width,
    height: heightPx,
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, y: false },
    scales: { x: { time: false }, y: { range: (_plot, _min, max) => [0, Math.max(1, max * 1.1)] } },
    axes: [
      { ...axis, values: (_plot, ticks) => ticks.map((s) => durationText(s * 1000)) },
      { ...axis, size: 52, values: (_plot, ticks) => ticks.map((n) => countText(n)) },
    ],
    series: [
      { label: of.time },
      ...of.stages.map((kind, index) => ({
        label: `${of.names[index]}, ${of.unit}`,
        stroke: colour(kind),
        fill: `${colour(kind)}22`,
        width: 1.5,
        points: { show: false },
      })),
    ],
  };
}
