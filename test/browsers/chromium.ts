/** The Chromium that the tests of one file share: how it is started, why they are skipped without
 *  one, and how long they may take. */
import { after, type TestContext } from "node:test";
import type { Browser, BrowserContext } from "playwright-core";
import { findChromium, startChromium } from "../simulation/chromium.ts";

const found = findChromium();

/** Of each test that needs it. The machine may be busy with other tests: no limit is near what a
 *  quiet one takes. */
export const options = {
  skip: found === null ? "no Chromium: set CHROMIUM to the path of one" : false,
  timeout: 200_000,
};
const waitMaxMs = 90_000;

export type SharedChromium = {
  /** Started by whoever asks first. */
  browser(): Promise<Browser>;
  /** With storage of its own, closed when the test ends. */
  newContext(t: TestContext): Promise<BrowserContext>;
};

/** To be called once by a test file. */
export function sharedChromium(): SharedChromium {
  let starting: Promise<Browser> | null = null;
  const browser = () => {
    starting ??= startChromium(found as string);
    return starting;
  };
  after(async () => (await starting)?.close());
  return {
    browser,
    async newContext(t) {
      const context = await (await browser()).newContext();
      context.setDefaultTimeout(waitMaxMs);
      t.after(() => context.close());
      return context;
    },
  };
}
