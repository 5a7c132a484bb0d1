/** A profile as a flame graph: one HTML file without scripts, whose bars are as wide as the time
 *  that a function took with all that it called; callers are above. */
import type { Frame, Profile } from "./tree.ts";

const width = 1200;
const rowHeight = 20;
/** Narrower bars are left out, in pixels. */
const least = 0.4;
const letter = 6.6;

type Bar = { readonly frame: Frame; readonly x: number; readonly depth: number };

export function flameHtml({ root }: Profile, title: string): string {
  const bars: Bar[] = [];
  const scale = width / Math.max(1, root.totalUs);
  place(root, { x: 0, depth: 0, scale, bars });
  const depth = bars.reduce((most, bar) => Math.max(most, bar.depth), 0);
  const height = (depth + 1) * rowHeight;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escaped(title)}</title><style>
:root { color-scheme: light dark; font: 13px system-ui, sans-serif }
body { margin: 1rem } svg { width: 100%; height: auto; min-width: 40rem }
div { overflow-x: auto } rect { stroke: Canvas } text { font: 11px ui-monospace, monospace }
.job { fill: #e8793a } .job + text { fill: #000 }
.other { fill: #c9ccd1 } .other + text { fill: #000 }
</style></head><body><h1>${escaped(title)}</h1>
<p>Orange: functions of the job. Grey: all else. Hover a bar for its time.</p>
<div tabindex="0" role="region" aria-label="flame graph">
<svg viewBox="0 0 ${width} ${height}" role="img">
<title>Where the time went</title>
${bars.map((bar) => svgOf(bar, scale, root.totalUs)).join("\n")}
</svg></div></body></html>
`;
}

type Placing = { readonly x: number; readonly depth: number; readonly scale: number } & {
  readonly bars: Bar[];
};

function place(frame: Frame, { bars, depth, scale, x }: Placing): void {
  if (frame.totalUs * scale < least) return;
  bars.push({ frame, x, depth });
  let at = x;
  for (const child of frame.children) {
    place(child, { x: at, depth: depth + 1, scale, bars });
    at += child.totalUs * scale;
  }
}

function svgOf({ depth, frame, x }: Bar, scale: number, allUs: number): string {
  const wide = frame.totalUs * scale;
  const name = frame.place === "" ? frame.name : `${frame.name} (${frame.place})`;
  const share = ((100 * frame.totalUs) / Math.max(1, allUs)).toFixed(1);
  const letters = Math.floor((wide - 6) / letter);
  const shown = name.length <= letters ? name : letters < 4 ? "" : `${name.slice(0, letters - 1)}…`;
  const kind = frame.place === "" ? "other" : "job";
  const y = depth * rowHeight;
  const size = `x="${x.toFixed(1)}" y="${y}" width="${wide.toFixed(1)}" height="${rowHeight - 1}"`;
  const tip = `${name}: ${(frame.totalUs / 1_000).toFixed(1)} ms, ${share} %`;
  const text = `<text x="${(x + 3).toFixed(1)}" y="${y + 14}">${escaped(shown)}</text>`;
  return `<g><title>${escaped(tip)}</title><rect class="${kind}" ${size}/>${text}</g>`;
}

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", '"': "&quot;" };

function escaped(text: string): string {
  return text.replace(/[&<"]/g, (one) => entities[one] as string);
}
