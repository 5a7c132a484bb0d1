/** What do many jobs at once cost? Jobs of ten no-ops, 200 to 10,000 of them, submitted as fast as
 *  the coordinator takes them: the time until the last one has ended, and the coordinator's CPU for
 *  each task, beside that of one job of 2,000 tasks. There each job pays for being submitted,
 *  opened and closed, too; what a task itself costs while 10,000 jobs are active is measured
 *  apart. */
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { bundleJob } from "../../src/sdk/bundle.ts";
import { type Client, connect } from "../../src/sdk/client.ts";
import { planJob } from "../../src/sdk/plan.ts";
import { submitJob } from "../../src/sdk/submit.ts";
import { startCluster } from "../../test/fixtures/cluster.ts";
import { type BenchOptions, type Case, type Figure, median } from "../case.ts";
import { noOps } from "../no-ops.ts";
import { cpuMs } from "../processes.ts";
import { taskCostUs } from "../scale/core.ts";

const jobCounts = [200, 400, 800, 1_600, 10_000];
const quickMax = 200;
const tasksOfJob = 10;
/** Requests under way at the same time. */
const submitters = 64;
const pollMs = 20;
const warmUps = 20;
const activeJobs = 10_000;
/** Tasks that each active job has in one run, and not in the other. */
const furtherOfJob = 50;
/** From so many tasks on the cost a task of one job is flat. */
const oneJobTasks = 500_000;
const quickFurther = 20_000;
/** Of the core alone. */
const quickActive = 1_000;
const coreLoad = { workers: 2, durationMs: 0.1 };
const activeMax = 2;

export const jobsAtOnce: Case = {
  name: "jobs-at-once",
  question: "200 to 10,000 jobs of ten no-ops, submitted at once to two workers",
  run,
};

async function run(options: BenchOptions): Promise<Figure[]> {
  const { quick, say } = options;
  const figures: Figure[] = [];
  for (const count of jobCounts.filter((many) => !quick || many <= quickMax)) {
    const { cpuUs, ms, oneUs } = await measure(count);
    const named = `${count.toLocaleString("en")} jobs of ten no-ops at once`;
    say(`${named}: ${ms.toFixed(0)} ms, ${cpuUs.toFixed(0)} µs of CPU a task`);
    const bound = count === 1_600 ? { atMost: 3 } : {};
    figures.push({ name: named, value: ms / 1_000, unit: "s", ...bound });
    figures.push({ name: `${named}: coordinator's CPU a task`, value: cpuUs, unit: "µs" });
    figures.push({ name: `${named}: CPU a task, to one job's`, value: cpuUs / oneUs, unit: "×" });
    if (count !== jobCounts[0]) continue;
    figures.push({ name: "one job of 2,000 no-ops: CPU a task", value: oneUs, unit: "µs" });
  }
  return [...figures, ...(await furtherTasks(options)), ...decisions(options)];
}

/** What one more task costs while so many jobs are active: by what more tasks in each of them cost,
 *  so that submitting, opening and closing jobs does not count. */
async function furtherTasks({ quick, say }: BenchOptions): Promise<Figure[]> {
  const jobs = quick ? quickMax : activeJobs;
  const one = await cpuOf(1, quick ? quickFurther : oneJobTasks);
  const few = await cpuOf(jobs, tasksOfJob);
  const more = await cpuOf(jobs, tasksOfJob + furtherOfJob);
  const oneUs = (one * 1_000) / (quick ? quickFurther : oneJobTasks);
  const manyUs = ((more - few) * 1_000) / (jobs * furtherOfJob);
  const named = `${jobs.toLocaleString("en")} active jobs: coordinator's CPU for a further task`;
  say(`${named} ${manyUs.toFixed(1)} µs, of one job ${oneUs.toFixed(1)} µs`);
  return [
    { name: named, value: manyUs, unit: "µs" },
    { name: "one large job: coordinator's CPU a task", value: oneUs, unit: "µs" },
    { name: `${named}, to one job's`, value: manyUs / oneUs, unit: "×", atMost: activeMax },
  ];
}

/** Of the coordinator, ms, from the first submission to the end of the last job. */
async function cpuOf(jobs: number, tasks: number): Promise<number> {
  const cluster = await startCluster(2);
  const client = await connect({ url: cluster.url, token: cluster.adminToken() });
  try {
    const runJob = await noOps(client);
    for (let warm = 0; warm < warmUps; warm++) await runJob(1_000);
    const submit = await submitter(client, tasks);
    const beforeMs = cpuMs(cluster.pid);
    await ended(client, await submitAll(submit, jobs));
    return cpuMs(cluster.pid) - beforeMs;
  } finally {
    client.close();
    await cluster.stop();
  }
}

/** What the core alone costs, without log and sockets: many active jobs against one, in turns. */
function decisions({ quick, rounds, say }: BenchOptions): Figure[] {
  const jobs = quick ? quickActive : activeJobs;
  const tasks = jobs * tasksOfJob;
  const costs = { one: [] as number[], many: [] as number[] };
  // What the engine compiles at first is the same for both.
  for (const warm of [1, jobs]) taskCostUs({ ...coreLoad, jobs: warm, tasks });
  for (let round = 0; round < rounds; round++) {
    costs.one.push(taskCostUs({ ...coreLoad, jobs: 1, tasks }));
    costs.many.push(taskCostUs({ ...coreLoad, jobs, tasks }));
  }
  const [one, many] = [median(costs.one), median(costs.many)];
  const named = `${jobs.toLocaleString("en")} active jobs, the core alone: CPU a task`;
  say(`${named} ${many.toFixed(2)} µs, one job ${one.toFixed(2)} µs`);
  return [
    { name: named, value: many, unit: "µs" },
    { name: "one job, the core alone: CPU a task", value: one, unit: "µs" },
  ];
}

/** A cluster for each count, or one would pay for what another left. */
async function measure(count: number) {
  const cluster = await startCluster(2);
  const client = await connect({ url: cluster.url, token: cluster.adminToken() });
  try {
    const runJob = await noOps(client);
    for (let warm = 0; warm < warmUps; warm++) await runJob(1_000);
    const beforeOneMs = cpuMs(cluster.pid);
    for (let time = 0; time < 10; time++) await runJob(2_000);
    const oneUs = ((cpuMs(cluster.pid) - beforeOneMs) * 1_000) / 20_000;
    const submit = await submitter(client, tasksOfJob);
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

async function submitter(client: Client, count: number): Promise<() => Promise<string>> {
  const file = join(import.meta.dirname, "..", "jobs", "no-op.ts");
  const built = await bundleJob(file);
  const { host } = await client.health();
  const planned = await planJob(built.job, { inputs: [], params: { count }, host });
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
