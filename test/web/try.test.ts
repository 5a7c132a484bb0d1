/** The Try page in a real Chromium: written, checked, run in its sandbox, seen as table and bars.
 *  */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startCluster } from "../browsers/cluster.ts";
import { findChromium, startChromium } from "../simulation/chromium.ts";
import { fits, openScreen, violations } from "./screens.ts";

const found = findChromium();
const skip = found === null ? "no Chromium: set CHROMIUM to the path of one" : false;

test("a small job is written with types, run on a sample, and seen as table and bars", {
  skip,
}, async (t) => {
  const cluster = await startCluster(t, "--workers", "0");
  const browser = await startChromium(found!);
  t.after(() => browser.close());
  const token = cluster.place.read("data/admin.token").trim();
  const { errors, page } = await openScreen(browser, `${cluster.url}/try#token=${token}`);
  await page.click("#run:not([disabled])");
  await page.waitForSelector(".rows >> text=the");
  assert.match((await page.textContent(".bars"))!, /^the11is3/);
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    assert.deepEqual(await violations(page), [], colorScheme);
  }
  await fits(page);
  await page.selectOption("main select", "tasks");
  await page.click("#run");
  await page.waitForSelector("text=9 takes 19 steps");
  await page.fill(".cm-content", "const n: number = 'one';\nexport default n;");
  await page.waitForSelector(".cm-lintRange-error");
  await page.click("#run");
  await page.waitForSelector("[role=alert]");
  const probe = `import { tasks } from "tequio";
const run = () => fetch("/v1/me").then(() => "out", () => "kept in");
export default tasks({ items: [0], run });`;
  await page.fill(".cm-content", probe);
  await page.click("#run");
  await page.waitForSelector(".rows >> text=kept in");
  assert.deepEqual(errors, []);
});
