/** A tab keeps large inputs on its device, within a quota that it shows. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { polled } from "../../src/store/testing/polled.ts";
import { options, sharedChromium } from "./chromium.ts";
import { isJoined, joinIn, startCluster } from "./cluster.ts";

const chromium = sharedChromium();
const job = `import { mapReduce, text } from "tequio";
export default mapReduce({ input: text.lines(), map: (line, emit) => emit(line.length, 1),
  combine: (a, b) => a + b });
`;
const megabytes = 8;

/** MB that the page shows there. */
async function shown(page: Page, id: string): Promise<number> {
  return Number.parseFloat((await page.textContent(id)) ?? "");
}

test("a second job on the same data fetches none of it, and 0 keeps none", options, async (t) => {
  const { link, place } = await startCluster(t, "--workers", "0");
  place.write("job.ts", job);
  const line = `${"x".repeat(999)}\n`;
  place.write("input.txt", line.repeat(megabytes * 1_000));
  const context = await chromium.newContext(t);
  const page = await joinIn(context, link);
  await isJoined(page);
  const run = async () => {
    const { code, err, out } = await place.run("run", "job.ts", "input.txt", "-o", "-");
    assert.equal(code, 0, err);
    assert.equal(out, `{"key":999,"value":${megabytes * 1_000}}\n`);
  };
  await run();
  await page.waitForSelector(`#cache-used >> text=/^${megabytes}[.]0 MB/`);
  const used = await polled(
    () => shown(page, "#budget-used"),
    (mb) => mb >= megabytes,
  );
  await page.reload();
  await isJoined(page);
  await page.waitForSelector(`#cache-used >> text=/^${megabytes}[.]0 MB/`);
  await run();
  // The page shows what was used within a moment.
  await page.waitForSelector('[data-phase="joined"]');
  assert.ok((await shown(page, "#budget-used")) < used + 2);
  await page.fill("#cache", "0");
  await page.locator("#cache").blur();
  await page.waitForSelector("#cache-used >> text=/^0[.]0 MB/");
});
