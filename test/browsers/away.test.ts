/** Tabs that are connected and do not work: hidden, frozen, on battery, cut off, or with a dead
 *  sandbox. These tests wait most of the time, so they run in parallel. */
import assert from "node:assert/strict";
import { before, describe, type TestContext, test } from "node:test";
import type { Page } from "playwright-core";
import { buildWeb } from "../../scripts/web/build-web.ts";
import type { WorkerSummary } from "../../src/core/summary.ts";
import { waitMaxMs } from "../../src/store/testing/patience.ts";
import { TcpProxy } from "../network/proxy.ts";
import { options, sharedChromium } from "./chromium.ts";
import {
  type Cluster,
  figure,
  framesBecome,
  isJoined,
  joinIn,
  startCluster,
  workersOf,
} from "./cluster.ts";
import { PlainTab } from "./plain-tab.ts";
import { isComputing, itemsOf, mishapsOf, numbers, submitEndless, submitSlow } from "./slow-job.ts";

const chromium = sharedChromium();
// Once, not in each of them at the same time.
before(buildWeb);
const workersMaxMs = waitMaxMs;

const joins = `document.querySelector("#join") !== null &&
  (document.querySelector("#join").click(), true)`;
/** True when the pages of this origin hold so many locks, by the last answer. */
function locks(count: number): string {
  return `{
    navigator.locks.query().then(({ held }) => (globalThis.heldLocks = held.length));
    globalThis.heldLocks === ${count};
  }`;
}
const mayNotHide = `document.querySelector("#while-hidden") !== null &&
  (document.querySelector("#while-hidden").click(), true)`;
const computes = `performance.getEntriesByName("computing").length > 0`;

/** The connection that a plain tab shows, and why it pauses. */
function says(text: string): string {
  return `document.querySelector(".phase")?.textContent.includes(${JSON.stringify(text)}) === true`;
}

async function joined(tab: PlainTab): Promise<PlainTab> {
  await tab.until(joins);
  await tab.until(says("Joined"));
  return tab;
}

