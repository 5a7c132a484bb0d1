/** A real worker whose code was changed, beside an honest volunteer and an own worker: it is
 *  caught, and no result of it is in the jobs. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Coordinator, openCoordinator } from "../../src/coordinator/coordinator.ts";
import type { JobSummary, WorkerSummary } from "../../src/core/summary.ts";
import { Client } from "../../src/sdk/client.ts";
import { collect } from "../../src/sdk/collect.ts";
import { runLocal } from "../../src/sdk/local.ts";
import { submitJob } from "../../src/sdk/submit.ts";
import { newFolder, removeFolder } from "../../src/store/testing/at-end.ts";
import { testMaxMs, waitMaxMs } from "../../src/store/testing/patience.ts";
import { polled } from "../../src/store/testing/polled.ts";
import { startWorker } from "../../src/worker/node.ts";
import { changedWorker } from "./changed-worker.ts";
import { writtenJob } from "./written-job.ts";

const folder = newFolder("tequio-liar-");
let coordinator: Coordinator;
let client: Client;
let lying: typeof startWorker;
const stops: Array<() => Promise<unknown>> = [];

async function start(start: typeof startWorker, person: string, role: "worker" | "volunteer") {
  const terms = { ttlMs: testMaxMs, usesMax: 1, owner: person, role } as const;
  const worker = await start({
    url: coordinator.url,
    token: await coordinator.joinToken(terms),
    dataDir: join(folder, person),
    slots: 1,
    memoryBytes: 512 * 1024 * 1024,
    name: person,
    sandbox: "auto",
    listen: "127.0.0.1:0",
  });
  stops.push(() => worker.stop(0));
}

before(async () => {
  coordinator = await openCoordinator({
    dataDir: join(folder, "data"),
    listen: "127.0.0.1:0",
    version: "test",
  });
  client = new Client({ url: coordinator.url, token: coordinator.adminToken });
  lying = await changedWorker(join(folder, "changed"), [
    {
      file: "worker/process/run-items.ts",
      from: "resultText(task, result)",
      to: "resultText(task, (result as number) + 1)",
    },
    {
      file: "worker/task/map-task.ts",
      from: "const emit = keep ? pending.emit : options.emit;",
      to: "const emit: Emit = (key, value) => options.emit(key, (value as number) + 1);",
    },
  ]);
  await start(lying, "liar", "volunteer");
  await start(startWorker, "ana", "volunteer");
});

after(async () => {
  client.close();
  await Promise.all(stops.map((stop) => stop()));
  await coordinator.close();
  removeFolder(folder);
});

type Submitted = { readonly job: string; readonly judged: Awaited<ReturnType<typeof runLocal>> };

async function submit(source: string, text = ""): Promise<Submitted> {
  const { built, planned } = await writtenJob(folder, source, { splitBytes: 500, text });
  const judged = await runLocal(built.job, planned);
  return { job: await submitJob(client, built, planned, { name: "shared" }), judged };
}

async function until(job: string, isIt: (summary: JobSummary) => boolean): Promise<JobSummary> {
  const signal = AbortSignal.timeout(waitMaxMs);
  for await (const summary of client.watch(job, { signal })) if (isIt(summary)) return summary;
  throw new Error(`${job} ended before`);
}

const isEnded = ({ state }: JobSummary) => state !== "running";

async function all<T>(from: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of from) found.push(one);
  return found;
}

/** As one file. */
async function resultText(from: AsyncIterable<Uint8Array>): Promise<string> {
  return Buffer.concat(await all(from)).toString();
}

async function standings() {
  const workers: readonly WorkerSummary[] = await client.workers();
  return new Map(workers.map(({ name, volunteer }) => [name, volunteer]));
}

