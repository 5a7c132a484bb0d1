/** X1: owners and jobs of every kind at once, of equal and of different code, on two workers and a
 *  browser tab, while workers are killed: every result equals the judge's.
 *
 *  `npm run together` runs ten times as many. TOGETHER_JOBS and TOGETHER_SEED change both. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Random } from "../../src/core/random.ts";
import { Client } from "../../src/sdk/client.ts";
import { sharedChromium, options as withChromium } from "../browsers/chromium.ts";
import { type Cluster, figure, isJoined, joinIn, startCluster } from "../browsers/cluster.ts";
import { casesOf, runCase } from "./cases.ts";
import { kinds } from "./kinds.ts";

const jobCount = Number(process.env.TOGETHER_JOBS ?? 500);
const seed = Number(process.env.TOGETHER_SEED ?? 1);
const owners = ["ana", "bo", "chi"];
/** Jobs of each owner at once. */
const atOnce = 4;
/** A worker is killed each time that so many jobs have ended. */
const jobsPerKill = 100;
const testMaxMs = 100_000 + jobCount * 400;
const chromium = sharedChromium();

async function clientsOf({ place, url }: Cluster): Promise<Client[]> {
  const token = readFileSync(join(place.dir, "data", "admin.token"), "utf8").trim();
  const admin = new Client({ url, token });
  const create = async (owner: string) => {
    const made = await admin.createToken({
      role: "submitter",
      owner,
      ttlMs: 3_600_000,
      usesMax: 0,
    });
    return new Client({ url, token: made.token });
  };
  return Promise.all(owners.map(create));
}

/** kill -9 of a worker that runs now; `up` starts another in its place. */
function killWorker({ place }: Cluster, random: Random): number {
  const dir = join(place.dir, "data", "workers");
  const names = readdirSync(dir);
  const name = names[random.below(names.length)] as string;
  try {
    const { pid } = JSON.parse(readFileSync(join(dir, name, "process.json"), "utf8"));
    return process.kill(pid, "SIGKILL") ? 1 : 0;
  } catch {
    // It is being replaced at this moment.
    return 0;
  }
}

async function openTab(t: TestContext, cluster: Cluster) {
  if (withChromium.skip !== false) {
    t.diagnostic(`without a tab: ${withChromium.skip}`);
    return null;
  }
  const page = await joinIn(await chromium.newContext(t), cluster.link);
  await isJoined(page);
  return page;
}

test(`X1: ${jobCount} jobs at once, each as the judge has it`, {
  timeout: testMaxMs,
}, async (t) => {
  const cluster = await startCluster(t, "--workers", "2", "--lease", "3s");
  const folder = join(cluster.place.dir, "cases");
  mkdirSync(folder);
  const cases = await casesOf(kinds, folder);
  const [clients, tab] = await Promise.all([clientsOf(cluster), openTab(t, cluster)]);
  const random = new Random(seed);
  const wrong: string[] = [];
  const beganMs = performance.now();
  let begun = 0;
  let ended = 0;
  let killed = 0;
  const lane = async (client: Client) => {
    while (begun < jobCount && wrong.length === 0) {
      const number = begun++;
      const one = cases[random.below(cases.length)]!;
      const problem = await runCase(client, one, join(folder, `out-${number}`));
      if (problem !== null) wrong.push(problem);
      if (++ended % jobsPerKill === 0 && ended < jobCount) killed += killWorker(cluster, random);
    }
  };
  await Promise.all(
    clients.flatMap((client) => Array.from({ length: atOnce }, () => lane(client))),
  );
  const byTab = tab === null ? 0 : await figure(tab, "done");
  const took = `${((performance.now() - beganMs) / 1000).toFixed(1)} s`;
  t.diagnostic(
    `${ended} jobs in ${took}, ${killed} workers killed, ${byTab} tasks in the tab, seed ${seed}`,
  );
  assert.deepEqual(wrong, []);
  assert.equal(ended, jobCount);
  if (tab !== null) assert.ok(byTab > 0, "the tab has computed nothing");
});
