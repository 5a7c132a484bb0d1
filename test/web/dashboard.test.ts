/** The dashboard in a real Chromium with a real cluster: what users see and do, in both themes and
 *  three languages. */
import assert from "node:assert/strict";
import { after, before, type TestContext, test } from "node:test";
import type { Browser } from "playwright-core";
import { type Cluster, startCluster } from "../browsers/cluster.ts";
import { findChromium, startChromium } from "../simulation/chromium.ts";
import { colourCount, fits, openScreen, type Screen, violations } from "./screens.ts";

const found = findChromium();
const skip = found === null ? "no Chromium: set CHROMIUM to the path of one" : false;
let browser: Browser | null = null;
before(async () => {
  if (found !== null) browser = await startChromium(found);
});
after(() => browser?.close());

const job = `import { log, tasks } from "tequio";
export default tasks({
  params: { count: 10, ms: 1, bad: -1 },
  items: (params) => Array.from({ length: params.count }, (_, index) => index),
  async run(item, { params }) {
    if (item === 0) log("the first item </script>");
    if (item === params.bad) throw new RangeError("no such square");
    await new Promise((resolve) => setTimeout(resolve, params.ms));
    return { item, square: item * item };
  },
});`;

async function submit(
  { place }: Cluster,
  params: Record<string, number>,
  ...more: string[]
): Promise<string> {
  place.write("squares.ts", job);
  const named = Object.entries(params).flatMap(([name, n]) => ["--param", `${name}=${n}`]);
  const { code, err, out } = await place.run("run", "squares.ts", ...named, ...more, "--detach");
  assert.equal(code, 0, err);
  return /j-\d+/.exec(out + err)![0];
}

const adminOf = ({ place }: Cluster) => place.read("data/admin.token").trim();

async function readerOf({ place }: Cluster): Promise<string> {
  const { out } = await place.run("token", "create", "--role", "reader", "--json");
  return (JSON.parse(out) as { token: string }).token;
}

test("a job is watched from its submission to the download of its result", { skip }, async (t) => {
  const cluster = await startCluster(t, "--workers", "1");
  const { errors, page } = await openScreen(browser!, `${cluster.url}/#token=${adminOf(cluster)}`);
  await page.waitForSelector(".empty");
  assert.equal(new URL(page.url()).hash, "", "the token leaves the address bar");
  const id = await submit(cluster, { count: 30, ms: 200 });
  await page.click(`a[href="/jobs/${id}"]`);
  // A busy machine may show it when it is over.
  await page.waitForSelector(".chip.running, .chip.done");
  await page.waitForSelector(".chain li");
  await page.waitForSelector(".chip.done");
  await page.waitForSelector("text=Attempts: 30, workers: 1; 30 done");
  assert.ok((await colourCount(page, ".lanes canvas")) > 2, "bars are drawn");
  await page.waitForSelector(".log >> text=the first item </script>");
  await page.waitForSelector("td >> text=841 >> visible=true", { timeout: 500 }).catch(() => {});
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("button.main")]);
  assert.equal(download.suggestedFilename(), `${id}.ndjson`);
  const stream = await download.createReadStream();
  let text = "";
  for await (const chunk of stream) text += chunk;
  assert.equal(text.trim().split("\n").length, 30);
  assert.match(text, /"square":841/);
  await checkReport(t, cluster, id);
  assert.deepEqual(errors, []);
  await page.context().close();
});

/** The same job as one file, opened without any network. */
async function checkReport(t: TestContext, { place }: Cluster, id: string): Promise<void> {
  const { code, err } = await place.run("report", id, "-o", "kept.html");
  assert.equal(code, 0, err);
  const asked: string[] = [];
  const { errors, page } = await openScreen(browser!, "about:blank");
  t.after(() => page.context().close());
  page.on("request", (request) => asked.push(request.url()));
  await page.goto(`file://${place.dir}/kept.html`);
  await page.waitForSelector("text=Attempts: 30, workers: 1; 30 done");
  await page.waitForSelector(".log >> text=the first item </script>");
  assert.deepEqual(
    asked.filter((url) => !/^(file|data):/.test(url)),
    [],
  );
  assert.deepEqual(errors, []);
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    assert.deepEqual(await violations(page), [], colorScheme);
  }
}

