/** Progress of the demo's job where nothing can be drawn over: a line per stage, twice a second. On
 *  a terminal `tequio run` draws its own. */
import { setTimeout as delay } from "node:timers/promises";
import { observe, type Progress, stageLines } from "../src/cli/progress.ts";
import { connect } from "../src/sdk/client.ts";
import type { Cluster } from "../test/fixtures/cluster.ts";

/** Between two looks, so that the end is seen before the result is; and between two prints. */
const lookMs = 50;
const printMs = 500;
const columns = 100;

/** Prints until the cluster's only job has ended; at the latest once more after `signal` aborts. */
export async function printProgress(cluster: Cluster, signal: AbortSignal): Promise<void> {
  const client = await connect({ url: cluster.url, token: cluster.adminToken() });
  let progress: Progress | null = null;
  let printed = "";
  let printAtMs = 0;
  try {
    for (let isLast = false; !isLast; await delay(isLast ? 0 : lookMs)) {
      isLast = signal.aborted;
      const [job] = await client.jobs();
      if (job === undefined) continue;
      progress = observe(progress, job);
      isLast ||= job.state !== "running";
      if (!isLast && performance.now() < printAtMs) continue;
      const lines = stageLines(progress, columns).map((line) => `  ${line.trimEnd()}\n`);
      if (lines.join("") !== printed) process.stdout.write(lines.join(""));
      printed = lines.join("");
      printAtMs = performance.now() + printMs;
    }
  } finally {
    client.close();
  }
}
