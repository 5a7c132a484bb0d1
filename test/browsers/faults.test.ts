/** Rows B4 to B9 of the fault list: browsers without some feature, hostile pages, too many tabs;
 *  and the texts of the page. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Page } from "playwright-core";
import { WebSocket as Socket } from "ws";
import { repository } from "../fixtures/programs.ts";
import { often } from "../simulation/chromium.ts";
import { options, sharedChromium } from "./chromium.ts";
import { figure, framesBecome, isJoined, joinIn, startCluster, workersOf } from "./cluster.ts";

const { newContext } = sharedChromium();
const module = join(repository, "examples", "count-primes", "primes.wasm");

test(
  "a tab runs a WebAssembly module; what it did is shown, and it can be stopped",
  options,
  async (t) => {
    const cluster = await startCluster(t, "--workers", "0");
    const { link, place } = cluster;
    const page = await joinIn(await newContext(t), link);
    await isJoined(page);
    const run = await place.run("run", module, "10", "7920", "-o", "-");
    assert.equal(run.code, 0, run.err);
    assert.deepEqual(run.out.trim().split("\n"), ['"4"', '"1000"']);
    await page.waitForFunction(
      () => {
        const { document } = globalThis as unknown as {
          document: { querySelector(q: string): { textContent: string } };
        };
        return document.querySelector("#figure-done").textContent === "2";
      },
      ...often,
    );
    await page.click("#stop");
    await page.waitForSelector("#join");
    while ((await workersOf(cluster)).length > 0) await delay(100);
    // Without those of its sandboxes.
    await framesBecome(page, 1);
  },
);

test("a tab that is paused takes nothing until it resumes", options, async (t) => {
  const cluster = await startCluster(t, "--workers", "0");
  const { link, place } = cluster;
  const page = await joinIn(await newContext(t), link);
  await isJoined(page);
  await page.click("#pause");
  const paused = async () => (await workersOf(cluster))[0]?.paused;
  while ((await paused()) === "") await delay(50);
  assert.equal(await paused(), "paused by its user");
  const { out, err } = await place.run("run", module, "10", "--detach");
  const job = /j-\d+/.exec(out + err)![0];
  assert.equal(await figure(page, "done"), 0);
  await page.click("#pause");
  const { code } = await place.run("attach", job, "-o", "-");
  assert.equal(code, 0);
});

test("a tab whose data budget is used up takes no more, over a reload too", options, async (t) => {
  const cluster = await startCluster(t, "--workers", "0");
  const { link, place } = cluster;
  const page = await joinIn(await newContext(t), link);
  await isJoined(page);
  const run = await place.run("run", module, "10", "-o", "-");
  assert.equal(run.code, 0, run.err);
  await page.fill("#budget", "0.0001");
  await page.press("#budget", "Tab");
  const paused = async (reason: string) => {
    while ((await workersOf(cluster))[0]?.paused !== reason) await delay(50);
  };
  await paused("its data budget is used up");
  await page.reload();
  await isJoined(page);
  await paused("its data budget is used up");
  const { err, out } = await place.run("run", module, "11", "--detach");
  const job = /j-\d+/.exec(out + err)![0];
  await page.fill("#budget", "0");
  await page.press("#budget", "Tab");
  const { code } = await place.run("attach", job, "-o", "-");
  assert.equal(code, 0);
});

test("B3: the double of a tab joins as a worker of its own", options, async (t) => {
  const { link, place } = await startCluster(t, "--workers", "0");
  const context = await newContext(t);
  const page = await joinIn(context, link);
  await isJoined(page);
  const kept = await page.evaluate("JSON.stringify({ ...sessionStorage })");
  const double = await context.newPage();
  await double.addInitScript(
    `if (location.protocol === "http:" && sessionStorage.length === 0)
      for (const [name, value] of Object.entries(${kept})) sessionStorage.setItem(name, value);`,
  );
  await double.goto(link);
  await isJoined(double);
  const { out } = await place.run("workers", "--json");
  assert.equal((JSON.parse(out) as unknown[]).length, 2);
  await isJoined(page);
});

test("B4: a browser that stores nothing works all the same, with a notice", options, async (t) => {
  const { link, place } = await startCluster(t, "--workers", "0");
  const context = await newContext(t);
  await context.addInitScript(`Object.defineProperty(window, "sessionStorage", {
    get() { throw new DOMException("blocked", "SecurityError"); } });`);
  const page = await joinIn(context, link);
  await isJoined(page);
  assert.match((await page.textContent(".lend"))!, /Storage is disabled/);
  const { code, err } = await place.run("run", module, "10", "-o", "-");
  assert.equal(code, 0, err);
});

test("B5: a browser without WebAssembly gets no tasks, and shows why", options, async (t) => {
  const { link, place } = await startCluster(t, "--workers", "0");
  const context = await newContext(t);
  await context.addInitScript("delete window.WebAssembly");
  const page = await joinIn(context, link);
  await isJoined(page);
  assert.match((await page.textContent(".lend"))!, /has no WebAssembly/);
  const { out, err } = await place.run("run", module, "10", "--detach");
  const job = /j-\d+/.exec(out + err)![0];
  const able = await joinIn(await newContext(t), link);
  await isJoined(able);
  const { code } = await place.run("attach", job, "-o", "-");
  assert.equal(code, 0);
  assert.equal(await figure(page, "done"), 0);
});

test(
  "B7: no page of another origin can frame the page, and nothing runs without consent",
  options,
  async (t) => {
    const { link, place } = await startCluster(t, "--workers", "0");
    const hostile = createServer((_, response) => {
      response.setHeader("content-type", "text/html").end(`<iframe src="${link}"></iframe>`);
    });
    hostile.listen(0, "127.0.0.1");
    await once(hostile, "listening");
    t.after(() => hostile.close());
    const context = await newContext(t);
    const page = await context.newPage();
    await page.goto(`http://127.0.0.1:${(hostile.address() as AddressInfo).port}/`);
    const framed = page.frames()[1];
    assert.equal(await framed?.$("#join"), null);
    const alone = await context.newPage();
    await alone.goto(link);
    await alone.waitForSelector("#join");
    assert.equal(await isIdle(alone), true);
    const { out } = await place.run("workers", "--json");
    assert.deepEqual(JSON.parse(out), []);
  },
);

/** It has created neither a Worker nor a frame. */
async function isIdle(page: Page): Promise<boolean> {
  return page.workers().length === 0 && page.frames().length === 1;
}

