/** Where the bars of a flame graph are: callers above, as wide as the time that a function took
 *  with all that it called. Pure. */
import type { ProfileFrame } from "../../wire/api/profile.ts";

/** x and width are shares of the whole width, 0 to 1; `at` is the frame's index. */
export type Bar = {
  readonly at: number;
  readonly depth: number;
  readonly x: number;
  readonly width: number;
};

/** Narrower bars are left out, until one is enlarged. */
const least = 0.001;

/** `zoomed`: index of the frame that is as wide as the whole, as are its callers. */
export function barsOf(frames: readonly ProfileFrame[], zoomed: number): Bar[] {
  const [depthOfZoomed = 0, , , , wholeUs = 0] = frames[zoomed] ?? [];
  /** By depth: where the next callee of the frame on the way begins. */
  const next: number[] = [];
  let zoomedStart = 0;
  const bars: Bar[] = [];
  for (const [at, [depth, , , , totalUs]] of frames.entries()) {
    const start = next[depth - 1] ?? 0;
    if (depth > 0) next[depth - 1] = start + totalUs;
    next[depth] = start;
    if (at === zoomed) zoomedStart = start;
    if (at <= zoomed) {
      if (isCaller(frames, at, zoomed)) bars.push({ at, depth, x: 0, width: 1 });
    } else if (depth <= depthOfZoomed) break;
    else {
      const width = totalUs / Math.max(1, wholeUs);
      const x = (start - zoomedStart) / Math.max(1, wholeUs);
      if (width >= least) bars.push({ at, depth, x, width });
    }
  }
  return bars;
}

/** Whether `at`, which is not behind it, is the frame or on the way to it. */
function isCaller(frames: readonly ProfileFrame[], at: number, frame: number): boolean {
  const depth = frames[at]?.[0] ?? 0;
  for (let i = at + 1; i <= frame; i++) if ((frames[i]?.[0] ?? 0) <= depth) return false;
  return true;
}

const keys = ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home"] as const;
export type MoveKey = (typeof keys)[number];

export function isMove(key: string): key is MoveKey {
  return (keys as readonly string[]).includes(key);
}

/** The frame that a key goes to from the one at `at`: itself when there is none. */
export function moved(bars: readonly Bar[], at: number, key: MoveKey): number {
  const place = bars.findIndex((bar) => bar.at === at);
  const bar = bars[place];
  if (bar === undefined || key === "Home") return bars[0]?.at ?? 0;
  if (key === "ArrowDown") {
    const callee = bars[place + 1];
    return callee?.depth === bar.depth + 1 ? callee.at : at;
  }
  if (key === "ArrowUp") return beside(bars.slice(0, place).reverse(), bar.depth - 1) ?? at;
  const others = key === "ArrowRight" ? bars.slice(place + 1) : bars.slice(0, place).reverse();
  return beside(others, bar.depth) ?? at;
}

function beside(bars: readonly Bar[], depth: number): number | undefined {
  return bars.find((bar) => bar.depth === depth)?.at;
}