test("an operator cancels and submits again; a reader is offered neither", { skip }, async (t) => {
  const cluster = await startCluster(t, "--workers", "1");
  // It outlasts whatever a busy machine takes to open two pages.
  const id = await submit(cluster, { count: 20_000, ms: 100 });
  const reader = await readerOf(cluster);
  const at = `${cluster.url}/jobs/${id}#token=`;
  const reading = await openScreen(browser!, at + reader);
  await reading.page.waitForSelector(".chip.running");
  await reading.page.waitForSelector("text=read only");
  assert.equal(await reading.page.locator(".actions button").count(), 0);
  const operating = await openScreen(browser!, at + adminOf(cluster));
  await operating.page.click("button.danger");
  await operating.page.click("dialog button.main");
  await operating.page.waitForSelector(".chip.cancelled");
  await reading.page.waitForSelector(".chip.cancelled");
  assert.equal(await reading.page.locator(".actions button").count(), 0);
  await operating.page.click(".actions button");
  await operating.page.waitForURL(/\/jobs\/j-2$/);
  await operating.page.waitForSelector(".chip.running");
  await reading.page.click('a[href="/workers"]');
  await reading.page.waitForSelector(".tile");
  assert.equal(await reading.page.locator("button.main").count(), 0, "no join link to make");
  for (const { errors, page } of [reading, operating]) {
    assert.deepEqual(errors, []);
    await page.context().close();
  }
});

test("of a list that kept going the page shows what failed beside the results", {
  skip,
}, async (t) => {
  const cluster = await startCluster(t, "--workers", "1");
  const id = await submit(cluster, { count: 4, bad: 2 }, "--keep-going");
  const { errors, page } = await openScreen(
    browser!,
    `${cluster.url}/jobs/${id}#token=${adminOf(cluster)}`,
  );
  await page.waitForSelector(".chip.done");
  await page.waitForSelector("text=3 of 4 tasks");
  assert.equal(await page.locator(".facts >> text=1 task failed, without a result").count(), 1);
  const failed = page.locator('[aria-labelledby="failed-title"]');
  await failed.locator("td >> text=no such square").waitFor();
  assert.equal(await failed.locator("tbody tr").count(), 1);
  assert.equal(await failed.locator("td").first().innerText(), "2");
  const results = page.locator('[aria-labelledby="result-title"] table.rows tbody tr');
  assert.equal(await results.count(), 3, "none of the task that failed");
  assert.deepEqual(errors, []);
  await page.context().close();
  const { code, err } = await cluster.place.run("report", id, "-o", "kept.html");
  assert.equal(code, 0, err);
  const kept = await openScreen(browser!, `file://${cluster.place.dir}/kept.html`);
  await kept.page.waitForSelector("td >> text=no such square");
  await kept.page.context().close();
});

test("errors show their place in the job, and a reason its chain", { skip }, async (t) => {
  const cluster = await startCluster(t, "--workers", "1");
  const id = await submit(cluster, { count: 3, bad: 1 });
  const url = `${cluster.url}/jobs/${id}#token=${adminOf(cluster)}`;
  const { errors, page } = await openScreen(browser!, url);
  await page.waitForSelector(".chip.failed");
  await page.waitForSelector("text=/at squares\\.ts:7:\\d+/");
  const why = await cluster.place.run("why", id);
  assert.match(why.out, /j-1 failed/);
  assert.deepEqual(errors, []);
  await page.context().close();
});

test("the page reports an unreachable coordinator, and reconnects by itself", {
  skip,
}, async (t) => {
  const cluster = await startCluster(t, "--workers", "0");
  const url = `${cluster.url}/#token=${adminOf(cluster)}`;
  const { page } = await openScreen(browser!, url);
  await page.waitForSelector("table.jobs, .empty");
  await page.route("**/v1/**", (route) => route.abort());
  await page.waitForSelector(".away .notice");
  assert.equal(await page.locator("h1").textContent(), "Jobs", "what was there stays");
  await page.unroute("**/v1/**");
  await page.waitForSelector(".away .notice", { state: "detached" });
  await page.context().close();
});