/** Polls until the workers meet the condition. */
async function workersBecome(
  cluster: Cluster,
  are: (workers: readonly WorkerSummary[]) => boolean,
): Promise<readonly WorkerSummary[]> {
  const endsAtMs = performance.now() + workersMaxMs;
  for (;;) {
    const workers = await workersOf(cluster);
    if (are(workers)) return workers;
    assert.ok(performance.now() < endsAtMs, `they stay ${JSON.stringify(workers)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Makes minutes pass in half a second, for the page's own timers. */
const shortMinutes = `{
  const later = window.setTimeout;
  window.setTimeout = (call, ms, ...rest) => later(call, ms >= 60_000 ? 500 : ms, ...rest);
}`;

describe("tabs that are away", { concurrency: true }, () => {
  test(
    "B2: a tab hidden for minutes ends what it has, and takes nothing until it is seen",
    options,
    hiddenTab,
  );
  test("B2: a hidden tab that may go on holds a lock, and takes tasks", options, hiddenOn);
  test("B2: a phone's tab that is hidden takes nothing at once", options, hiddenPhone);
  test(
    "B2: what a frozen tab has goes to others and counts once; it works again when it thaws",
    options,
    frozenTab,
  );
  test("a tab whose connection is metered takes nothing until it is not", options, metered);
  test("B2: a tab whose battery is low takes nothing until it is charged", options, lowBattery);
  test(
    "a network that is cut for 20 s, noticed or not, takes no work from tabs",
    options,
    cutNetwork,
  );
  test(
    "a sandbox whose process has died is replaced, and its task begun again",
    options,
    deadSandbox,
  );
  test("slots that a tab adds or removes count at once, and cost no work", options, movedSlider);
});

async function hiddenTab(t: TestContext): Promise<void> {
  const cluster = await startCluster(t, "--workers", "0");
  const browser = await chromium.browser();
  const tab = await PlainTab.open(t, browser, cluster.link, shortMinutes);
  await tab.until(mayNotHide);
  await joined(tab);
  const job = await submitSlow(cluster, 8, 500);
  await tab.until(computes);
  await tab.hide();
  await tab.until(says("hidden for 4 minutes"));
  const [worker] = await workersBecome(
    cluster,
    ([one]) => one?.paused !== "" && one?.running === 0,
  );
  assert.equal(worker?.paused, "hidden for 4 minutes");
  await tab.show();
  assert.deepEqual(await itemsOf(cluster, job), numbers(8));
  assert.deepEqual((await mishapsOf(cluster, job))[1], 0);
  await workersBecome(cluster, ([one]) => one?.paused === "");
}

async function hiddenOn(t: TestContext): Promise<void> {
  const cluster = await startCluster(t, "--workers", "0");
  const browser = await chromium.browser();
  const tab = await joined(await PlainTab.open(t, browser, cluster.link, shortMinutes));
  await tab.hide();
  await tab.until(locks(1));
  const job = await submitSlow(cluster, 8, 500);
  assert.deepEqual(await itemsOf(cluster, job), numbers(8));
  assert.equal((await workersOf(cluster))[0]?.paused, "");
  await tab.until(`document.querySelector("#while-hidden").click() || true`);
  await workersBecome(cluster, ([one]) => one?.paused === "hidden for 4 minutes");
  await tab.until(locks(0));
}

async function hiddenPhone(t: TestContext): Promise<void> {
  const cluster = await startCluster(t, "--workers", "0");
  const phone = `Object.defineProperty(navigator, "userAgentData", { value: { mobile: true } });`;
  const browser = await chromium.browser();
  const tab = await joined(await PlainTab.open(t, browser, cluster.link, phone));
  await tab.hide();
  await workersBecome(cluster, ([one]) => one?.paused === "hidden");
  await tab.show();
  await workersBecome(cluster, ([one]) => one?.paused === "");
}

async function frozenTab(t: TestContext): Promise<void> {
  const cluster = await startCluster(
    t,
    "--workers",
    "0",
    "--tab-silence",
    "4s",
    "--tab-return",
    "1s",
  );
  const browser = await chromium.browser();
  const frozen = await joined(await PlainTab.open(t, browser, cluster.link));
  const job = await submitSlow(cluster, 12, 400);
  await frozen.until(computes);
  await frozen.hide();
  await frozen.freeze(true);
  await workersBecome(cluster, (workers) => workers.length === 0);
  const other = await joinIn(await chromium.newContext(t), cluster.link);
  assert.deepEqual(await itemsOf(cluster, job), numbers(12));
  await frozen.freeze(false);
  await frozen.show();
  await workersBecome(cluster, (workers) => workers.length === 2);
  assert.deepEqual(await itemsOf(cluster, job), numbers(12));
  await other.click("#stop");
  await workersBecome(cluster, (workers) => workers.length === 1);
  const next = await submitSlow(cluster, 2, 10);
  assert.deepEqual(await itemsOf(cluster, next), numbers(2));
}

async function lowBattery(t: TestContext): Promise<void> {
  const cluster = await startCluster(t, "--workers", "0");
  const context = await chromium.newContext(t);
  await context.addInitScript(`{
      const battery = new EventTarget();
      Object.assign(battery, { charging: true, level: 0.8 });
      navigator.getBattery = async () => battery;
      window.becomes = (state, event) => {
        Object.assign(battery, state);
        battery.dispatchEvent(new Event(event));
      };
    }`);
  const page = await joinIn(context, cluster.link);
  await isJoined(page);
  await page.evaluate(`becomes({ charging: false }, "chargingchange")`);
  await submitDone(cluster, page, 1);
  await page.evaluate(`becomes({ level: 0.29 }, "levelchange")`);
  await workersBecome(cluster, ([one]) => one?.paused === "its battery is low");
  const job = await submitSlow(cluster, 2, 10);
  assert.equal((await workersOf(cluster))[0]?.running, 0);
  await page.evaluate(`becomes({ charging: true }, "chargingchange")`);
  assert.deepEqual(await itemsOf(cluster, job), numbers(2));
}

async function metered(t: TestContext): Promise<void> {
  const cluster = await startCluster(t, "--workers", "0");
  const context = await chromium.newContext(t);
  await context.addInitScript(`{
      const connection = Object.assign(new EventTarget(), { saveData: true });
      Object.defineProperty(navigator, "connection", { value: connection });
      window.becomes = (state) => {
        Object.assign(connection, state);
        connection.dispatchEvent(new Event("change"));
      };
    }`);
  const page = await joinIn(context, cluster.link);
  await isJoined(page);
  await workersBecome(cluster, ([one]) => one?.paused === "its connection is metered");
  const job = await submitSlow(cluster, 2, 10);
  assert.equal((await workersOf(cluster))[0]?.running, 0);
  await page.evaluate("becomes({ saveData: false })");
  assert.deepEqual(await itemsOf(cluster, job), numbers(2));
}

async function cutNetwork(t: TestContext): Promise<void> {
  const cutMs = 20_000;
  const cluster = await startCluster(t, "--workers", "0", "--tab-return", "2m");
  const open = async () => {
    const proxy = await TcpProxy.open(cluster.url);
    t.after(() => proxy.close());
    const link = cluster.link.replace(cluster.url, proxy.url);
    return { proxy, page: await joinIn(await chromium.newContext(t), link) };
  };
  const [cut, silent] = await Promise.all([open(), open()]);
  // Both have work from the start.
  await Promise.all([isJoined(cut.page), isJoined(silent.page)]);
  const job = await submitSlow(cluster, 30, 300);
  await Promise.all([isComputing(cut.page), isComputing(silent.page)]);
  const fair = cut.proxy.weather;
  cut.proxy.weather = { ...fair, cutAfterBytes: 0 };
  cut.proxy.cutAll();
  silent.proxy.weather = { ...fair, silent: new Set(["up", "down"]) };
  const before = cut.proxy.counts.connections;
  await cut.page.waitForSelector('[data-phase="waiting"]');
  await new Promise((resolve) => setTimeout(resolve, cutMs));
  const dialled = cut.proxy.counts.connections - before;
  cut.proxy.weather = fair;
  silent.proxy.weather = fair;
  // Swallowing bytes makes these connections unusable.
  silent.proxy.cutAll();
  assert.deepEqual(await itemsOf(cluster, job), numbers(30));
  assert.deepEqual(await mishapsOf(cluster, job), [0, 0]);
  await Promise.all([isJoined(cut.page), isJoined(silent.page)]);
  // 0.25 s, 0.5 s, … 15 s apart, and a request of its data now and then.
  assert.ok(dialled >= 3 && dialled <= 60, `${dialled} connections`);
}

async function deadSandbox(t: TestContext): Promise<void> {
  const cluster = await startCluster(t, "--workers", "0");
  const browser = await chromium.browser();
  const tab = await joined(await PlainTab.open(t, browser, cluster.link));
  // It has no end: nothing depends on how long a busy machine takes to get to the crash.
  const job = await submitEndless(cluster);
  await begun(cluster, job, 1);
  await tab.crashFrame(cluster.url);
  await begun(cluster, job, 2);
  assert.deepEqual(await mishapsOf(cluster, job), [0, 1]);
  await cluster.place.run("cancel", job);
  const next = await submitSlow(cluster, 1, 10);
  assert.deepEqual(await itemsOf(cluster, next), numbers(1), "the new sandbox works to the end");
  await tab.until(says("Joined"));
}

/** Until so many attempts of the job have begun in a sandbox, by what its code has logged. */
async function begun({ place, url }: Cluster, job: string, attempts: number): Promise<void> {
  const authorization = `Bearer ${place.read("data/admin.token").trim()}`;
  const signal = AbortSignal.timeout(workersMaxMs);
  const following = { headers: { authorization }, signal };
  const answer = await fetch(`${url}/v1/jobs/${job}/logs?follow=1`, following);
  let text = "";
  for await (const chunk of answer.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (text.split('"begun"').length > attempts) return;
  }
  assert.fail(`${job} ended before ${attempts} attempts had begun: ${text}`);
}

async function movedSlider(t: TestContext): Promise<void> {
  const cluster = await startCluster(t, "--workers", "0");
  const context = await chromium.newContext(t);
  await context.addInitScript(
    `Object.defineProperty(navigator, "hardwareConcurrency", { value: 4 });`,
  );
  const page = await joinIn(context, cluster.link);
  await isJoined(page);
  // Not at its end before a busy machine has shown each number of slots.
  const job = await submitSlow(cluster, 10_000, 700);
  await isComputing(page);
  const worker = (await workersOf(cluster))[0]?.worker;
  const slots = page.locator("input[type=range]").first();
  await slots.fill("3");
  await computing(page, 3);
  await slots.fill("1");
  await computing(page, 1);
  await workersBecome(cluster, ([one]) => one?.slots === 1);
  await framesBecome(page, 2);
  await slots.fill("4");
  const [after] = await workersBecome(cluster, ([one]) => one?.slots === 4);
  assert.equal(after?.worker, worker, "it is the same worker");
  assert.deepEqual(await mishapsOf(cluster, job), [0, 0]);
  await cluster.place.run("cancel", job);
  const next = await submitSlow(cluster, 30, 10);
  assert.deepEqual(await itemsOf(cluster, next), numbers(30));
}

async function submitDone(cluster: Cluster, page: Page, count: number): Promise<void> {
  const job = await submitSlow(cluster, count, 10);
  assert.deepEqual(await itemsOf(cluster, job), numbers(count));
  assert.ok((await figure(page, "done")) >= 0);
}

/** Waits until this many tasks compute at once. */
async function computing(page: Page, count: number): Promise<void> {
  const isSo = (wanted: number) => {
    const { document } = globalThis as unknown as {
      document: { querySelectorAll(q: string): Iterable<{ textContent: string }> };
    };
    const rows = [...document.querySelectorAll(".running li")];
    return rows.filter(({ textContent }) => textContent.endsWith("computes")).length === wanted;
  };
  await page.waitForFunction(isSo, count, { polling: 100 });
}
