/** What the paper says of whole runs (3.1, 3.3, 4.3, 4.7 to 4.9), on a real small cluster: a
 *  coordinator and workers with task processes, on loopback. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before } from "node:test";
import { type Coordinator, openCoordinator } from "../../src/coordinator/coordinator.ts";
import type { JobSummary } from "../../src/core/summary.ts";
import { hostId } from "../../src/link/host.ts";
import { bundleJob } from "../../src/sdk/bundle.ts";
import { Client } from "../../src/sdk/client.ts";
import { collect, saveResult } from "../../src/sdk/collect.ts";
import { runLocal } from "../../src/sdk/local.ts";
import { planJob } from "../../src/sdk/plan.ts";
import { submitJob } from "../../src/sdk/submit.ts";
import { newFolder, removeFolder } from "../../src/store/testing/at-end.ts";
import { testMaxMs, waitMaxMs } from "../../src/store/testing/patience.ts";
import { startWorker } from "../../src/worker/node.ts";
import { deviates, says } from "./paper.ts";

const folder = newFolder("tequio-paper-");
/** Longest that one job may take, in ms. */
const jobMaxMs = waitMaxMs;
let coordinator: Coordinator;
let client: Client;
const workers: Array<{ stop(graceMs?: number): Promise<void> }> = [];

before(async () => {
  const dataDir = join(folder, "data");
  coordinator = await openCoordinator({ dataDir, listen: "127.0.0.1:0", version: "test" });
  client = new Client({ url: coordinator.url, token: coordinator.adminToken });
  await addWorker();
});

after(async () => {
  client.close();
  for (const worker of workers) await worker.stop(0);
  await coordinator.close();
  removeFolder(folder);
});

async function addWorker(): Promise<void> {
  const worker = await startWorker({
    url: coordinator.url,
    token: await coordinator.joinToken({ ttlMs: testMaxMs, usesMax: 1 }),
    dataDir: join(folder, `worker-${workers.length + 1}`),
    slots: 2,
    memoryBytes: 512 * 1024 * 1024,
    name: `paper-${workers.length + 1}`,
    sandbox: "auto",
    listen: "127.0.0.1:0",
  });
  workers.push(worker);
}

/** The word count of section 2.1; `work` is done for each line, `combine` may be left out. */
function wordCount({ work = "", combine = "" }): string {
  return `import { count, log, mapReduce } from "tequio";
export default mapReduce({
  map(line, emit) {
    log("read a line");
    ${work}
    for (const word of line.split(" ")) {
      if (/^[A-Z]/.test(word)) count("uppercase");
      emit(word, 1);
    }
  },
  ${combine}
  reduce(_key, values) {
    let sum = 0;
    for (const value of values) sum += value;
    return sum;
  },
});
`;
}

const lines = Array.from({ length: 60 }, (_, n) => `word Word-${n % 7} word-${n % 11}\n`);

/** The job on the cluster and by the judge; `watching` sees each summary on the way. */
async function run(source: string, watching: (summary: JobSummary) => Promise<void> | void) {
  const at = newFolder("job-", folder);
  writeFileSync(join(at, "job.ts"), source);
  writeFileSync(join(at, "lines.txt"), lines.join(""));
  const built = await bundleJob(join(at, "job.ts"));
  const sizes = { splitBytes: 100, reducers: 3 };
  const inputs = [join(at, "lines.txt")];
  const planned = await planJob(built.job, { inputs, params: {}, host: hostId(), ...sizes });
  const judged = await runLocal(built.job, planned);
  await saveResult(judged.result, { kind: "folder", path: join(at, "judge") });
  const job = await submitJob(client, built, planned, { name: "word count" });
  let summary: JobSummary | null = null;
  for await (const next of client.watch(job, { signal: AbortSignal.timeout(jobMaxMs) })) {
    summary = next;
    await watching(next);
  }
  assert.equal(summary?.state, "done", JSON.stringify(summary?.failure));
  await collect(client, summary!, { kind: "folder", path: join(at, "cluster") });
  await planned.remove();
  const files = filesOf(join(at, "cluster"));
  return { files, judge: filesOf(join(at, "judge")), judged, job, summary: summary! };
}

function filesOf(path: string): Array<readonly [name: string, text: string]> {
  return readdirSync(path)
    .sort()
    .map((name) => [name, readFileSync(join(path, name), "utf8")] as const);
}

