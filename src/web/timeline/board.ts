/** The timeline's canvas: which part of the time it shows, what is under the pointer, and when it
 *  is redrawn. It is independent of the page around it. */
import { durationText } from "../i18n/amounts.ts";
import type { Bar, TimelineModel } from "./model.ts";
import { type Colours, paint, pixelOf } from "./paint.ts";

/** Left of the bars: names of workers. */
const gutter = 52;
/** Below them: the time. */
const axis = 18;
const lanesMax = 400;
const heightMax = 480;
const laneHeightMax = 16;
const laneHeightMin = 3;
/** Shortest time that the whole width can show, ms. */
const spanMinMs = 5;
/** A larger canvas is drawn at a lower resolution than the screen's, pixels. */
const pixelsMax = 3_000_000;

export class Board {
  readonly #canvas: HTMLCanvasElement;
  readonly #model: TimelineModel;
  readonly #stageNames: readonly ("map" | "reduce" | "tasks")[];
  #picture: ImageData | null = null;
  #wanted = 0;
  #colours: Colours | null = null;
  /** Null: everything, including what is still to come. */
  #shown: { fromMs: number; toMs: number } | null = null;

  constructor(
    canvas: HTMLCanvasElement,
    model: TimelineModel,
    stageNames: readonly ("map" | "reduce" | "tasks")[],
  ) {
    this.#canvas = canvas;
    this.#model = model;
    this.#stageNames = stageNames;
  }

  get laneCount(): number {
    return Math.min(lanesMax, this.#model.lanes.length);
  }

  get laneHeight(): number {
    const even = Math.floor(heightMax / Math.max(1, this.laneCount));
    return Math.max(laneHeightMin, Math.min(laneHeightMax, even));
  }

  /** Of the canvas, CSS pixels. */
  get height(): number {
    return Math.max(1, this.laneCount) * this.laneHeight + axis;
  }

  get showsAll(): boolean {
    return this.#shown === null;
  }

  /** In the next animation frame, however often it is called. */
  redraw(): void {
    if (this.#wanted !== 0) return;
    this.#wanted = requestAnimationFrame(() => {
      this.#wanted = 0;
      this.draw();
    });
  }

