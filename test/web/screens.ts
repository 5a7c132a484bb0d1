/** Helpers for tests of the page's screens in a real Chromium. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Browser, Page } from "playwright-core";
import { waitMaxMs } from "../../src/store/testing/patience.ts";

export type Screen = { readonly page: Page; readonly errors: string[] };
export type Look = {
  readonly width?: number;
  readonly height?: number;
  readonly dark?: boolean;
  readonly language?: string;
};

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** A page of its own storage, whose errors are collected. */
export async function openScreen(browser: Browser, url: string, look: Look = {}): Promise<Screen> {
  const { dark = false, height = 900, language = "en-US", width = 1280 } = look;
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: dark ? "dark" : "light",
    locale: language,
    acceptDownloads: true,
  });
  context.setDefaultTimeout(waitMaxMs);
  const page = await context.newPage();
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  await page.goto(url);
  return { page, errors };
}

/** What axe finds, by rule with the first place. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const found = await page.evaluate(
    "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => " +
      'violations.map(({ id, nodes }) => [id, nodes[0].html, nodes[0].failureSummary].join("  ")))',
  );
  return found as string[];
}

/** Nothing lies beyond the right edge of the screen. */
export async function fits(page: Page): Promise<void> {
  const over = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
  assert.ok((over as number) <= 0, `${over} px too wide at ${page.url()}`);
}

/** How many different colours a part of the screen has: a blank one has one or two. */
export async function colourCount(page: Page, selector: string): Promise<number> {
  const count = await page.evaluate(
    `(() => {
      const canvas = document.querySelector(${JSON.stringify(selector)});
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      return new Set(new Uint32Array(data.buffer)).size;
    })()`,
  );
  return count as number;
}
