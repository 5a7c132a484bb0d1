/** `tequio/client/browser` in a real Chromium: pages of another origin than the coordinator's. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, type TestContext, test } from "node:test";
import type { Browser, JSHandle, Page } from "playwright-core";
import { rolldown } from "rolldown";
import { browserClient } from "../../scripts/web/browser-client.ts";
import type * as Api from "../../src/client/browser/index.ts";
import type * as Tequio from "../../src/index.ts";
import { waitMaxMs } from "../../src/store/testing/patience.ts";
import { type Cluster, upIn } from "../browsers/cluster.ts";
import { Place } from "../fixtures/place.ts";
import { findChromium, startChromium } from "../simulation/chromium.ts";
import { CoordinatorAddress } from "./coordinator-address.ts";

const found = findChromium();
const skip = found === null ? "no Chromium: set CHROMIUM to the path of one" : false;
let browser: Browser | null = null;
/** What the pages import, by path. */
const modules = new Map<string, string>();

/** Where the example finds what a page imports. */
const installed = [
  ["/node_modules/tequio/dist/index.js", "/tequio.js"],
  ["/node_modules/tequio/dist/client/browser.js", "/client.js"],
] as const;
const example = `${import.meta.dirname}/../../examples/programs/page.html`;

const words = `import { mapReduce, text } from "tequio";
const separators = /[^a-z]+/;
export default mapReduce({
  name: "letters",
  input: text.lines(),
  map(line, emit) {
    for (const word of line.split(separators)) if (word !== "") emit(word[0], 1);
  },
  combine: (a, b) => a + b,
});`;

before(async () => {
  if (found === null) return;
  modules.set("/client.js", await browserClient());
  modules.set("/tequio.js", await bundled("export * from 'tequio';"));
  modules.set("/words.js", await bundled(words));
  for (const [path, name] of installed) modules.set(path, modules.get(name)!);
  browser = await startChromium(found);
});
after(() => browser?.close());

/** As a bundler of the page's author makes it. */
async function bundled(code: string): Promise<string> {
  const index = `${import.meta.dirname}/../../src/index.ts`;
  const bundle = await rolldown({
    input: "entry",
    platform: "neutral",
    logLevel: "silent",
    plugins: [
      {
        name: "entry",
        resolveId: (id) => (id === "entry" ? "\0entry" : id === "tequio" ? index : null),
        load: (id) => (id === "\0entry" ? code : null),
      },
    ],
  });
  const { output } = await bundle.generate({ format: "esm" });
  await bundle.close();
  return output[0].code;
}

