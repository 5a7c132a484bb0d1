/** Draws lanes into pixels itself: a hundred thousand bars take a few milliseconds, where as many
 *  canvas calls would take seconds. Bars narrower than a pixel add to the coverage of that
 *  pixel. */
import {
  type Bar,
  backupBit,
  type Lane,
  outcomeDone,
  outcomeFailed,
  outcomeLost,
  outcomeRunning,
  type TimelineModel,
} from "./model.ts";

/** `#rrggbb` or `#rgb` in the pixel format of an ImageData. */
export type Colours = {
  readonly stages: readonly number[];
  readonly failed: number;
  readonly lost: number;
  readonly stopped: number;
  readonly ground: number;
  readonly stripe: number;
};

export type View = {
  readonly fromMs: number;
  readonly toMs: number;
  /** Pixels of the bars' area. */
  readonly width: number;
  readonly laneHeight: number;
};

export function pixelOf(colour: string): number {
  // Minifiers write #fff.
  const long = colour.length === 4 ? colour.replace(/[0-9a-f]/gi, "$&$&") : colour;
  const [r, g, b] = [1, 3, 5].map((at) => Number.parseInt(long.slice(at, at + 2), 16)) as [
    number,
    number,
    number,
  ];
  return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
}

/** `share` of `over` above `under`. */
function mixed(under: number, over: number, share: number): number {
  const part = Math.round(Math.min(1, share) * 256);
  const rest = 256 - part;
  const rb = (((over & 0xff00ff) * part + (under & 0xff00ff) * rest) >>> 8) & 0xff00ff;
  const g = (((over & 0xff00) * part + (under & 0xff00) * rest) >>> 8) & 0xff00;
  return (0xff000000 | rb | g) >>> 0;
}

function colourOf(look: number, colours: Colours): number {
  const outcome = look & 7;
  if (outcome === outcomeDone || outcome === outcomeRunning) {
    return colours.stages[(look >> 4) % colours.stages.length] as number;
  }
  if (outcome === outcomeFailed) return colours.failed;
  return outcome === outcomeLost ? colours.lost : colours.stopped;
}

/** Fills the whole picture; `pixels` has `width × lanes × laneHeight`. */
export function paint(
  pixels: Uint32Array,
  model: TimelineModel,
  view: View,
  colours: Colours,
): void {
  const { laneHeight, width } = view;
  pixels.fill(colours.ground);
  const cover = new Float32Array(width);
  const loud = new Uint8Array(width);
  for (const [index, lane] of model.lanes.entries()) {
    const top = index * laneHeight * width;
    if (top + laneHeight * width > pixels.length) return;
    if (index % 2 === 1) pixels.fill(colours.stripe, top, top + laneHeight * width);
    paintLane(pixels, { lane, top, cover, loud }, view, colours);
  }
  const lanes = new Map(model.lanes.map((lane, index) => [lane, index]));
  for (const { bar, lane } of model.running) {
    const index = lanes.get(lane);
    if (index === undefined) continue;
    const top = index * laneHeight * width;
    if (top + laneHeight * width > pixels.length) continue;
    paintRunning(pixels, bar, top, { view, colours });
  }
}

/** The weight of a failed or lost attempt in a pixel, compared with a successful one. */
const mishap = 200;

function paintLane(
  pixels: Uint32Array,
  on: { lane: Lane; top: number; cover: Float32Array; loud: Uint8Array },
  view: View,
  colours: Colours,
): void {
  const { cover, lane, loud, top } = on;
  const { fromMs, laneHeight, toMs, width } = view;
  const scale = width / (toMs - fromMs);
  const height = laneHeight > 3 ? laneHeight - 1 : laneHeight;
  let lowest = width;
  let highest = -1;
  for (let at = 0; at < lane.count; at++) {
    const x0 = ((lane.from[at] as number) - fromMs) * scale;
    const x1 = x0 + (lane.length[at] as number) * scale;
    if (x1 < 0 || x0 >= width) continue;
    const look = lane.look[at] as number;
    const first = Math.max(0, Math.floor(x0));
    const last = Math.min(width - 1, Math.floor(x1));
    if (last - first < 2) {
      // Aggregated: how much of each pixel is covered, and the attempt with the greatest weight.
      const say = (look & 7) === outcomeDone ? (look >> 4) + 1 : mishap + (look & 7);
      for (let x = first; x <= last; x++) {
        const share = Math.min(x1, x + 1) - Math.max(x0, x);
        if (share <= 0 && x > first) continue;
        cover[x] = (cover[x] as number) + (x === first ? Math.max(0.12, share) : share);
        if (say > (loud[x] as number)) loud[x] = say;
      }
      if (first < lowest) lowest = first;
      if (last > highest) highest = last;
      continue;
    }
    paintBar(pixels, { first, last, top, height, width }, look, colours);
  }
  for (let x = lowest; x <= highest; x++) {
    const share = cover[x] as number;
    if (share === 0) continue;
    const say = loud[x] as number;
    const look = say >= mishap ? say - mishap : (say - 1) * 16 + outcomeDone;
    const colour = colourOf(look, colours);
    const shade = say >= mishap ? 1 : 0.35 + 0.65 * Math.min(1, share);
    for (let y = 0; y < height; y++) {
      const place = top + y * width + x;
      pixels[place] = mixed(pixels[place] as number, colour, shade);
    }
    cover[x] = 0;
    loud[x] = 0;
  }
}

type Box = {
  readonly first: number;
  readonly last: number;
  readonly top: number;
  readonly height: number;
  readonly width: number;
};

/** Narrower bars have no tick, pixels. */
const tickMin = 4;

/** Bars that follow each other are one, with a tick where each ends. Backups are striped, so that
 *  they differ by more than colour. */
function paintBar(pixels: Uint32Array, box: Box, look: number, colours: Colours): void {
  const { first, height, last, top, width } = box;
  const colour = colourOf(look, colours);
  const isBackup = (look & backupBit) !== 0;
  const pale = mixed(colours.ground, colour, 0.35);
  const tick = mixed(colours.ground, colour, 0.6);
  for (let y = 0; y < height; y++) {
    const row = top + y * width;
    pixels.fill(colour, row + first, row + last);
    pixels[row + last - 1] = last - first >= tickMin ? tick : colour;
    if (!isBackup) continue;
    for (let x = first + 1; x < last; x++) if (((x + y) & 3) < 2) pixels[row + x] = pale;
  }
}

function paintRunning(
  pixels: Uint32Array,
  bar: Bar,
  top: number,
  { view, colours }: { view: View; colours: Colours },
): void {
  const { fromMs, laneHeight, toMs, width } = view;
  const scale = width / (toMs - fromMs);
  const first = Math.max(0, Math.floor((bar.fromMs - fromMs) * scale));
  const end = (bar.fromMs + bar.lengthMs - fromMs) * scale;
  const last = Math.min(width - 1, Math.max(first, Math.floor(end)));
  if (first >= width || end < 0) return;
  const colour = colours.stages[bar.stage % colours.stages.length] as number;
  const pale = mixed(colours.ground, colour, 0.55);
  const height = laneHeight > 3 ? laneHeight - 1 : laneHeight;
  for (let y = 0; y < height; y++) {
    const row = top + y * width;
    pixels.fill(pale, row + first, row + last + 1);
    pixels[row + last] = colour;
  }
}