test("every page is accessible in light and dark, in three languages, on a phone", {
  skip,
}, async (t) => {
  const cluster = await startCluster(t, "--workers", "1");
  const id = await submit(cluster, { count: 40, ms: 5, bad: 39 });
  await cluster.place.run("attach", id);
  const looks = [
    { language: "en-US", width: 1280, word: "Jobs" },
    { language: "es-MX", width: 360, word: "Trabajos" },
    { language: "zh-CN", width: 360, dark: true, word: "作业" },
  ];
  for (const look of looks) {
    const url = `${cluster.url}/#token=${adminOf(cluster)}`;
    const { errors, page } = await openScreen(browser!, url, look);
    await page.waitForSelector(`h1 >> text=${look.word}`);
    for (const place of ["/", `/jobs/${id}`, "/workers", "/files", "/try", "/j", "/none"]) {
      await visit(page, place);
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        const name = `${place} ${look.language} ${colorScheme}`;
        assert.deepEqual(await violations(page), [], name);
      }
      await fits(page);
    }
    assert.deepEqual(errors, []);
    await page.context().close();
  }
});

test("who follows the code is counted, and leaves in good order", { skip }, async (t) => {
  const cluster = await startCluster(t, "--workers", "1");
  const id = await submit(cluster, { count: 20_000, ms: 20 }, "--share", "volunteers");
  const { errors, page } = await openScreen(
    browser!,
    `${cluster.url}/workers#token=${adminOf(cluster)}`,
  );
  await page.click("button.main");
  await page.click("#full-screen");
  const link = (await page.textContent(".large-link .link"))!;
  assert.match(link, /\/j#[0-9a-z]{4}(-[0-9a-z]{4}){4}$/, "short enough for a line");
  assert.deepEqual(await violations(page), []);
  const phone = await openScreen(browser!, link, { width: 360, height: 700 });
  assert.equal(await phone.page.locator("button:visible").count(), 1, "one button on phones");
  await phone.page.fill("#own-name", "Ana");
  assert.deepEqual(await violations(phone.page), []);
  await phone.page.click("#join");
  await page.waitForSelector("#came >> text=1");
  await page.waitForSelector(".came li >> text=/^Ana \\(/");
  await phone.page.waitForSelector("h1 >> text=Thank you, Ana!");
  await phone.page.waitForSelector(".part >> text=/\\d+ of 20,000 tasks done · \\d+ by this tab/");
  assert.deepEqual(await violations(phone.page), []);
  await fits(phone.page);
  await phone.page.click("#stop");
  await phone.page.waitForSelector(".thanks");
  await page.waitForSelector("#came >> text=0");
  await page.click(".came button");
  await page.click(".gone summary >> text=1 worker has left");
  await page.click(".tile.left");
  await page.waitForSelector("h2 >> text=/^Ana/");
  assert.match(page.url(), /\/workers\/w-\d+$/);
  await findJob(page, id);
  assert.deepEqual([...errors, ...phone.errors], []);
});

/** On the first page: at a glance, then by what is looked for. */
async function findJob(page: Screen["page"], id: string): Promise<void> {
  await page.click('nav a[href="/"]');
  await page.waitForSelector(".glance .who >> text=1/1");
  await page.waitForSelector(".glance .spark .line[d^=M]");
  await page.fill("#find-jobs", "no such job");
  await page.waitForSelector("text=No job matches.");
  await page.fill("#find-jobs", "squa");
  await page.selectOption("#jobs-of-state", "running");
  assert.deepEqual(await violations(page), []);
  const row = page.locator("table.jobs tbody tr");
  await row.waitFor();
  const box = (await row.boundingBox())!;
  await page.mouse.click(box.x + box.width - 8, box.y + box.height / 2);
  await page.waitForURL(new RegExp(`/jobs/${id}$`));
}

async function visit(page: Awaited<ReturnType<typeof openScreen>>["page"], place: string) {
  // Within the page: an address that the server does not know is the page's to report.
  await page.evaluate(
    `history.pushState(null, "", ${JSON.stringify(place)}); dispatchEvent(new Event("popstate"))`,
  );
  await page.waitForSelector("h1");
  if (place === "/workers") await page.click("button.main");
  if (place === "/workers") await page.click(".tile");
  if (place.startsWith("/jobs/")) await page.waitForSelector(".lanes canvas");
}
