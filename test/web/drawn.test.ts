/** What a job's page draws, in a real Chromium with a real cluster: chains and joins as the graphs
 *  that they are, and a published profile as a flame graph. */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { type Cluster, startCluster } from "../browsers/cluster.ts";
import { repository } from "../fixtures/programs.ts";
import { findChromium, startChromium } from "../simulation/chromium.ts";
import { fits, openScreen, violations } from "./screens.ts";

const found = findChromium();
const skip = found === null ? "no Chromium: set CHROMIUM to the path of one" : false;
let browser: Browser | null = null;
before(async () => {
  if (found !== null) browser = await startChromium(found);
});
after(() => browser?.close());

const busy = `import { tasks } from "tequio";
function spin(from: number): number {
  let sum = from;
  for (let i = 0; i < 60_000_000; i++) sum = (sum * 31 + i) % 9_973;
  return sum;
}
function outer(item: number): number {
  return spin(item) + item;
}
export default tasks({
  name: "busy",
  items: [1, 2],
  run: (item: number) => outer(item) >= 0,
});
`;
const joined = `import { text } from "tequio";
export default text.csv(["id", "total"]).join(text.csv(["id", "name"]), { on: "id" });
`;
const adminOf = ({ place }: Cluster) => place.read("data/admin.token").trim();

async function ran(cluster: Cluster, ...args: string[]): Promise<void> {
  const { code, err } = await cluster.place.run(...args);
  assert.equal(code, 0, err);
}

/** `LOOKS=record` leaves a picture for the eye. */
async function picture(page: Page, name: string): Promise<void> {
  if (process.env.LOOKS !== "record") return;
  const folder = join(repository, "out", "looks");
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}

/** Of each edge of the graph: the nodes at its ends, as they lie on the page. */
const edgesOf = `(() => {
  const nodes = [...document.querySelectorAll(".graph [data-node]")];
  const near = ({ x, y }) => nodes.map((node) => {
    const { offsetLeft: l, offsetTop: t, offsetWidth: w, offsetHeight: h } = node;
    const [dx, dy] = [Math.max(l - x, 0, x - l - w), Math.max(t - y, 0, y - t - h)];
    return [dx + dy, node.dataset.node];
  }).sort((a, b) => a[0] - b[0])[0][1];
  return [...document.querySelectorAll(".graph .edge")].map((path) => {
    const end = path.getPointAtLength(path.getTotalLength());
    return near(path.getPointAtLength(0)) + " > " + near(end);
  }).sort();
})()`;

const looks = [
  { language: "en-US", width: 1280, title: "From input to result" },
  { language: "es-MX", width: 360, title: "De la entrada al resultado" },
  { language: "zh-CN", width: 360, dark: true, title: "从输入到结果" },
];

test("a chain of stages and a join are drawn as the graphs that they are", { skip }, async (t) => {
  const cluster = await startCluster(t, "--workers", "1");
  const { place } = cluster;
  const rows = Array.from({ length: 400 }, (_, i) => `c${i % 40},${i}\n`).join("");
  place.write("sales.csv", `city,n\n${rows}`);
  place.write("left.csv", "id,total\n1,5\n2,7\n");
  place.write("right.csv", "id,name\n1,Ana\n2,Li\n");
  place.write("join.ts", joined);
  const query = "select city, sum(n) total from 'sales.csv' where n > 3 group by 1 order by 2 desc";
  await ran(cluster, "sql", query, "--reducers", "3", "--split-bytes", "1K", "-o", "chain.csv");
  const inputs = ["left=left.csv", "right=right.csv"];
  await ran(cluster, "run", "join.ts", ...inputs, "--reducers", "2", "-o", "joined.csv");
  await ran(cluster, "report", "j-1", "-o", "kept.html");
  for (const look of looks) {
    const at = `${cluster.url}/#token=${adminOf(cluster)}`;
    const { errors, page } = await openScreen(browser!, at, look);
    for (const [job, edges] of [
      ["j-1", ["input-0 > stage-0", "stage-0 > stage-1", "stage-1 > stage-2", "stage-2 > result"]],
      ["j-2", ["input-0 > stage-0", "input-1 > stage-0", "stage-0 > stage-1", "stage-1 > result"]],
    ] as const) {
      await page.goto(`${cluster.url}/jobs/${job}`);
      await page.waitForSelector(`h2 >> text=${look.title}`);
      await page.waitForSelector(".graph .node.result.done");
      assert.deepEqual(await page.evaluate(edgesOf), edges, `${job} ${look.language}`);
      await fits(page);
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        assert.deepEqual(await violations(page), [], `${job} ${look.language} ${colorScheme}`);
      }
      await page.emulateMedia({ colorScheme: look.dark === true ? "dark" : "light" });
      await picture(page, `graph-${job}-${look.language}`);
    }
    assert.deepEqual(errors, []);
    await page.context().close();
  }
  const kept = await openScreen(browser!, `file://${place.dir}/kept.html`);
  await kept.page.waitForSelector(".graph .steps >> text=/^group by/");
  await kept.page.waitForSelector(".graph strong >> text=reduce 2");
  await kept.page.waitForSelector(".graph >> text=3 of 3 tasks");
  assert.deepEqual(await violations(kept.page), []);
  await kept.page.context().close();
});

