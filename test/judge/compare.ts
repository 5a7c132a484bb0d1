/** Runs one job twice, on a real cluster and by the sequential judge, and compares all of its
 *  output: every file byte for byte, and the counters. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { JobSummary } from "../../src/core/summary.ts";
import { hostId } from "../../src/link/host.ts";
import { type BuiltJob, bundleJob } from "../../src/sdk/bundle.ts";
import type { Client } from "../../src/sdk/client.ts";
import { collect, saveResult } from "../../src/sdk/collect.ts";
import { runLocal } from "../../src/sdk/local.ts";
import { type PlanOptions, planJob } from "../../src/sdk/plan.ts";
import { submitJob } from "../../src/sdk/submit.ts";
import { newFolder, removeFolder } from "../../src/store/testing/at-end.ts";
import { waitMaxMs } from "../../src/store/testing/patience.ts";

export type Compared = {
  /** Text of each file of the result, by name. */
  readonly files: ReadonlyMap<string, string>;
  readonly summary: JobSummary;
  /** Tasks of the first stage. */
  readonly taskCount: number;
};

/** Longest that a job of a test may take, in ms. */
const jobMaxMs = waitMaxMs;

export async function equalsJudge(
  client: Client,
  job: string | BuiltJob,
  options: Partial<PlanOptions>,
): Promise<Compared> {
  const folder = newFolder("compare-");
  const built = typeof job === "string" ? await bundleJob(job) : job;
  const planned = await planJob(built.job, {
    inputs: [],
    params: {},
    host: hostId(),
    ...options,
  });
  try {
    const judged = await runLocal(built.job, planned);
    await saveResult(judged.result, { kind: "folder", path: join(folder, "judge") });
    const id = await submitJob(client, built, planned, { name: "compared" });
    const summary = await ended(client, id);
    assert.equal(summary.state, "done", JSON.stringify(summary.failure));
    await collect(client, summary, { kind: "folder", path: join(folder, "cluster") });
    const files = filesOf(join(folder, "cluster"));
    const expected = filesOf(join(folder, "judge"));
    assert.deepEqual([...files.keys()], [...expected.keys()]);
    for (const [name, text] of files) {
      assert.ok(text === expected.get(name), `${name} differs:\n${text.slice(0, 2000)}`);
    }
    assert.deepEqual(summary.counters, judged.counters);
    return { files, summary, taskCount: summary.stages[0]!.taskCount };
  } finally {
    await planned.remove();
    removeFolder(folder);
  }
}

async function ended(client: Client, job: string): Promise<JobSummary> {
  const signal = AbortSignal.timeout(jobMaxMs);
  let last: JobSummary | null = null;
  for await (const summary of client.watch(job as never, { signal })) last = summary;
  return last ?? assert.fail(`nothing was printed about ${job}`);
}

/** As Latin-1, in which every byte is one character. */
function filesOf(folder: string): Map<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const names = entries
    .filter((entry) => entry.isFile())
    .map(({ name, parentPath }) => relative(folder, join(parentPath, name)))
    .sort();
  return new Map(names.map((name) => [name, readFileSync(join(folder, name), "latin1")]));
}