  stop(): void {
    cancelAnimationFrame(this.#wanted);
  }

  coloursChanged(): void {
    this.#colours = null;
    this.redraw();
  }

  showAll(): void {
    this.#shown = null;
    this.redraw();
  }

  /** Zooms by `factor` around the position at `share` of the width. */
  zoom(factor: number, share = 0.5): void {
    const { fromMs, toMs } = this.#span();
    const whole = this.#whole();
    const span = Math.min(whole, Math.max(spanMinMs, (toMs - fromMs) / factor));
    const at = fromMs + (toMs - fromMs) * share;
    this.#show(at - span * share, span);
  }

  /** Moves by a share of the width. */
  move(share: number): void {
    const { fromMs, toMs } = this.#span();
    this.#show(fromMs + (toMs - fromMs) * share, toMs - fromMs);
  }

  /** The share of the width at which the pointer is. */
  shareAt(clientX: number): number {
    const box = this.#canvas.getBoundingClientRect();
    return Math.max(0, Math.min(1, (clientX - box.left - gutter) / (box.width - gutter)));
  }

  barAt(clientX: number, clientY: number): Bar | null {
    const box = this.#canvas.getBoundingClientRect();
    const lane = this.#model.lanes[Math.floor((clientY - box.top) / this.laneHeight)];
    if (lane === undefined || clientX < box.left + gutter) return null;
    const { fromMs, toMs } = this.#span();
    const atMs = fromMs + this.shareAt(clientX) * (toMs - fromMs);
    const slackMs = ((toMs - fromMs) / Math.max(1, box.width)) * 2;
    let best: Bar | null = null;
    for (const { bar, lane: of } of this.#model.running) {
      if (of === lane && bar.fromMs <= atMs) best = bar;
    }
    for (let at = lane.count - 1; at >= 0; at--) {
      const from = lane.from[at] as number;
      if (atMs >= from - slackMs && atMs <= from + (lane.length[at] as number) + slackMs) {
        return lane.bar(at);
      }
    }
    return best;
  }

  draw(): void {
    const cssWidth = this.#canvas.clientWidth;
    if (cssWidth <= gutter) return;
    const cssHeight = this.height;
    const wanted = Math.min(2, devicePixelRatio || 1);
    const dense = cssWidth * cssHeight * wanted * wanted > pixelsMax ? 1 : wanted;
    const scale = Math.max(1, Math.round(dense));
    const [width, height] = [Math.round(cssWidth * scale), Math.round(cssHeight * scale)];
    if (this.#canvas.width !== width || this.#canvas.height !== height) {
      this.#canvas.width = width;
      this.#canvas.height = height;
      this.#canvas.style.height = `${cssHeight}px`;
    }
    this.#colours ??= coloursOf(this.#canvas, this.#stageNames);
    const context = this.#canvas.getContext("2d") as CanvasRenderingContext2D;
    const laneHeight = this.laneHeight * scale;
    const barsWidth = width - gutter * scale;
    const barsHeight = Math.max(1, this.laneCount) * laneHeight;
    const picture = this.#pictureOf(barsWidth, barsHeight);
    const pixels = new Uint32Array(picture.data.buffer);
    const span = this.#span();
    paint(pixels, this.#model, { ...span, width: barsWidth, laneHeight }, this.#colours);
    context.clearRect(0, 0, width, height);
    context.putImageData(picture, gutter * scale, 0);
    this.#label(context, scale, { width, barsHeight, ...span });
  }

  #pictureOf(width: number, height: number): ImageData {
    if (this.#picture?.width !== width || this.#picture.height !== height) {
      this.#picture = new ImageData(width, height);
    }
    return this.#picture;
  }

  #label(
    context: CanvasRenderingContext2D,
    scale: number,
    at: { width: number; barsHeight: number; fromMs: number; toMs: number },
  ): void {
    const style = getComputedStyle(this.#canvas);
    context.fillStyle = style.color;
    context.font = `${10 * scale}px ${style.fontFamily}`;
    context.textBaseline = "middle";
    context.textAlign = "right";
    let free = 0;
    let before = 0;
    for (let index = 0; index < this.laneCount; index++) {
      const { worker } = this.#model.lanes[index] as { worker: number };
      const y = (index + 0.5) * this.laneHeight;
      if (worker === before || y < free) continue;
      before = worker;
      free = y + 12;
      context.fillText(`w-${worker}`, (gutter - 6) * scale, Math.max(6, y) * scale);
    }
    context.textBaseline = "top";
    const bars = at.width - gutter * scale;
    const steps = Math.max(1, Math.floor(bars / scale / 90));
    const stepMs = niceStep((at.toMs - at.fromMs) / steps);
    context.textAlign = "left";
    for (let ms = Math.ceil(at.fromMs / stepMs) * stepMs; ms <= at.toMs; ms += stepMs) {
      const x = gutter * scale + ((ms - at.fromMs) / (at.toMs - at.fromMs)) * bars;
      if (x > at.width - 34 * scale) break;
      context.fillRect(Math.round(x), at.barsHeight, scale, 4 * scale);
      context.fillText(ms === 0 ? "0" : durationText(ms), x + 4 * scale, at.barsHeight + 5 * scale);
    }
  }

  /** A little beyond the last bar, so that it does not touch the edge. */
  #whole(): number {
    return Math.max(spanMinMs, this.#model.lastMs * 1.01);
  }

  #span(): { fromMs: number; toMs: number } {
    return this.#shown ?? { fromMs: 0, toMs: this.#whole() };
  }

  #show(fromMs: number, span: number): void {
    const whole = this.#whole();
    if (span >= whole) this.#shown = null;
    else {
      const from = Math.max(0, Math.min(whole - span, fromMs));
      this.#shown = { fromMs: from, toMs: from + span };
    }
    this.redraw();
  }
}

/** 1, 2 or 5 times a power of ten of milliseconds, or whole minutes. */
export function niceStep(ms: number): number {
  if (ms > 30_000) {
    const minutes = [1, 2, 5, 10, 15, 30, 60, 120, 360, 720, 1440].map((n) => n * 60_000);
    return minutes.find((step) => step >= ms) ?? 86_400_000;
  }
  const power = 10 ** Math.floor(Math.log10(Math.max(1, ms)));
  return [1, 2, 5, 10].map((n) => n * power).find((step) => step >= ms) ?? power * 10;
}

function coloursOf(element: Element, stages: readonly string[]): Colours {
  const style = getComputedStyle(element);
  const colour = (name: string) => pixelOf(style.getPropertyValue(`--${name}`).trim());
  return {
    stages: stages.length === 0 ? [colour("tasks")] : stages.map(colour),
    failed: colour("bar-failed"),
    lost: colour("bar-lost"),
    stopped: colour("bar-stopped"),
    ground: colour("panel"),
    stripe: colour("stripe"),
  };
}