/** A server of pages at an address of its own. */
async function startPages(t: TestContext, host: string): Promise<string> {
  const server = createServer(({ url = "" }, response) => {
    const code = modules.get(url);
    const type = code === undefined ? "text/html" : "text/javascript";
    response.writeHead(200, { "content-type": `${type}; charset=utf-8` });
    const empty = "<!doctype html><title>A page</title>";
    response.end(code ?? (url === "/page.html" ? readFileSync(example) : empty));
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  t.after(() => server.close());
  return `http://${host}:${(server.address() as AddressInfo).port}`;
}

async function submitterOf({ place }: Cluster): Promise<string> {
  const { out } = await place.run("token", "create", "--role", "submitter", "--json");
  return (JSON.parse(out) as { token: string }).token;
}

async function openPage(t: TestContext, origin: string): Promise<Page> {
  const context = await browser!.newContext();
  context.setDefaultTimeout(waitMaxMs);
  t.after(() => context.close());
  const page = await context.newPage();
  await page.goto(origin);
  return page;
}

type Target = { readonly url: string; readonly token: string };

async function startAll(t: TestContext, workers = 1) {
  const origin = await startPages(t, "127.0.0.2");
  const at = ["--workers", String(workers), "--allow-origin", origin];
  const cluster = await upIn(new Place(t), ...at);
  const target: Target = { url: cluster.url, token: await submitterOf(cluster) };
  return { cluster, origin, target, page: await openPage(t, origin) };
}

/** What the functions of the tests have in a page. */
type Here = {
  readonly cluster: Api.Cluster;
  readonly api: typeof Api;
  readonly tequio: typeof Tequio;
  /** The message of what is thrown. */
  messageOf(work: PromiseLike<unknown>): Promise<string>;
};

function connected(page: Page, target: Target): Promise<JSHandle<Here>> {
  return page.evaluateHandle(async (target: Target): Promise<Here> => {
    const load = (path: string): Promise<unknown> => import(path);
    const api = (await load("/client.js")) as typeof Api;
    const tequio = (await load("/tequio.js")) as typeof Tequio;
    const messageOf = (work: PromiseLike<unknown>) =>
      Promise.resolve(work).then(
        () => "nothing was thrown",
        (error: Error) => error.message,
      );
    return { cluster: await api.connect(target), api, tequio, messageOf };
  }, target);
}

test("a page of an origin that is named calls functions", { skip }, async (t) => {
  const { page, target } = await startAll(t);
  const here = await connected(page, target);
  const results = await here.evaluate(async ({ cluster, messageOf }) => {
    const power = cluster.map([1, 2, 3], (n, { params }) => n ** params.to, { params: { to: 3 } });
    const methods = {
      twice: (n: number) => 2 * n,
      async half(n: number) {
        return n / 2;
      },
    };
    const outside = 7;
    return {
      power: await power.toArray(),
      twice: await cluster.map([4], methods.twice).toArray(),
      half: await cluster.map([4], methods.half).toArray(),
      outside: await messageOf(cluster.map([1], (n) => n + outside).toArray()),
      builtIn: await messageOf(cluster.map([1], Math.abs).toArray()),
      globals: "Buffer" in globalThis,
    };
  });
  assert.deepEqual(results.power, [1, 8, 27]);
  assert.deepEqual([...results.twice, ...results.half], [8, 2]);
  assert.match(results.outside, /^user-error: ReferenceError: outside is not defined .*for item 0/);
  assert.match(results.builtIn, /^build-failed: the function abs is built in or bound/);
  assert.equal(results.globals, false, "the page's globals stay what they are");
});

test("a page runs jobs on files, texts and iterables, and reads their results", {
  skip,
}, async (t) => {
  const { page, target } = await startAll(t);
  const here = await connected(page, target);
  const results = await here.evaluate(async ({ cluster, messageOf, tequio }) => {
    const { mapReduce, text } = tequio;
    const large = new File(["b a\n".repeat(400_000)], "large.txt");
    const pieces = async function* () {
      yield "one t";
      yield "wo\ntwo\n";
    };
    const counted = cluster.run(text.words().count(), { inputs: [large, "a c\n", pieces()] });
    let tasksDone = 0;
    for await (const progress of counted.progress()) tasksDone = progress.tasksDone;
    const lengths = mapReduce({
      input: text.words(),
      map(word, emit: Tequio.Emit<number, number>) {
        emit(word.length, 1);
      },
      combine: (a, b) => a + b,
    });
    const letters = await cluster.run("words.js", { inputs: "ab cd\nad" });
    const table = await cluster.run(text.csv(["k", "n"]).by("k").sum("n"), {
      inputs: new Blob(["k,n\nx,1\ny,2\nx,5\n"]),
    });
    const [file] = await table.files();
    return {
      counted: (await (await counted).toArray()).sort(),
      tasksDone,
      lengths: await (await cluster.run(lengths, { inputs: "a bb a" })).toArray(),
      letters: (await letters.toArray()).sort(),
      name: letters.summary.name,
      table: await file?.text(),
      save: await messageOf(table.save("out")),
      noInput: await messageOf(cluster.run(lengths)),
      noModule: await messageOf(cluster.run("/nothing.html")),
    };
  });
  const expected = { a: 400_001, b: 400_000, c: 1, one: 1, two: 2 };
  assert.deepEqual(results.counted, Object.entries(expected));
  assert.ok(results.tasksDone > 0);
  assert.deepEqual(results.lengths.map(String), ["1,2", "2,1"]);
  assert.deepEqual(results.letters.map(String), ["a,2", "c,1"]);
  assert.equal(results.name, "letters");
  assert.match(results.table ?? "", /"x"[^\n]*6\}/);
  assert.match(results.save, /^bad-request: a page has no folders/);
  assert.match(results.noInput, /^bad-request: nothing is given for the input "default"/);
  assert.match(results.noModule, /^build-failed: the module .* cannot be loaded/);
});

test("a page cancels jobs, and keeps lists going", { skip }, async (t) => {
  const { page, target } = await startAll(t);
  const here = await connected(page, target);
  const results = await here.evaluate(async ({ cluster, messageOf, tequio: { tasks } }) => {
    const list = tasks({
      items: [1, 2, 3],
      attempts: 1,
      run(n) {
        if (n === 2) throw new RangeError("no two");
        return { n };
      },
    });
    const kept = await cluster.run(list, { keepGoing: true });
    const failed: unknown[] = [];
    for await (const { item, task } of kept.failedTasks()) failed.push([task, item]);
    const slow = tasks({ items: [1], run: () => new Promise(() => {}) });
    const stop = new AbortController();
    const aborted = cluster.run(slow, { signal: stop.signal, name: "slow" });
    const id = await aborted.id;
    stop.abort(new Error("enough"));
    const abortedText = await messageOf(aborted);
    let state = "";
    for await (const { summary } of cluster.job(id).progress()) state = summary.state;
    const cancelled = cluster.run(slow);
    await cancelled.cancel();
    const message = await messageOf(cancelled);
    return { kept: await kept.toArray(), failed, abortedText, state, message };
  });
  assert.deepEqual(results.kept, [{ n: 1 }, { n: 3 }]);
  assert.deepEqual(results.failed, [[1, 2]]);
  assert.equal(results.abortedText, "enough");
  assert.equal(results.state, "cancelled");
  assert.match(results.message, /^conflict: j-\d+ was cancelled$/);
});

test("a page goes on at the coordinator that leads, from one that is stopped", {
  skip,
}, async (t) => {
  const { cluster, page, target } = await startAll(t, 0);
  const first = await CoordinatorAddress.of(t, target.url, "stands-by");
  const second = await CoordinatorAddress.of(t, target.url, "leads");
  const here = await connected(page, { ...target, url: `${first.url},${second.url}` });
  const followed = await here.evaluateHandle(async ({ cluster, tequio: { tasks } }) => {
    const running = cluster.run(tasks({ items: [1, 2, 3], run: (n) => n * 2 }));
    const progress = running.progress();
    await progress.next();
    return { running, progress };
  });
  first.state = "leads";
  second.stop();
  const { place, token, url } = cluster;
  place.start("join", url, "--token", token, "--slots", "1");
  const results = await followed.evaluate(async ({ progress, running }) => {
    for await (const { summary } of progress) if (summary.state !== "running") break;
    return (await running).toArray();
  });
  assert.deepEqual(results, [2, 4, 6]);
});

test("the example of a page counts the words of a file", { skip }, async (t) => {
  const { origin, page, target } = await startAll(t);
  await page.goto(`${origin}/page.html`);
  await page.fill("#url", target.url);
  await page.fill("#token", target.token);
  const buffer = Buffer.from("to be or not to be\n");
  await page.setInputFiles("#file", { name: "a.txt", mimeType: "text/plain", buffer });
  await page.click("button");
  await page.waitForSelector("#result >> text=/to 2/");
  assert.match(await page.innerText("#result"), /be 2/);
});

test("an origin that is not named is refused by the browser and by the server", {
  skip,
}, async (t) => {
  const { cluster, origin, target } = await startAll(t);
  const other = await startPages(t, "127.0.0.3");
  const page = await openPage(t, other);
  const said = await page.evaluate(async (target: Target) => {
    const load = (path: string): Promise<unknown> => import(path);
    const { connect } = (await load("/client.js")) as typeof Api;
    return connect(target).then(String, String);
  }, target);
  assert.match(said, /unavailable: .* does not allow pages of http:\/\/127\.0\.0\.3:\d+: start it/);
  assert.ok(said.includes(`--allow-origin ${other}`));
  const call = (from: string, method: string, token: string) =>
    fetch(`${cluster.url}/v1/me`, {
      method,
      headers: {
        origin: from,
        authorization: `Bearer ${token}`,
        ...(method === "OPTIONS" ? { "access-control-request-method": "GET" } : {}),
      },
    });
  for (const method of ["GET", "OPTIONS"]) {
    const refused = await call(other, method, target.token);
    assert.equal(refused.status, 403);
    assert.equal(refused.headers.get("access-control-allow-origin"), null);
    assert.match(await refused.text(), /--allow-origin/);
    const allowed = await call(origin, method, target.token);
    assert.equal(allowed.status, method === "GET" ? 200 : 204);
    assert.equal(allowed.headers.get("access-control-allow-origin"), origin);
    assert.equal(allowed.headers.get("access-control-allow-credentials"), null);
    await allowed.arrayBuffer();
  }
  assert.equal((await call(origin, "GET", "wrong")).status, 401, "an origin is no permission");
});
