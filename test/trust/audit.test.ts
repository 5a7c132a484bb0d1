/** Real workers compute tasks a second time: what is deterministic is confirmed, and of what is not
 *  the task and the first record that differs are named. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { statusLines } from "../../src/cli/result/report.ts";
import { type Coordinator, openCoordinator } from "../../src/coordinator/coordinator.ts";
import type { JobSummary } from "../../src/core/summary.ts";
import { Client } from "../../src/sdk/client.ts";
import { submitJob } from "../../src/sdk/submit.ts";
import { newFolder, removeFolder } from "../../src/store/testing/at-end.ts";
import { testMaxMs, waitMaxMs } from "../../src/store/testing/patience.ts";
import { polled } from "../../src/store/testing/polled.ts";
import { startWorker } from "../../src/worker/node.ts";
import { writtenJob } from "./written-job.ts";

const folder = newFolder("audit-");
let coordinator: Coordinator;
let client: Client;
const stops: Array<() => Promise<unknown>> = [];

before(async () => {
  const options = { dataDir: join(folder, "data"), listen: "127.0.0.1:0", version: "test" };
  coordinator = await openCoordinator({ ...options, auditShare: 1 });
  client = new Client({ url: coordinator.url, token: coordinator.adminToken });
  for (const name of ["one", "other", "third"]) {
    const worker = await startWorker({
      url: coordinator.url,
      token: await coordinator.joinToken({ ttlMs: testMaxMs, usesMax: 1 }),
      dataDir: join(folder, name),
      slots: 1,
      memoryBytes: 512 * 1024 * 1024,
      name,
      sandbox: "auto",
      listen: "127.0.0.1:0",
    });
    stops.push(() => worker.stop(0));
  }
});

after(async () => {
  client.close();
  await Promise.all(stops.map((stop) => stop()));
  await coordinator.close();
  removeFolder(folder);
});

/** The summary of the first moment in which `isIt` holds, also after the job's end. */
async function computed(
  source: string,
  isIt: (summary: JobSummary) => boolean,
  text = "",
): Promise<JobSummary> {
  const { built, planned } = await writtenJob(folder, source, { splitBytes: 200, text });
  const job = await submitJob(client, built, planned, { name: "audited" });
  const endsAtMs = performance.now() + waitMaxMs;
  return polled(
    () => client.job(job),
    (summary) => {
      assert.ok(summary.failure === null && performance.now() < endsAtMs, JSON.stringify(summary));
      return isIt(summary) && summary.state === "done";
    },
  );
}

async function all<T>(from: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of from) found.push(one);
  return found;
}

const differs = ({ audit }: JobSummary) => audit?.differs?.record !== undefined;

test("tasks that are computed twice, also after the end of their job, are the same", async () => {
  const run = `run: (n: number) => { console.log("at", n); return n * Math.sin(n); }`;
  const source = `tasks({ items: [...Array(6).keys()], ${run} })`;
  const summary = await computed(source, ({ audit }) => audit?.tasks === 6);
  assert.equal(summary.audit?.differs, undefined);
  const [last] = statusLines(summary, 100).slice(-1);
  assert.match(last ?? "", /6 tasks computed twice, by two workers, with the same results/);
  const lines = await all(client.logs(summary.job));
  assert.deepEqual(
    lines.map(({ line }) => line).sort(),
    Array.from({ length: 6 }, (_, n) => `at ${n}`),
    "what is only compared is not logged again",
  );
});

test("a list of tasks that draws real numbers is named, with both results", async () => {
  const run = `run: (n: number) => n === 3 ? [n, crypto.randomUUID()] : n`;
  const summary = await computed(`tasks({ items: [...Array(6).keys()], ${run} })`, differs);
  const { record, task, workers } = summary.audit?.differs ?? {};
  assert.equal(task, 3);
  assert.equal(new Set(workers).size, 2);
  assert.match(
    `${record?.first} ${record?.second}`,
    /^\[3,"[-0-9a-f]{36}"\] \[3,"[-0-9a-f]{36}"\]$/,
  );
  assert.notEqual(record?.first, record?.second);
  assert.match(statusLines(summary, 100).join("\n"), /not deterministic: task 3 gave two results/);
});

test("of a map output the first record that differs is found", async () => {
  const words = Array.from({ length: 90 }, (_, n) => `w${String(n).padStart(2, "0")}`).join("\n");
  // While one worker reduces, the others look at what was mapped.
  const source = `mapReduce({
    reducers: 1,
    backupTasks: false,
    map: (word: string, emit: Emit<string, string>) =>
      emit(word, word === "w50" ? crypto.randomUUID() : "same"),
    reduce(_: string, all: Iterable<string>) {
      let x = 1;
      for (let n = 0; n < 2_000_000; n++) x = (x * 31 + n) % 1_000_003;
      return x < 0 ? 0 : [...all].length;
    },
  })`;
  const summary = await computed(source, differs, words);
  const { record, stage } = summary.audit?.differs ?? {};
  assert.equal(stage, "map");
  assert.match(record?.first ?? "", /^"w50" → "[-0-9a-f]{36}"$/);
  assert.match(record?.second ?? "", /^"w50" → "[-0-9a-f]{36}"$/);
  assert.notEqual(record?.first, record?.second);
});
