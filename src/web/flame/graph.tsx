/** A flame graph: a button for each function where it was called, so that keys reach all of them
 *  and readers say what they are. */
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { ProfileFrame } from "../../wire/api/profile.ts";
import { durationText, percentText } from "../i18n/amounts.ts";
import { useMessages } from "../i18n/language.ts";
import { type Bar, barsOf, isMove, moved } from "./layout.ts";
import { flameMessages } from "./messages.ts";

/** Of a bar, px. */
const rowHeight = 22;
/** Shades of the job's functions, so that neighbours differ. */
const shades = 4;

type Props = { readonly frames: readonly ProfileFrame[]; readonly name: string };

export function FlameGraph({ frames, name }: Props) {
  const say = useMessages(flameMessages);
  const [zoomed, zoom] = useState(0);
  const [current, setCurrent] = useState(0);
  const [pointed, point] = useState<number | null>(null);
  const graph = useRef<HTMLDivElement>(null);
  const follows = useRef(false);
  const bars = barsOf(frames, zoomed);
  const rows = 1 + bars.reduce((most, { depth }) => Math.max(most, depth), 0);
  const textOf = useTextOf(frames);
  // What a key went to has the focus once it is drawn.
  useLayoutEffect(() => {
    if (follows.current) graph.current?.querySelector<HTMLElement>('[tabindex="0"]')?.focus();
    follows.current = false;
  });
  const goTo = (at: number, zoomTo: number) => {
    follows.current = true;
    setCurrent(at);
    zoom(zoomTo);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape" && zoomed !== 0) goTo(current, 0);
    else if (isMove(event.key)) goTo(moved(bars, current, event.key), zoomed);
    else return;
    event.preventDefault();
  };
  const shown = pointed ?? current;
  return (
    <div class="flame stack">
      <Legend isZoomed={zoomed !== 0} onWhole={() => goTo(0, 0)} />
      {/* biome-ignore lint/a11y/useSemanticElements: no fieldset, which is for forms */}
      <div
        ref={graph}
        class="bars-of-flame"
        role="group"
        aria-label={say("graph", { task: name })}
        onKeyDown={onKeyDown}
        onMouseLeave={() => point(null)}
      >
        <div style={{ height: `${rows * rowHeight}px` }}>
          {bars.map((bar) => (
            <FlameBar
              key={bar.at}
              bar={bar}
              frame={frames[bar.at] as ProfileFrame}
              label={textOf(bar.at)}
              isCurrent={bar.at === current}
              onPoint={() => point(bar.at)}
              onPick={() => goTo(bar.at, bar.at)}
            />
          ))}
        </div>
      </div>
      <p class="small number flame-shown" aria-hidden="true">
        {textOf(shown)}
      </p>
    </div>
  );
}

function Legend({ isZoomed, onWhole }: { isZoomed: boolean; onWhole: () => void }) {
  const say = useMessages(flameMessages);
  return (
    <>
      <p class="quiet small">
        {say("help")} {say("keys")}
      </p>
      <div class="row small">
        <ul class="legend">
          <li>
            <i class="swatch own" /> {say("jobCode")}
          </li>
          <li>
            <i class="swatch" /> {say("otherCode")}
          </li>
        </ul>
        <span class="stretch" />
        <button type="button" disabled={!isZoomed} onClick={onWhole}>
          {say("whole")}
        </button>
      </div>
    </>
  );
}

type BarProps = {
  readonly bar: Bar;
  readonly frame: ProfileFrame;
  readonly label: string;
  readonly isCurrent: boolean;
  readonly onPoint: () => void;
  readonly onPick: () => void;
};

function FlameBar({ bar, frame, isCurrent, label, onPick, onPoint }: BarProps) {
  const say = useMessages(flameMessages);
  const [, name, place] = frame;
  const kind = place === "" ? "other" : `own own-${shadeOf(name + place)}`;
  return (
    <button
      type="button"
      class={kind}
      style={{
        left: `${100 * bar.x}%`,
        width: `${100 * bar.width}%`,
        top: `${bar.depth * rowHeight}px`,
      }}
      tabIndex={isCurrent ? 0 : -1}
      aria-label={label}
      onClick={onPick}
      onFocus={onPoint}
      onMouseEnter={onPoint}
    >
      {bar.at === 0 ? say("all") : name} {place === "" ? null : <span>{place}</span>}
    </button>
  );
}

/** All that is known of a frame, in a line. */
function useTextOf(frames: readonly ProfileFrame[]): (at: number) => string {
  const say = useMessages(flameMessages);
  const wholeUs = Math.max(1, frames[0]?.[4] ?? 0);
  return (at) => {
    const [, name = "", place = "", selfUs = 0, totalUs = 0] = frames[at] ?? [];
    // As on the bar, so that who speaks to the page can name what is seen.
    const named = at === 0 ? say("all") : place === "" ? name : `${name} ${place}`;
    return say("bar", {
      name: named,
      total: durationText(totalUs / 1_000),
      share: percentText(totalUs / wholeUs),
      self: durationText(selfUs / 1_000),
    });
  };
}

function shadeOf(text: string): number {
  let sum = 0;
  for (let i = 0; i < text.length; i++) sum = (sum * 31 + text.charCodeAt(i)) % 9_973;
  return sum % shades;
}
