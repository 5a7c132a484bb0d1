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
import { depth } from "../fixtures/depth.ts";
import { type Case, casesOf, runCase } from "./cases.ts";
import { kinds } from "./kinds.ts";

const jobCount = Number(process.env.TOGETHER_JOBS ?? depth(500, 125));
const seed = Number(process.env.TOGETHER_SEED ?? 1);
const owners = ["ana", "bo", "chi"];
type Batch = {
  readonly jobs: number;
  readonly owners: "one" | "all";
  readonly of: "all" | "operators" | "one operator" | "one kind";
};

/** Submitted at once, one batch after the other. Where owners or codes mix, each task needs a new
 *  process, which costs most of the time: such batches are small. */
const batches: readonly Batch[] = [
  { jobs: 40, owners: "one", of: "one operator" },
  { jobs: 10, owners: "all", of: "operators" },
  { jobs: 25, owners: "one", of: "one kind" },
  { jobs: 40, owners: "one", of: "one operator" },
  { jobs: 10, owners: "all", of: "all" },
];
/** Jobs of a batch at once: few, so that one ends, and the next begins, while others are open. */
const atOnce = 4;
/** A worker is killed each time that so many jobs have ended. */
const jobsPerKill = 100;
/** Only a hang reaches it. */
const testMaxMs = 800_000 + jobCount * 2_000;
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

/** The jobs of one batch, and their owners. */
function batchOf(
  number: number,
  random: Random,
  from: { readonly clients: readonly Client[]; readonly cases: readonly Case[] },
): Array<readonly [Client, Case]> {
  const any = <T>(all: readonly T[]) => all[random.below(all.length)] as T;
  const { jobs, of, owners } = batches[number % batches.length]!;
  const submitters = owners === "one" ? [any(from.clients)] : from.clients;
  const isAny = of === "all" || of === "one kind";
  const some = from.cases.filter(({ kind }) => isAny || kind.isOperator);
  const { kind } = any(some);
  // With equal code and other inputs: the data of one job looks like that of the next.
  const cases = of.startsWith("one") ? some.filter((one) => one.kind === kind) : some;
  return Array.from({ length: jobs }, () => [any(submitters), any(cases)] as const);
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
  t.diagnostic(`TOGETHER_SEED=${seed} TOGETHER_JOBS=${jobCount} chooses the same jobs again`);
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
  const run = async (client: Client, one: Case, number: number) => {
    const problem = await runCase(client, one, join(folder, `out-${number}`));
    if (problem !== null) wrong.push(problem);
    if (++ended % jobsPerKill === 0 && ended < jobCount) killed += killWorker(cluster, random);
  };
  for (let n = 0; begun < jobCount && wrong.length === 0; n++) {
    const batch = batchOf(n, random, { clients, cases }).slice(0, jobCount - begun);
    const lane = async () => {
      for (let next = batch.shift(); next !== undefined; next = batch.shift()) {
        await run(...next, begun++);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, lane));
  }
  const byTab = tab === null ? 0 : await figure(tab, "done");
  const took = `${((performance.now() - beganMs) / 1000).toFixed(1)} s`;
  t.diagnostic(`${ended} jobs in ${took}, ${killed} workers killed, ${byTab} tasks in the tab`);
  assert.deepEqual(wrong, []);
  assert.equal(ended, jobCount);
  if (tab !== null) assert.ok(byTab > 0, "the tab has computed nothing");
});
