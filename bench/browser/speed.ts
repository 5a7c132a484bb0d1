/** How fast is a tab, core by core, against a Node worker? */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { type Cluster, root, startCluster } from "../../scripts/cluster.ts";
import { buildWeb } from "../../scripts/web/build-web.ts";
import { bundleJob } from "../../src/sdk/bundle.ts";
import { type Client, connect } from "../../src/sdk/client.ts";
import { planJob } from "../../src/sdk/plan.ts";
import { submitJob } from "../../src/sdk/submit.ts";
import { findChromium, startChromium } from "../../test/simulation/chromium.ts";
import { type BenchOptions, type Case, type Figure, takeTurns } from "../case.ts";
import { zipfFile } from "../zipf.ts";

export const browser: Case = {
  name: "browser",
  question: "The same job in a tab per core and in a Node worker per core",
  run,
};

const cores = Math.min(4, availableParallelism());
const jobs = join(import.meta.dirname, "..", "jobs");
/** With the user's own expression: strings all the way. */
const wordCount = join(root, "examples", "word-count", "job.ts");

type Crew = { readonly client: Client; stop(): Promise<void> };

async function run(options: BenchOptions): Promise<Figure[]> {
  const executable = findChromium();
  if (executable === null) {
    options.say("skipped: no Chromium: set CHROMIUM to the path of one");
    return [];
  }
  const crews: Crew[] = [];
  try {
    const text = zipfFile((options.quick ? 8 : 96) << 20);
    const node = await nodeCrew();
    crews.push(node);
    const tabs = await tabCrew(executable);
    crews.push(tabs);
    const darts = { count: cores * (options.quick ? 20 : 100), darts: 2_000_000 };
    const numeric = (crew: Crew) => () =>
      runJob(crew.client, join(jobs, "darts.ts"), { params: darts });
    const strings = (crew: Crew) => () => runJob(crew.client, wordCount, { inputs: [text] });
    const times = await takeTurns(
      [
        { name: "numbers in Node", run: numeric(node) },
        { name: "numbers in tabs", run: numeric(tabs) },
        { name: "words in Node", run: strings(node) },
        { name: "words in tabs", run: strings(tabs) },
      ],
      options,
    );
    const share = (work: string) => times.get(`${work} in Node`)! / times.get(`${work} in tabs`)!;
    const bounds = options.quick ? [{}, {}] : [{ atLeast: 0.85 }, { atLeast: 0.65 }];
    const against = "of a tab, of a Node worker's with the same core";
    return [
      { name: `speed ${against}: numbers`, value: share("numbers"), unit: "×", ...bounds[0] },
      { name: `speed ${against}: strings`, value: share("words"), unit: "×", ...bounds[1] },
    ];
  } finally {
    for (const crew of crews) await crew.stop();
  }
}

async function clientOf(cluster: Cluster): Promise<Client> {
  return connect({ url: cluster.url, token: cluster.adminToken() });
}

async function nodeCrew(): Promise<Crew> {
  const cluster = await startCluster(cores);
  return { client: await clientOf(cluster), stop: () => cluster.stop() };
}

async function tabCrew(executable: string): Promise<Crew> {
  await buildWeb();
  const cluster = await startCluster(0);
  const chromium = await startChromium(executable);
  for (let i = 0; i < cores; i++) await openTab(chromium, `${cluster.url}/j#${cluster.joinToken}`);
  const stop = async () => {
    await chromium.close();
    await cluster.stop();
  };
  return { client: await clientOf(cluster), stop };
}

async function openTab(chromium: Browser, link: string): Promise<Page> {
  const page = await chromium.newPage();
  await page.goto(link);
  await page.locator("input[type=range]").first().fill("1");
  await page.click("#join");
  await page.waitForSelector('[data-phase="joined"]');
  return page;
}

type What = { readonly inputs?: readonly string[]; readonly params?: Record<string, unknown> };

/** Ms from submitting to the end. */
async function runJob(client: Client, file: string, { inputs = [], params = {} }: What) {
  const built = await bundleJob(file);
  const { host } = await client.health();
  const sizes = inputs.length > 0 ? { splitBytes: 16 << 20 } : {};
  const plan = await planJob(built.job, { inputs, params, host, ...sizes });
  const startedMs = performance.now();
  const job = await submitJob(client, built, plan, { name: "bench" });
  for await (const { state } of client.watch(job)) {
    if (state === "done") return performance.now() - startedMs;
    if (state !== "running") throw new Error(`${job} is ${state}`);
  }
  throw new Error(`${job} was not followed to its end`);
}
