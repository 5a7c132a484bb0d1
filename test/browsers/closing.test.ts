/** A tab that is closed hands back what it has at once, however it is closed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { options, sharedChromium } from "./chromium.ts";
import { type Cluster, isJoined, joinIn, startCluster } from "./cluster.ts";
import { isComputing, itemsOf, mishapsOf, numbers, submitSlow } from "./slow-job.ts";

const chromium = sharedChromium();

async function liveCount({ place, url }: Cluster): Promise<number> {
  const authorization = `Bearer ${place.read("data/admin.token").trim()}`;
  const answer = await fetch(`${url}/v1/workers`, { headers: { authorization } });
  const { workers } = (await answer.json()) as { workers: Array<{ state: string }> };
  return workers.filter(({ state }) => state === "live").length;
}

const ways: ReadonlyArray<readonly [how: string, close: (page: Page) => Promise<unknown>]> = [
  ["closed", (page) => page.close()],
  ["sent elsewhere", (page) => page.goto("about:blank")],
];

test("B1: a tab that is closed or sent elsewhere hands back at once", options, async (t) => {
  // One that is only away has ten minutes: the test would not end within its limit.
  const cluster = await startCluster(t, "--workers", "0", "--tab-return", "10m");
  const context = await chromium.newContext(t);
  for (const [how, close] of ways) {
    const page = await joinIn(context, cluster.link);
    await isJoined(page);
    const job = await submitSlow(cluster, 12, 250);
    await isComputing(page);
    await close(page);
    while ((await liveCount(cluster)) > 0) await new Promise(setImmediate);
    const other = await joinIn(context, cluster.link);
    assert.deepEqual(await itemsOf(cluster, job), numbers(12), how);
    const [lost] = await mishapsOf(cluster, job);
    assert.ok(lost <= 2, `${lost} attempts were lost when it was ${how}`);
    await other.click("#stop");
    await other.close();
    while ((await liveCount(cluster)) > 0) await new Promise(setImmediate);
  }
});