test("a published profile is a flame graph, by pointer, by keys and as a table", {
  skip,
}, async (t) => {
  const cluster = await startCluster(t, "--workers", "1");
  cluster.place.write("busy.ts", busy);
  await ran(cluster, "run", "busy.ts", "-o", "out.ndjson");
  const at = `${cluster.url}/#token=${adminOf(cluster)}`;
  const { errors, page } = await openScreen(browser!, at);
  await page.goto(`${cluster.url}/jobs/j-1`);
  await page.waitForSelector("code >> text=tequio profile j-1 0 --publish");
  const made = await cluster.place.run("profile", "j-1", "1", "--publish");
  assert.equal(made.code, 0, made.err);
  assert.match(made.out, /kept: the page of j-1 draws it/);
  // The page is open all the while.
  const bar = page.locator(".bars-of-flame button.own", { hasText: "spin" });
  await bar.first().waitFor();
  await page.waitForSelector("[aria-labelledby=flame-title] >> text=task 1");
  const name = (await bar.first().getAttribute("aria-label"))!;
  assert.match(name, /^spin busy\.ts:2: [\d.]+ m?s in all \(\d+ ?%\), [\d.]+ m?s itself$/);

  await page.locator(".bars-of-flame button").first().focus();
  const focused = () => page.evaluate("document.activeElement.getAttribute('aria-label')");
  for (let i = 0; i < 20 && !String(await focused()).startsWith("spin"); i++) {
    await page.keyboard.press("ArrowDown");
  }
  assert.match(String(await focused()), /^spin/, "arrow keys reach it");
  await page.keyboard.press("Enter");
  const width = () => bar.first().evaluate((one) => (one as never as HTMLish).style.width);
  assert.equal(await width(), "100%", "enlarged");
  await page.keyboard.press("ArrowUp");
  assert.match(String(await focused()), /^outer busy\.ts:\d+/, "its caller is above");
  await page.keyboard.press("Escape");
  assert.notEqual(await width(), "100%");

  await page.click("summary >> text=As a table");
  await page.waitForSelector("table.spent td >> text=busy.ts:2");
  for (const [width, colorScheme] of [
    [1280, "light"],
    [1280, "dark"],
    [360, "light"],
    [360, "dark"],
  ] as const) {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme });
    assert.deepEqual(await violations(page), [], `${width} ${colorScheme}`);
    await fits(page);
    await picture(page, `flame-${width}-${colorScheme}`);
  }
  assert.deepEqual(errors, []);
  await page.context().close();

  await ran(cluster, "report", "j-1", "-o", "kept.html");
  const kept = await openScreen(browser!, `file://${cluster.place.dir}/kept.html`);
  await kept.page.waitForSelector(".bars-of-flame button >> text=busy.ts:2");
  assert.deepEqual(await violations(kept.page), []);
  await kept.page.context().close();
});

type HTMLish = { readonly style: { readonly width: string } };
