/** How many tasks a second, and how long does one task alone take, from submitting to its result?
 *  */
import { join } from "node:path";
import { startCluster } from "../scripts/cluster.ts";
import { bundleJob } from "../src/sdk/bundle.ts";
import { type Client, connect } from "../src/sdk/client.ts";
import { type Planned, planJob } from "../src/sdk/plan.ts";
import { submitJob } from "../src/sdk/submit.ts";
import { type BenchOptions, type Case, type Figure, median } from "./case.ts";

const manyCount = 10_000;
const aloneCount = 100;
const quickAloneCount = 30;

export const tasks: Case = {
  name: "tasks",
  question: "No-op tasks on two workers, through the client, every acknowledgement durable",
  run,
};

async function run(options: BenchOptions): Promise<Figure[]> {
  const cluster = await startCluster(2);
  const client = await connect({ url: cluster.url, token: cluster.adminToken() });
  try {
    const runs = await submitter(client);
    await runs(manyCount);
    const rates: number[] = [];
    for (let round = 0; round < options.rounds; round++) {
      const tookMs = await runs(manyCount);
      rates.push(manyCount / (tookMs / 1000));
      options.say(`round ${round + 1}: ${Math.round(rates.at(-1)!)} tasks/s`);
    }
    const alone: number[] = [];
    const times = options.quick ? quickAloneCount : aloneCount;
    for (let index = 0; index < times; index++) alone.push(await runs(1));
    return [
      { name: "tasks a second", value: median(rates), unit: "tasks/s", atLeast: 5000 },
      { name: "one task alone, p50", value: median(alone), unit: "ms", atMost: 10 },
    ];
  } finally {
    client.close();
    await cluster.stop();
  }
}

/** Runs a job of `count` tasks: ms from submitting to the last result read. */
async function submitter(client: Client): Promise<(count: number) => Promise<number>> {
  const built = await bundleJob(join(import.meta.dirname, "jobs", "no-op.ts"));
  const { host } = await client.health();
  const planned = new Map<number, Planned>();
  return async (count) => {
    const plan =
      planned.get(count) ?? (await planJob(built.job, { inputs: [], params: { count }, host }));
    planned.set(count, plan);
    const startedMs = performance.now();
    const job = await submitJob(client, built, plan, { name: "no-op" });
    for await (const summary of client.watch(job)) {
      if (summary.state !== "failed") continue;
      throw new Error(`${job} failed: ${summary.failure?.message}`);
    }
    let index = 0;
    for await (const result of client.results(job)) {
      if (result !== index) throw new Error(`result ${index} of ${job} is ${result}`);
      index++;
    }
    if (index !== count) throw new Error(`${job} has ${index} of ${count} results`);
    return performance.now() - startedMs;
  };
}
