/** The Chromium that tests of one process share: how it is started, why they are skipped without
 *  one, and their time limits. */
import { after, type TestContext } from "node:test";
import type { Browser, BrowserContext, BrowserContextOptions } from "playwright-core";
import { testMaxMs, waitMaxMs } from "../../src/store/testing/patience.ts";
import { findChromium, startChromium } from "../simulation/chromium.ts";

const found = findChromium();

/** Options of each test that needs it. The machine may be busy with other tests: the limits are far
 *  above the usual time. */
export const options = {
  skip: found === null ? "no Chromium: set CHROMIUM to the path of one" : false,
  timeout: testMaxMs,
};

export type SharedChromium = {
  /** Started by the first caller. */
  browser(): Promise<Browser>;
  /** With storage of its own, closed when the test ends. */
  newContext(t: TestContext, more?: BrowserContextOptions): Promise<BrowserContext>;
};

/** Several files may share a process (`scripts/suite/parts.ts`). */
let starting: Promise<Browser> | null = null;

/** To be called once per test file. It is closed when all tests of the process have ended. */
export function sharedChromium(): SharedChromium {
  const browser = () => {
    starting ??= startChromium(found as string);
    return starting;
  };
  after(async () => (await starting)?.close());
  return {
    browser,
    async newContext(t, more = {}) {
      const context = await (await browser()).newContext(more);
      context.setDefaultTimeout(waitMaxMs);
      t.after(() => context.close());
      return context;
    },
  };
}
