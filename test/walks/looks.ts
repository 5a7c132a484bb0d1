/** How a page looks, compared with how it looked when someone last looked at it: a screenshot as a
 *  grid of brightness, which is text in `looks/`, so that a change is part of a review. Letters are
 *  finer than the grid: other fonts and other numbers leave it as it is, a part that is missing,
 *  has moved or has lost its colours does not. `LOOKS=record npm test -- FILE` writes the grids
 *  again, and the screenshots into `out/looks` for the eye. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { repository } from "../fixtures/programs.ts";

/** Edge of a square of the grid, px of the page. */
const square = 20;
/** Squares that may differ, by two steps of brightness out of nine. */
const differentMax = 0.04;

/** `name`: of the file; light, dark and phone have one each. */
export async function looksAsBefore(page: Page, name: string): Promise<void> {
  // Charts and codes for cameras differ in each run.
  const mask = [page.locator("canvas, svg.spark, .large-link img")];
  const png = await page.screenshot({ mask, maskColor: "#808080", animations: "disabled" });
  const grid = await gridOf(page, png.toString("base64"));
  const file = join(import.meta.dirname, "looks", `${name}.txt`);
  if (process.env.LOOKS === "record") {
    const folder = join(repository, "out", "looks");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${name}.png`), png);
    writeFileSync(file, `${grid.join("\n")}\n`);
    return;
  }
  const before = readFileSync(file, "utf8").trimEnd().split("\n");
  const share = different(before, grid);
  const text = `${name}: ${(100 * share).toFixed(1)} % look different;`;
  assert.ok(share <= differentMax, `${text} now:\n${grid.join("\n")}`);
}

/** Decoded and averaged by the browser: rows of digits, 0 = black, 9 = white. */
async function gridOf(page: Page, png: string): Promise<string[]> {
  const blank = await page.context().newPage();
  const rows = await blank.evaluate(
    `(async () => {
      const bytes = Uint8Array.from(atob(${JSON.stringify(png)}), (c) => c.charCodeAt(0));
      const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
      const { width, height } = image;
      const context = new OffscreenCanvas(width, height).getContext("2d");
      context.drawImage(image, 0, 0);
      const { data } = context.getImageData(0, 0, width, height);
      const rows = [];
      for (let y = 0; y + ${square} <= height; y += ${square}) {
        let row = "";
        for (let x = 0; x + ${square} <= width; x += ${square}) {
          let sum = 0;
          for (let i = 0; i < ${square * square}; i++) {
            const at = 4 * ((y + Math.floor(i / ${square})) * width + x + (i % ${square}));
            sum += 0.3 * data[at] + 0.6 * data[at + 1] + 0.1 * data[at + 2];
          }
          row += Math.min(9, Math.floor(sum / ${square * square} / 25.6));
        }
        rows.push(row);
      }
      return rows;
    })()`,
  );
  await blank.close();
  return rows as string[];
}

function different(before: readonly string[], now: readonly string[]): number {
  const height = Math.max(before.length, now.length);
  let [count, all] = [0, 0];
  for (let y = 0; y < height; y++) {
    const [a = "", b = ""] = [before[y], now[y]];
    for (let x = 0; x < Math.max(a.length, b.length); x++) {
      all++;
      if (!(Math.abs(Number(a[x] ?? "NaN") - Number(b[x] ?? "NaN")) < 2)) count++;
    }
  }
  return count / Math.max(1, all);
}
