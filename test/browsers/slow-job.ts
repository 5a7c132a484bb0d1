/** A job whose items take some time each and return their numbers, and its result. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import type { JobSummary } from "../../src/core/summary.ts";
import { often } from "../simulation/chromium.ts";
import { asked, type Cluster } from "./cluster.ts";

const source = `
import { tasks } from "tequio";
export default tasks({
  name: "slow",
  params: { count: 20, ms: 200 },
  items: ({ count }) => Array.from({ length: count }, (_, i) => i),
  run: (item, { params }) =>
    new Promise((resolve) => {
      setTimeout(() => resolve({ item }), params.ms);
    }),
});`;

const endless = `
import { log, tasks } from "tequio";
export default tasks({
  name: "endless", items: [0],
  run() {
    log("begun");
    return new Promise<number>(() => {});
  },
});`;

/** Submits so many items, and answers the job's id. */
export async function submitSlow({ place }: Cluster, count: number, ms: number): Promise<string> {
  place.write("slow.ts", source);
  return submitted(place, "slow.ts", "--param", `count=${count}`, "--param", `ms=${ms}`);
}

/** A task that logs "begun" and never ends. */
export async function submitEndless({ place }: Cluster): Promise<string> {
  place.write("endless.ts", endless);
  return submitted(place, "endless.ts");
}

async function submitted(place: Cluster["place"], ...args: string[]): Promise<string> {
  const { code, err, out } = await place.run("run", ...args, "--detach");
  assert.equal(code, 0, err);
  return /j-\d+/.exec(out + err)![0];
}

/** The items in order, once the job is done. */
export async function itemsOf({ place }: Cluster, job: string): Promise<number[]> {
  const { code, err, out } = await place.run("attach", job, "-o", "-");
  assert.equal(code, 0, err);
  const lines = out.trim().split("\n");
  return lines.map((line) => (JSON.parse(line) as { item: number }).item);
}

/** The result when no item is lost or repeated. */
export function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

/** How many attempts of its first stage were lost, and how many failed. */
export async function mishapsOf(cluster: Cluster, job: string): Promise<[number, number]> {
  const [stage] = (await asked<JobSummary>(cluster, `/v1/jobs/${job}`)).stages;
  return [stage?.attemptsLost ?? -1, stage?.attemptsFailed ?? -1];
}

/** Waits until the tab computes; it has not reported that before. */
export async function isComputing(page: Page): Promise<void> {
  await page.waitForFunction(() => performance.getEntriesByName("computing").length > 0, ...often);
}
