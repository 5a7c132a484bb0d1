/** X2: bits that flip on the disks of a running cluster. Inputs and results have no other copy:
 *  damage is `data-lost` and names them. Intermediate data is computed again. */
import assert from "node:assert/strict";
import { chmodSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { openCoordinator } from "../../src/coordinator/coordinator.ts";
import type { JobSummary } from "../../src/core/summary.ts";
import { type BuiltJob, bundleJob } from "../../src/sdk/bundle.ts";
import { Client } from "../../src/sdk/client.ts";
import { jobResult } from "../../src/sdk/collect.ts";
import { runLocal } from "../../src/sdk/local.ts";
import { type Planned, planJob } from "../../src/sdk/plan.ts";
import { submitJob } from "../../src/sdk/submit.ts";
import { newFolder, removeFolder } from "../../src/store/testing/at-end.ts";
import { testMaxMs } from "../../src/store/testing/patience.ts";
import { attemptNumbers } from "../../src/wire/api/attempts.ts";
import { startWorker } from "../../src/worker/node.ts";

const reducers = 2;
/** The last split holds its map task for `slowMs`; the damage is done meanwhile. */
const code = `import { mapReduce } from "tequio";
export default mapReduce({
  clock: "real",
  params: { slowMs: 0 },
  map(line: string, emit: (key: string, value: number) => void, { params }) {
    if (line === "slow") for (const end = Date.now() + params.slowMs; Date.now() < end; );
    emit(line.slice(0, 3), line.length);
  },
  combine: (a: number, b: number) => a + b,
});
`;
const splitBytes = 400_000;
const lines = Array.from({ length: 90_000 }, (_, n) => `${(n * 7919) % 1_000} of ${n}`);

type Fixture = {
  readonly client: Client;
  readonly dir: string;
  readonly built: BuiltJob;
};

/** A coordinator, and workers with these folders; `none`: other workers cannot reach them. */
async function cluster(
  t: TestContext,
  workers: readonly string[],
  listen: "127.0.0.1:0" | "none" = "127.0.0.1:0",
): Promise<Fixture> {
  const dir = newFolder("tequio-damage-");
  const dataDir = join(dir, "data");
  const coordinator = await openCoordinator({ dataDir, listen: "127.0.0.1:0", version: "test" });
  const { adminToken, url } = coordinator;
  const token = await coordinator.joinToken({ ttlMs: testMaxMs, usesMax: workers.length });
  const started = await Promise.all(
    workers.map((name) => {
      mkdirSync(join(dir, name), { recursive: true });
      const size = { slots: 1, memoryBytes: 256 << 20 };
      const place = { dataDir: join(dir, name), listen, sandbox: "basic" } as const;
      return startWorker({ url, token, name, ...size, ...place });
    }),
  );
  const client = new Client({ url, token: adminToken });
  t.after(async () => {
    client.close();
    await Promise.all(started.map((worker) => worker.stop(0)));
    await coordinator.close();
    removeFolder(dir);
  });
  writeFileSync(join(dir, "job.ts"), code);
  writeFileSync(join(dir, "in.txt"), `${lines.join("\n")}\nslow\n`);
  return { client, dir, built: await bundleJob(join(dir, "job.ts")) };
}

/** Without paths of this machine: the input is uploaded. */
function planned({ built, dir }: Fixture, slowMs: number): Promise<Planned> {
  const inputs = [join(dir, "in.txt")];
  return planJob(built.job, { inputs, params: { slowMs }, splitBytes, reducers, host: "" });
}

async function judged({ built }: Fixture, plan: Planned): Promise<string> {
  const { result } = await runLocal(built.job, plan);
  return textOf(result);
}

async function textOf({ parts }: Awaited<ReturnType<typeof jobResult>>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for (const part of parts) for await (const chunk of part.read()) chunks.push(chunk.slice());
  return Buffer.concat(chunks).toString();
}

async function ended({ client }: Fixture, job: string): Promise<JobSummary> {
  let last: JobSummary | null = null;
  for await (const summary of client.watch(job)) last = summary;
  assert.ok(last !== null);
  return last;
}

function flip(path: string, at: (sizeBytes: number) => number): void {
  const bytes = readFileSync(path);
  const byte = at(bytes.length);
  bytes[byte] = bytes[byte]! ^ 4;
  chmodSync(path, 0o600);
  // In place: a new file of this name would have another inode.
  writeFileSync(path, bytes, { flag: "r+" });
}

/** The blobs of at least this many bytes. */
function blobsOf({ dir }: Fixture, bytesMin: number): string[] {
  const all = globSync(join(dir, "data/blobs/*/*/*.*"));
  return all.filter((path) => Number(path.split(".").at(-1)) >= bytesMin);
}

test("X2: another bit in an uploaded input is data-lost, until it is sent again", async (t) => {
  const fixture = await cluster(t, ["workers/1", "workers/2"]);
  const { built, client } = fixture;
  const plan = await planned(fixture, 0);
  const expected = await judged(fixture, plan);
  const run = async () => ended(fixture, await submitJob(client, built, plan, { name: "input" }));
  const good = await run();
  assert.equal(good.failure, null);
  assert.equal(await textOf(await jobResult(client, good)), expected);
  const sizeBytes = plan.plan.files[0]!.sizeBytes;
  const [input, ...others] = blobsOf(fixture, sizeBytes);
  assert.ok(input !== undefined && others.length === 0);
  for (const at of [0.01, 0.5, 0.99]) {
    flip(input, (size) => Math.floor(size * at));
    const { failure } = await run();
    assert.equal(failure?.code, "data-lost", JSON.stringify(failure));
    assert.match(failure.message, /in\.txt as it was uploaded is lost.*submit the job again/);
    const again = await run();
    assert.equal(again.failure, null, JSON.stringify(again.failure));
    assert.equal(await textOf(await jobResult(client, again)), expected);
  }
});

test("X2: another bit in a result is data-lost that names its part", async (t) => {
  const fixture = await cluster(t, ["workers/1"]);
  const { built, client } = fixture;
  const plan = await planned(fixture, 0);
  const job = await ended(fixture, await submitJob(client, built, plan, { name: "result" }));
  const { parts } = await client.output(job.job);
  for (const [n, { hash }] of parts.entries()) {
    const [path] = globSync(join(fixture.dir, `data/blobs/*/*/${hash}.*`));
    flip(path!, (size) => size >> 1);
    const result = await jobResult(client, job);
    const read = async () => {
      for await (const _ of result.parts[n]!.read());
    };
    const message = new RegExp(`part ${n} of the result of ${job.job} is damaged`);
    await assert.rejects(read, { code: "data-lost", message });
  }
});

/** Flips a bit in both partitions of map task 0 while a later map task still runs. False when the
 *  job was faster. */
async function damaged(fixture: Fixture, job: string, outputs: string): Promise<boolean> {
  const pattern = join(fixture.dir, outputs, job, "0/0.1.run");
  const isMapping = async () => {
    const { stages, state } = await fixture.client.job(job);
    return state === "running" && (stages[0]?.done ?? 0) < (stages[0]?.taskCount ?? 0);
  };
  for (;;) {
    const { stages } = await fixture.client.job(job);
    const [path] = globSync(pattern);
    if (path !== undefined && (stages[0]?.done ?? 0) > 0) {
      for (const at of [0.1, 0.9]) flip(path, (size) => Math.floor(size * at));
      return isMapping();
    }
    if (!(await isMapping())) return false;
    await delay(2);
  }
}

const holders = [
  { kind: "the reader's own", workers: ["workers/1"], outputs: "workers/*/shuffle" },
  {
    kind: "of the worker beside",
    workers: ["workers/1", "workers/2"],
    outputs: "workers/*/shuffle",
  },
  { kind: "of another machine", workers: ["a/1", "b/2"], outputs: "?/*/shuffle" },
  {
    kind: "that the coordinator keeps",
    workers: ["a/1", "b/2"],
    outputs: "data/**/",
    listen: "none",
  },
] as const;

for (const { kind, workers, outputs, ...rest } of holders) {
  const listen = "listen" in rest ? rest.listen : "127.0.0.1:0";
  test(`X2: another bit in a map output ${kind} is computed again`, async (t) => {
    const fixture = await cluster(t, workers, listen);
    const { built, client } = fixture;
    // A slow machine gets more time.
    for (let slowMs = 2_000; ; slowMs *= 2) {
      const plan = await planned(fixture, slowMs);
      const job = await submitJob(client, built, plan, { name: kind });
      const inTime = await damaged(fixture, job, outputs);
      const end = await ended(fixture, job);
      assert.equal(end.failure, null, JSON.stringify(end.failure));
      assert.equal(await textOf(await jobResult(client, end)), await judged(fixture, plan));
      if (!inTime && slowMs < 30_000) continue;
      assert.ok(inTime, "no bit was flipped in time");
      const { ended: rows } = await client.attempts(job, 0);
      const attempts: number[] = [];
      for (let at = 0; at < rows.length; at += attemptNumbers) {
        if (rows[at] === 0 && rows[at + 1] === 0) attempts.push(rows[at + 2]!);
      }
      assert.ok(attempts.includes(2), `map task 0 ran as ${attempts}`);
      return;
    }
  });
}
