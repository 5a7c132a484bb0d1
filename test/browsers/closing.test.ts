/** A tab that is closed hands back what it has at once, however it is closed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { polled } from "../../src/store/testing/polled.ts";
import { options, sharedChromium } from "./chromium.ts";
import { isJoined, joinIn, startCluster, workersOf } from "./cluster.ts";
import { isComputing, itemsOf, mishapsOf, numbers, submitSlow } from "./slow-job.ts";

const chromium = sharedChromium();

const ways: ReadonlyArray<readonly [how: string, close: (page: Page) => Promise<unknown>]> = [
  ["closed", (page) => page.close()],
  ["sent elsewhere", (page) => page.goto("about:blank")],
];

test("B1: a tab whose Worker has no time for a goodbye hands back at once", options, async (t) => {
  const cluster = await startCluster(t, "--workers", "0", "--tab-return", "1h");
  const context = await chromium.newContext(t);
  await context.addInitScript(`{
    const { postMessage } = Worker.prototype;
    Worker.prototype.postMessage = function (message, ...rest) {
      if (message.kind !== "leave") postMessage.call(this, message, ...rest);
    };
  }`);
  const page = await joinIn(context, cluster.link);
  await isJoined(page);
  await submitSlow(cluster, 12, 250);
  await isComputing(page);
  await page.close();
  // Also the page's own connection would have an hour to come back.
  await polled(
    () => workersOf(cluster),
    ({ length }) => length === 0,
  );
});

test("B1: a tab that is closed or sent elsewhere hands back at once", options, async (t) => {
  // One that is only away has an hour: the test would not end within its limit.
  const cluster = await startCluster(t, "--workers", "0", "--tab-return", "1h");
  const context = await chromium.newContext(t);
  for (const [how, close] of ways) {
    const page = await joinIn(context, cluster.link);
    await isJoined(page);
    const job = await submitSlow(cluster, 12, 250);
    await isComputing(page);
    await close(page);
    await polled(
      () => workersOf(cluster),
      ({ length }) => length === 0,
    );
    const other = await joinIn(context, cluster.link);
    assert.deepEqual(await itemsOf(cluster, job), numbers(12), how);
    const [lost, failed] = await mishapsOf(cluster, job);
    // What it held: more of it unstarted where a busy machine makes round trips long.
    assert.ok(lost <= 12, `${lost} attempts were lost when it was ${how}`);
    assert.equal(failed, 0, how);
    await other.click("#stop");
    await other.close();
    await polled(
      () => workersOf(cluster),
      ({ length }) => length === 0,
    );
  }
});
