/** A cluster with a page, and tabs in a real Chromium, for tests. */
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { BrowserContext, Page } from "playwright-core";
import { buildWeb } from "../../scripts/web/build-web.ts";
import type { WorkerSummary } from "../../src/core/summary.ts";
import { waitMaxMs } from "../../src/store/testing/patience.ts";
import { announced, joinTokenOf } from "../fixtures/cluster.ts";
import { freePort } from "../fixtures/free-port.ts";
import { Place, type Running } from "../fixtures/place.ts";
import { often } from "../simulation/chromium.ts";

export type Cluster = {
  readonly place: Place;
  readonly up: Running;
  readonly url: string;
  /** `/j#<token>`. */
  readonly link: string;
  readonly token: string;
  /** Ports of what was asked for besides; null = it was not. */
  readonly ports: { readonly console: number | null; readonly filesystem: number | null };
};

export async function startCluster(t: TestContext, ...args: string[]): Promise<Cluster> {
  await buildWeb();
  const place = new Place(t);
  return upIn(place, ...args);
}

/** Also after a kill: `--listen` with the same address then. */
export async function upIn(place: Place, ...args: string[]): Promise<Cluster> {
  // A port that systems pick could be taken by another before the cluster starts again.
  const at = `127.0.0.1:${await freePort()}`;
  const listen = args.includes("--listen") ? [] : ["--listen", at];
  const up = place.start("up", ...listen, "--json", ...args);
  const shown = await announced(up);
  const [token, url] = [joinTokenOf(shown), shown.url];
  const { console, filesystem } = shown;
  const ports = { console: console?.port ?? null, filesystem: filesystem?.port ?? null };
  return { place, up, url, token, link: `${url}/j#${token}`, ports };
}

type Workers = { readonly workers: ReadonlyArray<WorkerSummary & { readonly state: string }> };

/** Those that are there, for tests that ask often: a command would be a process each time. */
export async function workersOf(cluster: Cluster): Promise<readonly WorkerSummary[]> {
  const { workers } = await asked<Workers>(cluster, "/v1/workers");
  return workers.filter(({ state }) => state === "live");
}

/** What the coordinator answers to a GET of its administrator. */
export async function asked<T>({ place, url }: Cluster, path: string): Promise<T> {
  const authorization = `Bearer ${place.read("data/admin.token").trim()}`;
  const answer = await fetch(`${url}${path}`, { headers: { authorization } });
  return (await answer.json()) as T;
}

/** A task of the tab is done. */
export async function hasDone(page: Page): Promise<void> {
  await page.waitForFunction(
    () => {
      const { document } = globalThis as unknown as {
        document: { querySelector(name: string): { readonly textContent: string } | null };
      };
      return Number.parseFloat(document.querySelector("#figure-done")?.textContent ?? "0") > 0;
    },
    ...often,
  );
}

/** A tab of the context, after it has joined. */
export async function joinIn(context: BrowserContext, link: string, slots = 1): Promise<Page> {
  const page = await context.newPage();
  await page.goto(link);
  await page.waitForSelector("#join");
  await page.locator("input[type=range]").first().fill(String(slots));
  await page.click("#join");
  return page;
}

/** The number that a tab shows under a name. */
export async function figure(page: Page, name: string): Promise<number> {
  const text = (await page.textContent(`#figure-${name}`).catch(() => null)) ?? "0";
  return Number.parseFloat(text.replaceAll(",", ""));
}

export async function isJoined(page: Page): Promise<void> {
  await page.waitForSelector('[data-phase="joined"]');
}

/** Longest wait for frames to go, ms; a machine may be busy. */
const framesMaxMs = waitMaxMs;

/** No more than so many frames are in the page: those of sandboxes go after the coordinator knows,
 *  and Playwright notices later still. */
export async function framesBecome(page: Page, most: number): Promise<void> {
  const endMs = performance.now() + framesMaxMs;
  while (page.frames().length > most) {
    assert.ok(performance.now() < endMs, `${page.frames().length} frames stay`);
    await delay(50);
  }
}
