/** The simulation in a real tab: the same runs as in Node, and a cluster of a thousand workers in
 *  which viewers can inject faults. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { buildSimulationPage } from "../../scripts/web/simulation-page.ts";
import { simulate } from "../../sim/simulate.ts";
import { waitMaxMs } from "../../src/store/testing/patience.ts";
import { findChromium, often, startChromium } from "./chromium.ts";

type Now = { nowMs: number; jobsDone: number; broken: string; lost: number; away: number };
/** The page's interface for tests; see sim/page/main.ts. */
declare const simulation: {
  trace(seed: number): Promise<{ trace: string; events: number; broken: string }>;
  now(): Now;
};

const found = findChromium();
const skip = found === null ? "no Chromium: set CHROMIUM to the path of one" : false;
let browser: Browser | null = null;
let address = "";

before(async () => {
  if (found === null) return;
  address = pathToFileURL(await buildSimulationPage()).href;
  browser = await startChromium(found);
});
after(() => browser?.close());

/** A tab with the page, whose errors are collected. */
async function open(query: string, width = 1280): Promise<{ page: Page; errors: string[] }> {
  const page = await browser!.newPage({ viewport: { width, height: 800 } });
  page.setDefaultTimeout(waitMaxMs);
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("request", (request) => {
    if (!/^(file|data|blob):/.test(request.url())) errors.push(`asks for ${request.url()}`);
  });
  await page.goto(`${address}?${query}`);
  return { page, errors };
}

/** Waits until the text there matches. */
async function shows(page: Page, where: string, pattern: string): Promise<void> {
  await page.waitForFunction(
    ([where, pattern]) => {
      const { document } = globalThis as unknown as {
        document: { querySelector(name: string): { readonly textContent: string } | null };
      };
      const text = document.querySelector(where as string)?.textContent ?? "";
      return new RegExp(pattern as string, "s").test(text);
    },
    [where, pattern],
    often[1],
  );
}

test("I22: a seed gives the same run in a tab as in Node, event for event", { skip }, async () => {
  const { page, errors } = await open("workers=4");
  for (const seed of [3, 7]) {
    const { broken, events, trace } = await simulate({ seed });
    assert.equal(broken, null);
    const inTab = await page.evaluate((seed) => simulation.trace(seed), seed);
    assert.deepEqual(inTab, { trace, events, broken: "" });
  }
  assert.deepEqual(errors, []);
  await page.close();
});

test("a thousand workers finish a job in a tab, though 12 % are killed", { skip }, async () => {
  const { page, errors } = await open("workers=1000&seed=11&jobs=1&mishaps=0");
  await page.selectOption("#speed", "60");
  await page.waitForFunction(() => simulation.now().nowMs > 5_000, ...often);
  await page.click("[data-fault=kill]");
  await page.waitForFunction(() => simulation.now().lost === 120, ...often);
  // The page is drawn after the simulation has gone on.
  await shows(page, "#story", "is killed.*And 119 more");
  await page.waitForFunction(() => simulation.now().jobsDone > 0, ...often);
  const { broken } = await page.evaluate(() => simulation.now());
  assert.equal(broken, "");
  await shows(page, "#figures", "all laws hold");
  assert.deepEqual(errors, []);
  await page.close();
});

test("the page fits a phone, and is accessible in light and dark", { skip }, async () => {
  const { page } = await open("workers=100&seed=1", 390);
  const tooWide = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
  assert.equal(tooWide, 0);
  const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  await page.click("#play");
  await page.evaluate(axe);
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    const violations = await page.evaluate(
      "axe.run().then(({ violations: all }) => all.map(({ id, nodes }) => id + nodes[0].html))",
    );
    assert.deepEqual(violations, [], colorScheme);
  }
  await page.close();
});
