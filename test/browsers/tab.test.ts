/** Tabs of a real Chromium as workers of a real cluster, and faults of tabs. */
import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { gzipSync, zstdCompressSync } from "node:zlib";
import type { Page } from "playwright-core";
import { waitMaxMs } from "../../src/store/testing/patience.ts";
import { polled } from "../../src/store/testing/polled.ts";
import { freePort } from "../fixtures/free-port.ts";
import { repository } from "../fixtures/programs.ts";
import { options, sharedChromium } from "./chromium.ts";
import { figure, isJoined, joinIn, startCluster, upIn, workersOf } from "./cluster.ts";
import { isComputing, itemsOf, mishapsOf, numbers, submitSlow } from "./slow-job.ts";

const chromium = sharedChromium();

async function openTab(t: TestContext, link: string): Promise<Page> {
  return joinIn(await chromium.newContext(t), link);
}

/** Each line takes some time, so that no tab has counted all before others begin. */
const slowWords = `import { type Emit, mapReduce, text } from "tequio";
export default mapReduce({
  input: text.lines(),
  // The task of a tab that is slow is its own to do.
  backupTasks: false,
  params: { spin: 0 },
  map(line, emit: Emit<string, number>, { params }) {
    let x = 1;
    for (let n = 0; n < params.spin; n++) x = (x * 31 + n) % 1_000_003;
    for (const word of line.split(" ")) emit(word, x < 0 ? 0 : 1);
  },
  combine: (a, b) => a + b,
});
`;

test(
  "five tabs and two Node workers count words together, equal to the judge",
  options,
  async (t) => {
    const cluster = await startCluster(t, "--workers", "2");
    const { link, place } = cluster;
    const text = "the quick brown fox jumps over the lazy dog\nZebra ünïcode 海\n";
    place.write("in.txt", text.repeat(2_000));
    place.write("words.ts", slowWords);
    const tabs = await Promise.all(Array.from({ length: 5 }, () => openTab(t, link)));
    await Promise.all(tabs.map(isJoined));
    const common = "run words.ts in.txt --reducers 3 --split-bytes 2K -o -".split(" ");
    const run = await place.run(...common, "--param", "spin=300000");
    assert.equal(run.code, 0, run.err);
    const judged = await place.run(...common, "--sequential");
    assert.equal(run.out, judged.out);
    assert.ok(run.out.length > 300);
    // A page shows what its Worker has done a moment later.
    await polled(
      () => Promise.all(tabs.map((tab) => figure(tab, "done"))),
      (done) => done.filter((count) => count > 0).length >= 3,
    );
  },
);

test(
  "B1: a tab closed, one loaded again and one that crashes lose nothing but time",
  options,
  async (t) => {
    const cluster = await startCluster(t, "--workers", "0", "--tab-return", "2s");
    const tabs = await Promise.all(Array.from({ length: 4 }, () => openTab(t, cluster.link)));
    // One that came late would find nothing left to do.
    await Promise.all(tabs.map(isJoined));
    const [closed, reloaded, crashed] = tabs as [Page, Page, Page];
    const job = await submitSlow(cluster, 40, 150);
    await Promise.all(tabs.map(isComputing));
    await closed.context().close();
    await reloaded.reload();
    const devtools = await crashed.context().newCDPSession(crashed);
    devtools.send("Page.crash").catch(() => {});
    assert.deepEqual(await itemsOf(cluster, job), numbers(40));
    // Consent lasts as long as the tab.
    await isJoined(reloaded);
  },
);

test(
  "B3: a page loaded 20 times again leaves no worker and no lease behind",
  options,
  async (t) => {
    const cluster = await startCluster(t, "--workers", "0");
    const page = await openTab(t, cluster.link);
    await isJoined(page);
    const job = await submitSlow(cluster, 12, 100);
    for (let i = 0; i < 20; i++) {
      await page.reload();
      if (i % 4 === 0) await isJoined(page);
    }
    await isJoined(page);
    assert.deepEqual(await itemsOf(cluster, job), numbers(12));
    // One that was closed while it joined is away first, and lost after a while.
    const endsAtMs = performance.now() + waitMaxMs;
    for (;;) {
      const running = (await workersOf(cluster)).map((one) => one.running);
      if (running.length === 1 && running[0] === 0) break;
      assert.ok(performance.now() < endsAtMs, `they stay: ${JSON.stringify(running)}`);
      await delay(100);
    }
  },
);

test("a gateway that is killed takes no work from its tabs", options, async (t) => {
  const cluster = await startCluster(t, "--workers", "0");
  const { place, token, url } = cluster;
  const created = await place.run("token", "create", "--role", "worker");
  const file = place.write("token", created.out.trim());
  chmodSync(file, 0o600);
  const start = async (listen: string) => {
    const common = ["--tracker", url, "--token-file", file];
    const gateway = place.start("gateway", "--listen", listen, ...common);
    const said = await gateway.said("tabs open");
    return { gateway, address: /http:\/\/\S+/.exec(said)![0] };
  };
  const first = await start(`127.0.0.1:${await freePort()}`);
  const page = await openTab(t, `${first.address}/j#${token}`);
  const job = await submitSlow(cluster, 10, 400);
  await isComputing(page);
  first.gateway.child.kill("SIGKILL");
  await first.gateway.ended;
  await start(new URL(first.address).host);
  assert.deepEqual(await itemsOf(cluster, job), numbers(10));
  assert.deepEqual(await mishapsOf(cluster, job), [0, 0]);
});

