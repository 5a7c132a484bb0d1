/** Bars of what was measured, as an SVG that reads well on light and on dark pages. */
import type { Figure } from "./case.ts";

const width = 760;
const labelWidth = 290;
const rowHeight = 24;
const titleHeight = 36;
/** Right of the longest bar, for its value. */
const valueWidth = 90;

const style = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600 }
  .rival { fill: #9aa4af }
  .ours { fill: #1a7f5a }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .rival { fill: #6b7580 }
    .ours { fill: #3fb98a }
  }`;

type Row = { readonly figure: Figure; readonly bar: NonNullable<Figure["bar"]> };

/** One group of bars for each title, in the order in which titles come; "" when there is no bar. */
export function plot(figures: readonly Figure[], valueText: (figure: Figure) => string): string {
  const rows = figures.flatMap((figure) => (figure.bar ? [{ figure, bar: figure.bar }] : []));
  const groups = Map.groupBy(rows, ({ bar }) => bar.title);
  if (groups.size === 0) return "";
  const parts: string[] = [];
  let top = 0;
  for (const [title, group] of groups) {
    parts.push(`<text class="title" x="0" y="${top + 22}">${escaped(title)}</text>`);
    top += titleHeight;
    const longest = Math.max(...group.map(({ figure }) => figure.value));
    for (const row of group) {
      parts.push(drawn(row, top, longest, valueText(row.figure)));
      top += rowHeight;
    }
  }
  const size = `viewBox="0 0 ${width} ${top + 8}"`;
  const head = `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img">`;
  return [head, `<style>${style}\n</style>`, ...parts, "</svg>", ""].join("\n");
}

function drawn({ figure, bar }: Row, top: number, longest: number, value: string): string {
  const room = width - labelWidth - valueWidth;
  const length = longest > 0 ? Math.max(1, (figure.value / longest) * room) : 1;
  const kind = bar.isOurs ? "ours" : "rival";
  const at = labelWidth + 8;
  const text = escaped(bar.label);
  const label = `<text x="${labelWidth}" y="${top + 15}" text-anchor="end">${text}</text>`;
  const size = `width="${length.toFixed(1)}" height="${rowHeight - 8}"`;
  const rect = `<rect class="${kind}" x="${at}" y="${top + 2}" ${size} rx="2"/>`;
  const end = (at + length + 6).toFixed(1);
  return `${label}${rect}<text x="${end}" y="${top + 15}">${escaped(value)}</text>`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
