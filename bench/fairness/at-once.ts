/** What do many jobs at once cost? Jobs of ten no-ops, 200 to 10,000 of them, submitted as fast as
 *  the coordinator takes them: the time until the last one has ended, and the coordinator's CPU for
 *  each task, beside that of one job with as many tasks. */
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { startCluster } from "../../scripts/cluster.ts";
import { bundleJob } from "../../src/sdk/bundle.ts";
import { type Client, connect } from "../../src/sdk/client.ts";
import { planJob } from "../../src/sdk/plan.ts";
import { submitJob } from "../../src/sdk/submit.ts";
import type { BenchOptions, Case, Figure } from "../case.ts";
import { noOps } from "../no-ops.ts";
import { cpuMs } from "../processes.ts";

const jobCounts = [200, 400, 800, 1_600, 10_000];
const quickMax = 200;
const tasksOfJob = 10;
/** Requests under way at the same time. */
const submitters = 64;
const pollMs = 20;

export const jobsAtOnce: Case = {
  name: "jobs-at-once",
  question: "200 to 10,000 jobs of ten no-ops, submitted at once to two workers",
  run,
};

async function run({ quick, say }: BenchOptions): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const count of jobCounts.filter((many) => !quick || many <= quickMax)) {
    const { cpuUs, ms, oneUs } = await measure(count);
    const named = `${count.toLocaleString("en")} jobs of ten no-ops at once`;
    say(`${named}: ${ms.toFixed(0)} ms, ${cpuUs.toFixed(0)} µs of CPU a task`);
    const bound = count === 1_600 ? { atMost: 3 } : {};
    figures.push({ name: named, value: ms / 1_000, unit: "s", ...bound });
    figures.push({ name: `${named}: coordinator's CPU a task`, value: cpuUs, unit: "µs" });
    if (count !== jobCounts[0]) continue;
    figures.push({ name: "one job of 2,000 no-ops: CPU a task", value: oneUs, unit: "µs" });
  }
  return figures;
}

/** A cluster for each count, or one would pay for what another left. */
async function measure(count: number) {
  const cluster = await startCluster(2);
  const client = await connect({ url: cluster.url, token: cluster.adminToken() });
  try {
    const runJob = await noOps(client);
    for (let warm = 0; warm < 20; warm++) await runJob(1_000);
    const beforeOneMs = cpuMs(cluster.pid);
    for (let time = 0; time < 10; time++) await runJob(2_000);
    const oneUs = ((cpuMs(cluster.pid) - beforeOneMs) * 1_000) / 20_000;
    const submit = await submitter(client);
    const beforeMs = cpuMs(cluster.pid);
    const startedMs = performance.now();
    const jobs = await submitAll(submit, count);
    await ended(client, jobs);
    const ms = performance.now() - startedMs;
    const cpuUs = ((cpuMs(cluster.pid) - beforeMs) * 1_000) / (count * tasksOfJob);
    return { ms, cpuUs, oneUs };
  } finally {
    client.close();
    await cluster.stop();
  }
}

async function submitter(client: Client): Promise<() => Promise<string>> {
  const file = join(import.meta.dirname, "..", "jobs", "no-op.ts");
  const built = await bundleJob(file);
  const { host } = await client.health();
  const planned = await planJob(built.job, { inputs: [], params: { count: tasksOfJob }, host });
  return () => submitJob(client, built, planned, { name: "no-op" });
}

async function submitAll(submit: () => Promise<string>, count: number): Promise<string[]> {
  const jobs: string[] = [];
  let left = count;
  const one = async () => {
    while (left-- > 0) jobs.push(await submit());
  };
  await Promise.all(Array.from({ length: submitters }, one));
  return jobs;
}

/** Waits for the last one, since jobs end about in the order in which they came, and then looks at
 *  all of them. */
async function ended(client: Client, jobs: readonly string[]): Promise<void> {
  const isEnded = async (job: string) => (await client.job(job)).state !== "running";
  while (!(await isEnded(jobs.at(-1)!))) await delay(pollMs);
  for (;;) {
    const states = (await client.jobs()).map(({ state }) => state);
    if (!states.includes("running")) {
      const failed = states.find((state) => state !== "done");
      if (failed === undefined) return;
      throw new Error(`a job is ${failed}`);
    }
    await delay(pollMs);
  }
}