test("a coordinator that is killed finds its tabs again, with their work", options, async (t) => {
  const cluster = await startCluster(t, "--workers", "0");
  const page = await openTab(t, cluster.link);
  const job = await submitSlow(cluster, 10, 400);
  await isComputing(page);
  cluster.up.child.kill("SIGKILL");
  await cluster.up.ended;
  await upIn(cluster.place, "--workers", "0", "--listen", new URL(cluster.url).host);
  assert.deepEqual(await itemsOf(cluster, job), numbers(10));
});

test(
  "what job code throws in a tab is reported with the line of its source",
  options,
  async (t) => {
    const cluster = await startCluster(t, "--workers", "0");
    await openTab(t, cluster.link);
    const lines = [
      'import { tasks } from "tequio";',
      "type Item = { readonly deep: { readonly er: number } };",
      "export default tasks({",
      '  name: "thrower", attempts: 1, items: (): Item[] => [{ deep: { er: 1 } }],',
      "  run(item: Item) {",
      '    if (item.deep.er === 1) throw new RangeError("too deep");',
      "  },",
      "});",
    ];
    cluster.place.write("thrower.ts", lines.join("\n"));
    const { code, err } = await cluster.place.run("run", "thrower.ts", "-o", "-");
    assert.notEqual(code, 0);
    assert.match(err, /run threw RangeError: too deep \(thrower\.ts:6\) on item 0/);
  },
);

test(
  "a task that never ends, or would end its Worker, fails, and its slot continues",
  options,
  async (t) => {
    const cluster = await startCluster(t, "--workers", "0");
    await openTab(t, cluster.link);
    cluster.place.write(
      "endless.ts",
      `import { tasks } from "tequio";
    export default tasks({ name: "endless", attempts: 1, timeoutMs: 700, items: [0],
      run() { for (;;); } });`,
    );
    const { code, err } = await cluster.place.run("run", "endless.ts", "-o", "-");
    assert.notEqual(code, 0);
    assert.match(err, /timed-out: .*had not ended after 700 ms/);
    cluster.place.write(
      "closing.ts",
      `import { tasks } from "tequio";
    declare const close: any;
    export default tasks({ name: "closing", attempts: 1, items: [0],
      run() { close(); return new Promise(() => {}); } });`,
    );
    const closing = await cluster.place.run("run", "closing.ts", "-o", "-");
    assert.notEqual(closing.code, 0);
    assert.match(closing.err, /close is not defined: job code has no close on any/);
    const job = await submitSlow(cluster, 2, 10);
    assert.deepEqual(await itemsOf(cluster, job), numbers(2));
  },
);

test("B5: an input that no tab can read is read by Node workers", options, async (t) => {
  const cluster = await startCluster(t, "--workers", "0");
  const { place, token, url } = cluster;
  const page = await openTab(t, cluster.link);
  await isJoined(page);
  writeFileSync(join(place.dir, "in.txt.zst"), zstdCompressSync(Buffer.from("a b a\n")));
  writeFileSync(join(place.dir, "in.txt.gz"), gzipSync(Buffer.from("c a\n")));
  const job = join(repository, "examples", "word-count", "job.ts");
  const run = place.run("run", job, "in.txt.zst", "in.txt.gz", "-o", "-");
  await page.waitForSelector("text=/no tab can read in.txt.zst/");
  const worker = place.start("join", url, "--token", token, "--slots", "1");
  t.after(() => worker.child.kill());
  const { code, err, out } = await run;
  assert.equal(code, 0, err);
  const counts = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).value as number);
  assert.deepEqual(counts, [3, 1, 1]);
});

/** Of the time until the page shows its button, in which the first task begins: a quiet machine
 *  takes twice that time. */
const pageShare = 6;

test("a link that is opened has its first task running within 3 s", options, async (t) => {
  const cluster = await startCluster(t, "--workers", "0");
  const times: string[] = [];
  let isSoon = false;
  // The machine may be busy with other tests: the best of several, and a page that takes long to
  // show its button has longer for the rest, too.
  while (times.length < 6 && !isSoon) {
    await submitSlow(cluster, 2, 50);
    const context = await chromium.newContext(t);
    const atMs = performance.now();
    const page = await context.newPage();
    await page.goto(cluster.link);
    await page.waitForSelector("#join");
    const shownMs = performance.now() - atMs;
    await page.click("#join");
    await isComputing(page);
    const tookMs = performance.now() - atMs;
    times.push(`${Math.round(tookMs)} (page ${Math.round(shownMs)})`);
    isSoon = tookMs < Math.max(3_000, pageShare * shownMs);
    await context.close();
  }
  t.diagnostic(`first task after ${times} ms`);
  assert.ok(isSoon, `${times} ms`);
});