test("B8: a page elsewhere, or a name that points here, opens no WebSocket", async (t) => {
  const { url } = await startCluster(t, "--workers", "0");
  const address = `${url.replace("http", "ws")}/tab`;
  for (const headers of [{ origin: "http://evil.example" }, { host: "evil.example" }]) {
    const socket = new Socket(address, { headers });
    const [error] = (await once(socket, "error")) as [Error];
    assert.match(error.message, /403/, JSON.stringify(headers));
  }
  const own = new Socket(address, { headers: { origin: url } });
  await once(own, "open");
  own.close();
});

test("B9: one link brings as many tabs as it may, and no more", options, async (t) => {
  const cluster = await startCluster(t, "--workers", "0", "--tabs-max", "2");
  const { link } = cluster;
  const pages = [];
  for (let i = 0; i < 2; i++) {
    const page = await joinIn(await newContext(t), link);
    await isJoined(page);
    pages.push(page);
  }
  const third = await joinIn(await newContext(t), link);
  await third.waitForSelector('[data-phase="refused"]');
  assert.match((await third.textContent(".phase"))!, /2 tabs of \w+ are connected already/);
  await pages[0]!.click("#stop");
  // A tab that comes before the first has left is refused for good.
  while ((await workersOf(cluster)).length > 1) await delay(50);
  const fourth = await joinIn(await newContext(t), link);
  await isJoined(fourth);
});
