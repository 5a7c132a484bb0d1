/** The timeline of a job: a lane for each worker, a bar for each attempt; by pointer, by keys, and
 *  as tables for screen readers. */
import type { TargetedKeyboardEvent, TargetedPointerEvent } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { StageKind } from "../../core/job.ts";
import { attemptOutcomes } from "../../wire/api/attempts.ts";
import { countText, durationText } from "../i18n/amounts.ts";
import { useMessages } from "../i18n/language.ts";
import { onColoursChanged } from "../shell/theme.ts";
import { AttemptTables } from "./attempt-tables.tsx";
import { Board } from "./board.ts";
import { timelineMessages } from "./messages.ts";
import type { Bar, TimelineModel } from "./model.ts";

type Props = {
  readonly model: TimelineModel;
  /** Version of the model at the last rendering. */
  readonly version: number;
  readonly stages: readonly StageKind[];
};

export function Timeline({ model, stages, version }: Props) {
  const say = useMessages(timelineMessages);
  const { backups, done, failed, lost, stopped } = model.tally;
  const attempts = done + failed + lost + stopped;
  const values = { attempts, workers: model.workerCount, done, failed, lost, stopped, backups };
  const summary = say("summary", values);
  return (
    <section class="panel" aria-labelledby="timeline-title">
      <header>
        <h2 id="timeline-title">{say("timeline")}</h2>
        <Legend stages={stages} />
      </header>
      <div class="body">
        <p class="quiet small">
          {attempts === 0 && model.running.length === 0 ? say("nothing") : summary}
          {model.partial && attempts > 0 ? ` ${say("partial")}` : ""}
        </p>
        <Picture model={model} stages={stages} version={version} summary={summary} />
        <AttemptTables model={model} stages={stages} version={version} />
      </div>
    </section>
  );
}

function Legend({ stages }: { stages: readonly StageKind[] }) {
  const say = useMessages(timelineMessages);
  const kinds = [...stages, "backup", "failed", "lost", "stopped"] as const;
  return (
    <ul class="legend">
      {kinds.map((kind) => (
        <li key={kind}>
          <i class={`swatch ${kind}`} /> {say(kind)}
        </li>
      ))}
    </ul>
  );
}

/** A drag moves the view; where it began. */
type Drag = { readonly x: number; moved: boolean };

function Picture({ model, stages, summary, version }: Props & { summary: string }) {
  const say = useMessages(timelineMessages);
  const canvas = useRef<HTMLCanvasElement>(null);
  const board = useRef<Board | null>(null);
  const drag = useRef<Drag | null>(null);
  const [tip, showTip] = useState<{ bar: Bar; x: number; y: number } | null>(null);
  useBoard(canvas, board, { model, stages });
  useEffect(() => board.current?.redraw(), [version]);
  const onPointerMove = (event: TargetedPointerEvent<HTMLCanvasElement>) => {
    const now = board.current;
    if (now === null) return;
    const from = drag.current;
    if (from !== null) {
      now.move((from.x - event.clientX) / Math.max(1, event.currentTarget.clientWidth));
      drag.current = { x: event.clientX, moved: true };
    }
    const bar = now.barAt(event.clientX, event.clientY);
    showTip(bar === null ? null : { bar, x: event.offsetX, y: event.offsetY });
  };
  const onKeyDown = (event: TargetedKeyboardEvent<HTMLCanvasElement>) => {
    if (board.current !== null && keyed(board.current, event.key)) event.preventDefault();
  };
  return (
    <div class="timeline">
      <Tools board={board.current} lanes={model.lanes.length} />
      <div class="lanes">
        <canvas
          ref={canvas}
          tabIndex={0}
          role="img"
          aria-label={`${summary}. ${say("keys")}`}
          onPointerMove={onPointerMove}
          onPointerLeave={() => showTip(null)}
          onPointerDown={(event) => {
            event.currentTarget.setPointerCapture(event.pointerId);
            drag.current = { x: event.clientX, moved: false };
          }}
          onPointerUp={() => {
            drag.current = null;
          }}
          onPointerCancel={() => {
            drag.current = null;
          }}
          onKeyDown={onKeyDown}
        />
        {tip === null ? null : <Tip {...tip} stages={stages} />}
      </div>
    </div>
  );
}

function Tools({ board, lanes }: { board: Board | null; lanes: number }) {
  const say = useMessages(timelineMessages);
  const zoom = (factor: number) => () => board?.zoom(factor);
  return (
    <div class="row tools">
      <button type="button" onClick={zoom(2)} aria-label={say("zoomIn")}>
        +
      </button>
      <button type="button" onClick={zoom(0.5)} aria-label={say("zoomOut")}>
        −
      </button>
      <button type="button" onClick={() => board?.showAll()}>
        {say("all")}
      </button>
      {board !== null && lanes > board.laneCount ? (
        <span class="quiet small">{say("moreLanes", { shown: board.laneCount, all: lanes })}</span>
      ) : null}
    </div>
  );
}

function keyed(board: Board, key: string): boolean {
  if (key === "ArrowLeft") board.move(-0.2);
  else if (key === "ArrowRight") board.move(0.2);
  else if (key === "+" || key === "=") board.zoom(2);
  else if (key === "-") board.zoom(0.5);
  else if (key === "0") board.showAll();
  else return false;
  return true;
}

function Tip({ bar, stages, x, y }: { bar: Bar; x: number; y: number; stages: Props["stages"] }) {
  const say = useMessages(timelineMessages);
  const outcome = say(attemptOutcomes[bar.outcome] ?? "done");
  const text = say("tip", {
    worker: `w-${bar.worker}`,
    stage: say(stages[bar.stage] ?? "tasks"),
    task: countText(bar.task),
    attempt: bar.attempt,
    outcome: bar.backup ? `${outcome}, ${say("backup")}` : outcome,
    length: durationText(bar.lengthMs),
  });
  return (
    <div class="tip" aria-hidden="true" style={{ left: `max(0px, ${x - 120}px)`, top: y + 16 }}>
      {text}
    </div>
  );
}

/** A board as long as the canvas is mounted. */
function useBoard(
  canvas: { current: HTMLCanvasElement | null },
  board: { current: Board | null },
  { model, stages }: { model: TimelineModel; stages: readonly StageKind[] },
): void {
  const [, again] = useState(0);
  useEffect(() => {
    const element = canvas.current;
    if (element === null) return;
    const own = new Board(element, model, stages);
    board.current = own;
    again((n) => n + 1);
    const resized = new ResizeObserver(() => own.redraw());
    resized.observe(element);
    const forget = onColoursChanged(() => own.coloursChanged());
    // Scrolling is left to the page unless a modifier key requests zooming.
    const onWheel = (event: WheelEvent) => {
      if (!event.ctrlKey && !event.metaKey && !event.shiftKey) return;
      event.preventDefault();
      const turned = event.deltaY || event.deltaX;
      own.zoom(turned < 0 ? 1.25 : 0.8, own.shareAt(event.clientX));
    };
    element.addEventListener("wheel", onWheel, { passive: false });
    own.redraw();
    return () => {
      resized.disconnect();
      forget();
      element.removeEventListener("wheel", onWheel);
      own.stop();
      board.current = null;
    };
  }, [model]);
}
