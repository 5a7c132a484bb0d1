/** Jobs of tasks that do nothing, through the client, their results checked. */
import { join } from "node:path";
import { bundleJob } from "../src/sdk/bundle.ts";
import type { Client } from "../src/sdk/client.ts";
import { type Planned, planJob } from "../src/sdk/plan.ts";
import { submitTasks } from "../src/sdk/submit.ts";

/** What it resolves with runs a job of `count` tasks: ms from submitting to the last result. `file`
 *  is in `jobs`. */
export async function noOps(
  client: Client,
  file = "no-op.ts",
): Promise<(count: number) => Promise<number>> {
  const built = await bundleJob(join(import.meta.dirname, "jobs", file));
  const { host } = await client.health();
  const plans = new Map<number, Planned>();
  return async (count) => {
    const params = { count };
    const known = plans.get(count);
    const plan = known ?? (await planJob(built.job, { inputs: [], params, host }));
    plans.set(count, plan);
    const startedMs = performance.now();
    const { job, results } = await submitTasks(client, built, plan, { name: "no-op" });
    let index = 0;
    for await (const result of results) {
      if (result !== index) throw new Error(`result ${index} of ${job} is ${result}`);
      index++;
    }
    if (index !== count) throw new Error(`${job} has ${index} of ${count} results`);
    return performance.now() - startedMs;
  };
}
