/** A large job's timeline keeps up with the screen: 200 workers, 100,000 attempts, more coming. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Page, Route } from "playwright-core";
import { startCluster } from "../browsers/cluster.ts";
import { findChromium, startChromium } from "../simulation/chromium.ts";
import { openScreen } from "./screens.ts";

const found = findChromium();
const skip = found === null ? "no Chromium: set CHROMIUM to the path of one" : false;
const workers = 200;
const attempts = 100_000;
const answerMax = 20_000;
const originMs = 1_000_000;

/** Answers of a coordinator for a job that has run 100,000 tasks, with 20 more each time. */
function made() {
  let ended = attempts;
  return (after: number) => {
    if (after >= attempts) ended += 20;
    const next = Math.min(after + answerMax, ended);
    const rows: number[] = [];
    for (let n = after; n < next; n++) {
      const at = Math.floor(n / workers) * 100;
      const outcome = n % 997 === 0 ? 3 : n % 499 === 0 ? 1 + 8 : 1;
      rows.push(n < attempts / 2 ? 0 : 1, n, 1, 1 + (n % workers), at, 60 + (n % 40), outcome);
    }
    return { originMs, partial: false, next, more: next < ended, ended: rows, running: [] };
  };
}

function summary(): unknown {
  const stage = (kind: string, done: number) => ({
    ...{ kind, taskCount: attempts / 2, waiting: 0, ready: 0, running: workers, done },
    ...{ attemptsFailed: 0, attemptsLost: 101, backups: 200, inputBytes: 0, inputBytesDone: 0 },
    ...{ outputBytes: 0, outputRecords: 0, startedAtMs: originMs, endedAtMs: 0, meanMs: 80 },
  });
  const stages = [stage("map", attempts / 2), stage("reduce", attempts / 2 - workers)];
  return {
    ...{ job: "j-77", name: "large", owner: "admin", state: "running", failure: null, errors: [] },
    ...{ submittedAtMs: originMs, endedAtMs: 0, atMs: originMs + 50_000, stages, counters: {} },
    ...{ output: "ndjson", waitingFor: "" },
  };
}

async function pretend(page: Page): Promise<void> {
  const answer = made();
  const json = (route: Route, value: unknown) => route.fulfill({ json: value });
  await page.route("**/v1/jobs/j-77/watch", (route) => {
    void route.fulfill({ contentType: "application/x-ndjson", body: JSON.stringify(summary()) });
  });
  await page.route("**/v1/jobs/j-77/attempts*", (route) => {
    const after = Number(new URL(route.request().url()).searchParams.get("after"));
    void json(route, answer(after));
  });
  await page.route("**/v1/jobs/j-77/why*", (route) => json(route, { reasons: [] }));
  await page.route("**/v1/jobs/j-77/logs*", (route) => route.fulfill({ body: "" }));
}

/** ms a frame, at 60 a second. */
const frameMs = 1_000 / 60;

/** Times between frames while the timeline is zoomed and moved with each, ms. */
const measured = `new Promise((resolve) => {
  const canvas = document.querySelector(".lanes canvas");
  const press = (key) => canvas.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  const times = [];
  let before = performance.now();
  const frame = (now) => {
    times.push(now - before);
    before = now;
    if (times.length === 150) return resolve(times.slice(10));
    press(["+", "ArrowRight", "ArrowLeft", "-"][Math.floor(times.length / 5) % 4]);
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
})`;

test("the timeline of 200 workers and 100,000 tasks moves at 60 frames a second", {
  skip,
}, async (t: TestContext) => {
  const cluster = await startCluster(t, "--workers", "0");
  const browser = await startChromium(found!);
  t.after(() => browser.close());
  const { errors, page } = await openScreen(browser, `${cluster.url}/#token=x`);
  await pretend(page);
  const token = cluster.place.read("data/admin.token").trim();
  await page.goto(`${cluster.url}/jobs/j-77#token=${token}`);
  await page.waitForSelector("text=/Attempts: 100,\\d+, workers: 200/");
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Performance.enable", { timeDomain: "threadTicks" });
  const busyMs = async () => {
    const { metrics } = await devtools.send("Performance.getMetrics");
    return metrics.find(({ name }) => name === "TaskDuration")!.value * 1_000;
  };
  const beganMs = await busyMs();
  const times = (await page.evaluate(measured)) as number[];
  // On a busy machine a frame comes late, and takes as much of the processor as on any other.
  const eachMs = ((await busyMs()) - beganMs) / (times.length + 10);
  const median = times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)]!;
  const text = `the page works ${eachMs.toFixed(1)} ms a frame, every ${median.toFixed(1)} ms`;
  t.diagnostic(text);
  assert.ok(eachMs > 0 && eachMs < frameMs, text);
  assert.deepEqual(errors, []);
});
