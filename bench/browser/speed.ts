/** How fast are tabs, core by core, against Node workers? */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { buildWeb } from "../../scripts/web/build-web.ts";
import { bundleJob } from "../../src/sdk/bundle.ts";
import { type Client, connect } from "../../src/sdk/client.ts";
import { planJob } from "../../src/sdk/plan.ts";
import { submitJob } from "../../src/sdk/submit.ts";
import { type Cluster, root, startCluster } from "../../test/fixtures/cluster.ts";
import { findChromium, startChromium } from "../../test/simulation/chromium.ts";
import { type BenchOptions, type Case, type Figure, takeTurns } from "../case.ts";
import { zipfFile } from "../zipf.ts";

export const browser: Case = {
  name: "browser",
  question: "The same job in a tab and in a Node worker, on one core each and on all",
  run,
};

const jobs = join(import.meta.dirname, "..", "jobs");
/** With the user's own expression: strings all the way. */
const wordCount = join(root, "examples", "word-count", "job.ts");

type Contestant = { readonly client: Client; stop(): Promise<void> };
type Setting = {
  /** Node workers, and tabs, of one slot each. */
  readonly cores: number;
  readonly promised: { readonly numbers: number; readonly strings: number } | null;
};

/** On all cores the browser's own processes, which fetch and hand over, take their part of them. */
const settings: readonly Setting[] = [
  { cores: 1, promised: { numbers: 0.85, strings: 0.65 } },
  { cores: Math.min(4, availableParallelism()), promised: null },
];

async function run(options: BenchOptions): Promise<Figure[]> {
  const executable = findChromium();
  if (executable === null) {
    options.say("skipped: no Chromium: set CHROMIUM to the path of one");
    return [];
  }
  const figures: Figure[] = [];
  for (const setting of settings) figures.push(...(await measure(setting, executable, options)));
  return figures;
}

async function measure(
  { cores, promised }: Setting,
  executable: string,
  options: BenchOptions,
): Promise<Figure[]> {
  const contestants: Contestant[] = [];
  try {
    const text = zipfFile((options.quick ? 8 : 256) << 20);
    const node = await nodeContestant(cores);
    contestants.push(node);
    const tabs = await tabContestant(executable, cores);
    contestants.push(tabs);
    const darts = { count: cores * (options.quick ? 20 : 100), darts: 2_000_000 };
    const numeric = (contestant: Contestant) => () =>
      runJob(contestant.client, join(jobs, "darts.ts"), { params: darts });
    const strings = (contestant: Contestant) => () =>
      runJob(contestant.client, wordCount, { inputs: [text] });
    const many = cores === 1 ? "one core" : `${cores} cores`;
    const times = await takeTurns(
      [
        { name: `${many}: numbers in Node`, run: numeric(node) },
        { name: `${many}: numbers in tabs`, run: numeric(tabs) },
        { name: `${many}: words in Node`, run: strings(node) },
        { name: `${many}: words in tabs`, run: strings(tabs) },
      ],
      options,
    );
    const share = (work: string) =>
      times.get(`${many}: ${work} in Node`)! / times.get(`${many}: ${work} in tabs`)!;
    const bound = (atLeast: number | undefined) =>
      options.quick || atLeast === undefined ? {} : { atLeast };
    const name = `${many}: speed of tabs, of Node workers'`;
    return [
      { name: `${name}: numbers`, value: share("numbers"), unit: "×", ...bound(promised?.numbers) },
      { name: `${name}: strings`, value: share("words"), unit: "×", ...bound(promised?.strings) },
    ];
  } finally {
    for (const contestant of contestants) await contestant.stop();
  }
}

async function clientOf(cluster: Cluster): Promise<Client> {
  return connect({ url: cluster.url, token: cluster.adminToken() });
}

async function nodeContestant(cores: number): Promise<Contestant> {
  const cluster = await startCluster(cores);
  return { client: await clientOf(cluster), stop: () => cluster.stop() };
}

async function tabContestant(executable: string, cores: number): Promise<Contestant> {
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
  const plan = await planJob(built.job, { inputs, params, host });
  const startedMs = performance.now();
  const job = await submitJob(client, built, plan, { name: "bench" });
  for await (const { state } of client.watch(job)) {
    if (state === "done") return performance.now() - startedMs;
    if (state !== "running") throw new Error(`${job} is ${state}`);
  }
  throw new Error(`${job} was not followed to its end`);
}