const nothing = () => {};

says(
  "3.1",
  "After successful completion, the output of the mapreduce execution is available in the R " +
    "output files (one per reduce task, with file names as specified by the user).",
  async () => {
    const { files, judge } = await run(wordCount({}), nothing);
    assert.equal(files.length, 3);
    assert.deepEqual(files, judge);
  },
);

says(
  "3.1",
  "When all map tasks and reduce tasks have been completed, the master wakes up the user " +
    "program.",
  async () => {
    const states: string[] = [];
    const { summary } = await run(wordCount({}), ({ state }) => void states.push(state));
    assert.equal(states.indexOf("done"), states.length - 1, "the last that a watcher sees");
    for (const stage of summary.stages) assert.equal(stage.done, stage.taskCount);
  },
);

says(
  "3.3",
  "our distributed implementation produces the same output as would have been produced by a " +
    "non-faulting sequential execution of the entire program.",
  async () => {
    await addWorker();
    let isStopped = false;
    const work = "let busy = 0; for (let n = 0; n < 2e7; n++) busy = (busy + n) % 7;";
    const { files, judge, summary } = await run(wordCount({ work }), async () => {
      const second = (await client.workers()).find(({ name }) => name === "paper-2");
      if (isStopped || (second?.done ?? 0) === 0) return;
      isStopped = true;
      await workers[1]?.stop(0);
    });
    assert.ok(isStopped, "the second worker left while the job ran");
    assert.deepEqual(files, judge);
    assert.ok(summary.stages[0]!.attemptsLost > 0, "map tasks that it had completed ran again");
  },
);

says(
  "4.3",
  "The Combiner function is executed on each machine that performs a map task.",
  async () => {
    const without = await run(wordCount({}), nothing);
    const combined = await run(wordCount({ combine: "combine: (a, b) => a + b," }), nothing);
    assert.deepEqual(combined.files, without.files);
    const records = [without, combined].map(({ summary }) => summary.stages[0]!.outputRecords);
    assert.equal(records[0], 180, "each word of each line");
    assert.ok(records[1]! < 180, `${records[1]} pairs left the map tasks`);
  },
);

deviates(
  "4.8",
  "The master runs an internal HTTP server and exports a set of status pages for human " +
    "consumption.",
  "the same figures are JSON, from which the dashboard, the command line and others are made.",
  async () => {
    const { job } = await run(wordCount({}), nothing);
    const headers = { authorization: `Bearer ${coordinator.adminToken}` };
    const response = await fetch(`${coordinator.url}/v1/jobs/${job}`, { headers });
    const { stages } = (await response.json()) as JobSummary;
    const [map, reduce] = stages;
    assert.equal(map!.done, map!.taskCount, "how many tasks have been completed");
    assert.equal(map!.running, 0, "how many are in progress");
    assert.equal(map!.inputBytes, lines.join("").length, "bytes of input");
    assert.ok(map!.outputBytes > 0, "bytes of intermediate data");
    assert.ok(reduce!.outputBytes > 0, "bytes of output");
  },
);

says(
  "4.8",
  "The pages also contain links to the standard error and standard output files generated by " +
    "each task.",
  async () => {
    const { job } = await run(wordCount({}), nothing);
    let logged = 0;
    for await (const line of client.logs(job, {})) {
      if (JSON.stringify(line).includes("read a line")) logged++;
    }
    assert.equal(logged, lines.length);
  },
);

says(
  "4.9",
  "The master aggregates the counter values from successful map and reduce tasks and returns " +
    "them to the user code when the MapReduce operation is completed.",
  async () => {
    const { judged, summary } = await run(wordCount({}), nothing);
    assert.deepEqual(summary.counters, { uppercase: lines.length });
    assert.deepEqual(summary.counters, judged.counters);
  },
);

says(
  "4.9",
  "Some counter values are automatically maintained by the MapReduce library, such as [...] the " +
    "number of output key/value pairs produced.",
  async () => {
    const { files, summary } = await run(wordCount({}), nothing);
    const rows = files.map(([, text]) => text.split("\n").length - 1);
    assert.equal(
      summary.stages[1]!.outputRecords,
      rows.reduce((sum, n) => sum + n, 0),
    );
  },
);
