/** What does a larger job cost? Jobs of 1,000 to 1,000,000 tasks on a real cluster of two workers:
 *  the coordinator's CPU for each task, and the most memory that it ever had. */

import { connect } from "../../src/sdk/client.ts";
import { startCluster } from "../../test/fixtures/cluster.ts";
import type { BenchOptions, Case, Figure } from "../case.ts";
import { peakOf } from "../memory.ts";
import { noOps } from "../no-ops.ts";
import { cpuMs } from "../processes.ts";

const taskCounts = [1_000, 10_000, 100_000, 1_000_000];
const quickMax = 10_000;
/** Each size runs about so many tasks in all, so that small jobs are measured as well. */
const tasksMin = 200_000;

export const largeJobs: Case = {
  name: "large-jobs",
  question: "What a task costs the coordinator in jobs of 1,000 to 1,000,000 tasks",
  run,
};

async function run({ quick, say }: BenchOptions): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const count of taskCounts.filter((size) => !quick || size <= quickMax)) {
    const { cpuUs, peakBytes, listMs, ms } = await measure(count, quick ? count : tasksMin);
    const named = `a job of ${count.toLocaleString("en")} tasks`;
    const listed = `listed in ${listMs.toFixed(1)} ms`;
    say(`${named}: ${ms.toFixed(0)} ms, ${cpuUs.toFixed(1)} µs a task, ${listed}`);
    figures.push({ name: `${named}: coordinator's CPU a task`, value: cpuUs, unit: "µs" });
    if (count < taskCounts.at(-1)!) continue;
    const most = { value: peakBytes / 1e9, unit: "GB", atMost: 1.5 };
    figures.push({ name: `${named}: most memory of the coordinator`, ...most });
    figures.push({ name: `${named}: listing the jobs`, value: listMs, unit: "ms" });
  }
  return figures;
}

/** A cluster for each size, or one size would pay for what another left. */
async function measure(count: number, atLeast: number) {
  const cluster = await startCluster(2);
  const client = await connect({ url: cluster.url, token: cluster.adminToken() });
  try {
    const runJobs = await noOps(client);
    // What V8 learns at first is the same for every size, and not what is asked.
    for (let warm = 0; warm < 20; warm++) await runJobs(1_000);
    const times = Math.ceil(atLeast / count);
    const beforeMs = cpuMs(cluster.pid);
    let ms = 0;
    for (let time = 0; time < times; time++) ms += await runJobs(count);
    const cpuUs = ((cpuMs(cluster.pid) - beforeMs) * 1_000) / (times * count);
    const startedMs = performance.now();
    await client.jobs();
    const listMs = performance.now() - startedMs;
    return { cpuUs, peakBytes: peakOf(cluster.pid), listMs, ms: ms / times };
  } finally {
    client.close();
    await cluster.stop();
  }
}
