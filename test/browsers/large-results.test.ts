/** Results of a tab that together exceed one message, each of them allowed. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { JobSummary } from "../../src/core/summary.ts";
import { options, sharedChromium } from "./chromium.ts";
import { asked, type Cluster, isJoined, joinIn, startCluster } from "./cluster.ts";
import { mishapsOf, numbers } from "./slow-job.ts";

const chromium = sharedChromium();

/** Items of this many letters, each taking `ms`. */
const source = `
import { tasks } from "tequio";
export default tasks({
  name: "large", attempts: 1,
  params: { count: 1, letters: 1, ms: 0 },
  items: ({ count }) => Array.from({ length: count }, (_, i) => i),
  async run(item, { params }) {
    if (params.ms > 0) await new Promise((resolve) => setTimeout(resolve, params.ms));
    return [item, '"'.repeat(params.letters)];
  },
});`;

/** The items that were returned, with the length of each. */
async function runLarge(t: TestContext, count: number, letters: number): Promise<void> {
  const cluster = await startCluster(t, "--workers", "0");
  const page = await joinIn(await chromium.newContext(t), cluster.link);
  await isJoined(page);
  cluster.place.write("large.ts", source);
  const params = ["--param", `count=${count}`, "--param", `letters=${letters}`];
  const { code, err, out } = await cluster.place.run("run", "large.ts", ...params, "-o", "-");
  assert.equal(code, 0, err);
  const items = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as [number, string]);
  assert.deepEqual(
    items.map(([item]) => item),
    numbers(count),
  );
  assert.ok(items.every(([, text]) => text.length === letters));
  assert.deepEqual(await mishapsOf(cluster, "j-1"), [0, 0]);
  assert.equal(await page.locator("text=/larger than|too large/").count(), 0);
}

test("200 results of 30 kB, in one batch of a tab, arrive", options, async (t) => {
  await runLarge(t, 200, 30_000);
});

test("20 results of the largest size, in one batch of a tab, arrive", options, async (t) => {
  // Each quote takes two bytes in the result, and four in its report.
  await runLarge(t, 20, 500_000);
});

/** Of closing a tab in the middle of a job. */
const triesMax = 5;

test("a closed tab loses no more than what it computed in the last second", options, async (t) => {
  const cluster = await startCluster(t, "--workers", "0", "--tab-return", "1s");
  const { place } = cluster;
  const page = await joinIn(await chromium.newContext(t), cluster.link);
  await isJoined(page);
  place.write("large.ts", source);
  const params = ["--param", "count=40", "--param", "letters=1", "--param", "ms=100"];
  // Known to be short, the tasks of the second job are sent together.
  const first = await place.run("run", "large.ts", ...params, "-o", "-");
  assert.equal(first.code, 0, first.err);
  let closing = page;
  let kept = 41;
  // On a busy machine the tab may have done all before it is closed, which shows nothing.
  for (let job = 2; kept === 41 && job < 2 + triesMax; job++) {
    const run = place.run("run", "large.ts", ...params, "--param", "count=41", "-o", "-");
    while ((await doneOf(cluster, job)) < 12) await delay(50);
    await closing.context().close();
    kept = await doneOf(cluster, job);
    closing = await joinIn(await chromium.newContext(t), cluster.link);
    await isJoined(closing);
    const { code, err, out } = await run;
    assert.equal(code, 0, err);
    assert.equal(out.trim().split("\n").length, 41);
  }
  assert.ok(kept >= 12 && kept < 41, `${kept} of 41 were reported when it was closed`);
});

/** Tasks of the job that are done; 0 when it is not there yet: an answer without stages. */
async function doneOf(cluster: Cluster, job: number): Promise<number> {
  const { stages } = await asked<Partial<JobSummary>>(cluster, `/v1/jobs/j-${job}`);
  return stages?.[0]?.done ?? 0;
}