test("X10: a volunteer with changed code is caught, and none of its results stays", async () => {
  const { job } = await submit(
    `tasks({ share: "volunteers", items: [...Array(40).keys()], run: (n: number) => n * n })`,
  );
  // Both volunteers have one address, so neither confirms the other.
  const waiting = await until(job, ({ undecided = 0 }) => undecided >= 2);
  assert.equal(waiting.stages[0]?.done, 0);
  await start(startWorker, "own", "worker");
  const { failure, state } = await until(job, isEnded);
  assert.equal(state, "done", JSON.stringify(failure));
  const squares = Array.from({ length: 40 }, (_, n) => n * n);
  assert.deepEqual(await all(client.results(job)), squares);
  const known = await standings();
  assert.equal(known.get("liar")?.caught?.job, job);
  const { disputes = [] } = await client.job(job);
  const found = disputes.filter(({ wrong }) => wrong.length > 0);
  assert.ok(found.length > 0, JSON.stringify(disputes));
  for (const { record, task } of found) {
    const both = [`${task * task}`, `${task * task + 1}`];
    assert.deepEqual([record?.first, record?.second].sort(), both.sort());
  }
  assert.ok((known.get("ana")?.valid ?? 0) > 0, "the honest one is confirmed");
  assert.equal(known.get("ana")?.caught, undefined);
  assert.equal(known.get("own"), undefined, "an own worker has no standing");
  await assert.rejects(
    client.recheck(job),
    /^ClusterError: conflict: no result of j-1 is in doubt/,
  );
});

test("map outputs of a volunteer are checked before they are reduced", async () => {
  await start(lying, "other liar", "volunteer");
  const words = Array.from({ length: 600 }, (_, n) => `w${n % 17} w${n % 29}`).join("\n");
  const { job, judged } = await submit(
    `mapReduce({
      share: "volunteers",
      // The own worker must not be quicker than the liar.
      backupTasks: false,
      reducers: 3,
      map: (line: string, emit: Emit<string, number>) => {
        for (const word of line.split(" ")) emit(word, 1);
      },
      combine: (a, b) => a + b,
    })`,
    words,
  );
  const summary = await until(job, isEnded);
  assert.equal(summary.state, "done", JSON.stringify(summary.failure));
  const out = join(folder, "words.ndjson");
  await collect(client, summary, { kind: "file", path: out });
  const expected = await Promise.all(judged.result.parts.map((part) => resultText(part.read())));
  assert.equal(readFileSync(out, "utf8"), expected.join(""));
  const known = await standings();
  assert.equal(known.get("other liar")?.caught?.job, job);
  const disputes = await polled(
    async () => (await client.job(job)).disputes ?? [],
    (all) => all.some(({ record, wrong }) => record !== undefined && wrong.length > 0),
  );
  const { record } = disputes.find((one) => one.record !== undefined)!;
  const [first, second] = [record?.first, record?.second].map((text) => text?.split(" → ") ?? []);
  assert.equal(first?.[0], second?.[0], "a count of one word");
  assert.equal(Math.abs(Number(first?.[1]) - Number(second?.[1])) > 0, true);
  assert.equal(known.get("ana")?.caught, undefined);
});

test("code of a shared job sees the time of its submission, unless it asks otherwise", async () => {
  const items = `items: [...Array(12).keys()], share: "volunteers"`;
  const read = `run: () => [Date.now(), performance.now(), new Date().getTime()]`;
  const { job } = await submit(`tasks({ ${items}, ${read} })`);
  const { failure, state, submittedAtMs: at } = await until(job, isEnded);
  assert.equal(state, "done", JSON.stringify(failure));
  const times = await all(client.results(job));
  assert.deepEqual(
    times,
    Array.from({ length: 12 }, () => [at, 0, at]),
  );
  const other = await submit(
    `tasks({ items: [0], clock: "real", ${read.replace("new", "+new")} })`,
  );
  assert.equal((await until(other.job, isEnded)).state, "done");
  const [[now, ms]] = (await all(client.results(other.job))) as [[number, number]];
  assert.ok(now > at && ms > 0);
});
