/** "Run on the cluster" of the Try page, in a real Chromium with a real cluster: the same plan as
 *  that of `tequio run`, the same result as the judge's, errors in the editor's lines. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import type { JobSpec } from "../../src/core/job.ts";
import type { Output } from "../../src/wire/api/messages.ts";
import { type Cluster, startCluster } from "../browsers/cluster.ts";
import { findChromium, startChromium } from "../simulation/chromium.ts";
import { fits, openScreen, type Screen, violations } from "./screens.ts";

const found = findChromium();
const skip = found === null ? "no Chromium: set CHROMIUM to the path of one" : false;
let browser: Browser | null = null;
before(async () => {
  if (found !== null) browser = await startChromium(found);
});
after(() => browser?.close());

async function tokenOf({ place }: Cluster, role: string): Promise<string> {
  const { out } = await place.run("token", "create", "--role", role, "--owner", "ana", "--json");
  return (JSON.parse(out) as { token: string }).token;
}

async function openTry(cluster: Cluster, token: string): Promise<Screen> {
  const screen = await openScreen(browser!, `${cluster.url}/try#token=${token}`);
  await screen.page.waitForSelector("#run-on-cluster:not([disabled])");
  return screen;
}

/** The job's id, once it has ended as said. */
async function ran(page: Page, state: "done" | "failed"): Promise<string> {
  await page.click("dialog button[type=submit]");
  await page.waitForURL(/\/jobs\/j-\d+$/);
  await page.waitForSelector(`.chip.${state}`);
  return page.url().split("/").at(-1)!;
}

async function asked<T>({ url }: Cluster, token: string, path: string): Promise<T> {
  const answer = await fetch(url + path, { headers: { authorization: `Bearer ${token}` } });
  assert.equal(answer.status, 200, path);
  return (await answer.json()) as T;
}

async function resultOf(cluster: Cluster, token: string, job: string): Promise<string> {
  const { parts } = await asked<Output>(cluster, token, `/v1/jobs/${job}/output`);
  let text = "";
  for (const { hash } of parts) {
    const headers = { authorization: `Bearer ${token}` };
    text += await (await fetch(`${cluster.url}/v1/blobs/${hash}`, { headers })).text();
  }
  return text;
}

const words = `import { type Emit, mapReduce, text } from "tequio";
type Pair = { readonly least: number };
export default mapReduce({
  params: { least: 2 } as Pair,
  input: text.words({ lowercase: true }),
  map: (word, emit: Emit<string, number>, { params }) => {
    if (word.length >= params.least) emit(word, 1);
  },
  combine: (a, b) => a + b,
});
`;

test("a job of the editor runs on the cluster: planned as by tequio run, equal to the judge", {
  skip,
}, async (t) => {
  const cluster = await startCluster(t, "--workers", "1");
  const token = await tokenOf(cluster, "submitter");
  const { errors, page } = await openTry(cluster, token);
  await page.fill(".cm-content", words);
  await page.click("#run-on-cluster");
  await page.waitForSelector("dialog form");
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    assert.deepEqual(await violations(page), [], colorScheme);
  }
  await page.fill("dialog fieldset .row input[type=text]", "4");
  const job = await ran(page, "done");
  await page.waitForSelector(".rows");
  const { place } = cluster;
  place.write("job.ts", words);
  place.write("sample.txt", await sampleOf(page, cluster));
  const args = ["run", "job.ts", "sample.txt", "--param", "least=4"];
  const judged = await place.run(...args, "--sequential", "-o", "-");
  assert.equal(await resultOf(cluster, token, job), judged.out, judged.err);
  const run = await place.run(
    ...args,
    "--detach",
    "--json",
    "--url",
    cluster.url,
    "--token",
    token,
  );
  assert.equal(run.code, 0, run.err);
  const other = (JSON.parse(run.out) as { job: string }).job;
  const [mine, theirs] = await Promise.all(
    [job, other].map((one) => asked<JobSpec>(cluster, token, `/v1/jobs/${one}/spec`)),
  );
  // The code is as another bundler writes it, and the name was never asked for alike.
  assert.deepEqual(theirs, { ...mine, codeHash: theirs!.codeHash, name: theirs!.name });
  assert.deepEqual(errors, []);
});

async function sampleOf(page: Page, { url }: Cluster): Promise<string> {
  await page.goto(`${url}/try`);
  return page.inputValue("textarea");
}
