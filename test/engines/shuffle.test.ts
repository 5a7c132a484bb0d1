/** `--shuffle s3` with a real S3 server: where partitions go, what a store that fails costs, and
 *  what stays of a job in the bucket. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { openCoordinator } from "../../src/coordinator/coordinator.ts";
import type { CoordinatorOptions } from "../../src/coordinator/options.ts";
import { S3Objects } from "../../src/engine/s3/objects.ts";
import { s3Place } from "../../src/engine/s3/place.ts";
import { bundleJob } from "../../src/sdk/bundle.ts";
import { Client } from "../../src/sdk/client.ts";
import { jobResult } from "../../src/sdk/collect.ts";
import { planJob } from "../../src/sdk/plan.ts";
import { type SubmitOptions, submitJob } from "../../src/sdk/submit.ts";
import { atEnd, temporaryDir } from "../../src/store/testing/at-end.ts";
import { testMaxMs, waitMaxMs } from "../../src/store/testing/patience.ts";
import { polled } from "../../src/store/testing/polled.ts";
import { attemptNumbers } from "../../src/wire/api/attempts.ts";
import { startWorker } from "../../src/worker/node.ts";
import { credentials, type S3Server, withoutS3 } from "./s3-server.ts";
import { refuse, type S3Watch, startWatched } from "./s3-watch.ts";

const skip = withoutS3;
const started = new AsyncDisposableStack();
let server: S3Server;
let watch: S3Watch;

before(async () => {
  if (skip !== false) return;
  ({ server, watch } = await startWatched(started));
});
after(() => started.disposeAsync());

const mapTasks = 6;
const reducers = 4;
const source = `import { type Emit, mapReduce } from "tequio";
export default mapReduce({
  backupTasks: false,
  map(line: string, emit: Emit<string, number>) {
    for (const word of line.split(" ")) emit(word, 1);
  },
  combine: (a, b) => a + b,
});
`;
const line = (n: number) => `w${n % 500} w${(n * 7) % 300} w${(n * 13) % 70}`.padEnd(19, " ");
const lines = Array.from({ length: 3_000 }, (_, n) => line(n));

/** What the judge would say: words with their counts. */
function expected(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const word of lines.flatMap((text) => text.split(" "))) {
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return counts;
}

class SmallCluster {
  readonly dir: string;
  readonly address: string;
  readonly news: string[] = [];
  client!: Client;
  readonly #t: TestContext;
  #workers = 0;
  #join = async () => "";

  constructor(t: TestContext) {
    this.#t = t;
    this.dir = temporaryDir(t, "shuffle-");
    this.address = watch.through(server.address());
    watch.reset();
    writeFileSync(join(this.dir, "job.ts"), source);
    writeFileSync(join(this.dir, "in.txt"), `${lines.join("\n")}\n`);
  }

  get dataDir(): string {
    return join(this.dir, "data");
  }

  async up(over: Partial<CoordinatorOptions> = {}) {
    const coordinator = await openCoordinator({
      dataDir: this.dataDir,
      listen: "127.0.0.1:0",
      version: "test",
      blobs: this.address,
      ...over,
    });
    atEnd(this.#t, () => coordinator.close());
    this.#join = () => coordinator.joinToken({ ttlMs: testMaxMs, usesMax: 1 });
    this.client = new Client({ url: coordinator.url, token: coordinator.adminToken });
    atEnd(this.#t, () => this.client.close());
    return coordinator;
  }

  async worker() {
    this.#workers += 1;
    const worker = await startWorker({
      url: this.client.url,
      token: await this.#join(),
      dataDir: join(this.dir, `worker-${this.#workers}`),
      slots: 1,
      memoryBytes: 128 << 20,
      name: `n${this.#workers}`,
      sandbox: "auto",
      python: null,
      listen: "127.0.0.1:0",
      onNews: ({ kind, text }) => kind === "store" && this.news.push(text),
    });
    atEnd(this.#t, () => worker.stop(0));
    return worker;
  }

  async submit(options: Partial<SubmitOptions> = {}): Promise<string> {
    const built = await bundleJob(join(this.dir, "job.ts"));
    const planned = await planJob(built.job, {
      inputs: [join(this.dir, "in.txt")],
      params: {},
      splitBytes: 10_000,
      reducers,
      host: "",
    });
    assert.equal(planned.plan.splits.length, mapTasks);
    return submitJob(this.client, built, planned, { name: "words", key: null, ...options });
  }

  /** The map tasks run at a worker that drains with the last of them, so that the next one has none
   *  of the outputs. It could stay for an hour. */
  async mapped(options: Partial<SubmitOptions> = { shuffle: "s3" }): Promise<string> {
    const worker = await this.worker();
    const puts = new Set<string>();
    let left: Promise<void> | null = null;
    watch.hold = async ({ method, path }) => {
      if (method === "PUT" && path.includes("/shuffle/")) puts.add(path);
      if (puts.size === mapTasks) left ??= worker.stop(3_600_000, true);
    };
    const job = await this.submit(options);
    await polled(
      () => this.attempts(job),
      ({ maps }) => maps === mapTasks,
    );
    await left;
    assert.deepEqual(await this.attempts(job), { maps: mapTasks, reduces: 0 });
    return job;
  }

  /** Runs to its end; the result is the judge's. */
  async done(job: string): Promise<void> {
    const signal = AbortSignal.timeout(waitMaxMs);
    let last = null;
    for await (const summary of this.client.watch(job as never, { signal })) last = summary;
    assert.equal(last?.state, "done", JSON.stringify(last?.failure));
    const counts = new Map<string, number>();
    const { parts } = await jobResult(this.client, await this.client.job(job as never));
    for (const part of parts) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of part.read()) chunks.push(Uint8Array.from(chunk));
      for (const text of Buffer.concat(chunks).toString().split("\n").slice(0, -1)) {
        const { key, value } = JSON.parse(text) as { key: string; value: number };
        counts.set(key, value);
      }
    }
    assert.deepEqual(new Map([...counts].sort()), new Map([...expected()].sort()));
  }

  /** How many attempts the tasks of a stage have had. */
  async attempts(job: string): Promise<{ maps: number; reduces: number }> {
    const { ended } = await this.client.attempts(job, 0);
    const stages = ended.filter((_, at) => at % attemptNumbers === 0);
    const count = (stage: number) => stages.filter((one) => one === stage).length;
    return { maps: count(0), reduces: count(1) };
  }

  /** Of partitions, in the bucket. */
  async objects(): Promise<string[]> {
    const place = s3Place(this.address, {});
    const objects = new S3Objects({ ...place, prefix: `${place.prefix}shuffle/` }, { credentials });
    try {
      return await objects.folders();
    } finally {
      objects.close();
    }
  }

  relayed(): string[] {
    const dir = join(this.dataDir, "relay");
    return existsSync(dir) ? readdirSync(dir) : [];
  }
}

test("N13: partitions go into the bucket and come from there, by presigned addresses alone", {
  skip,
}, async (t) => {
  const cluster = new SmallCluster(t);
  await cluster.up();
  const job = await cluster.mapped();
  await cluster.worker();
  await cluster.done(job);
  assert.deepEqual(await cluster.attempts(job), { maps: mapTasks, reduces: reducers });
  const puts = watch.ofShuffle("PUT");
  assert.equal(puts.length, mapTasks, "one for each map task");
  const gets = watch.ofShuffle("GET");
  assert.ok(puts.every((one) => one.isPresigned) && gets.every((one) => one.isPresigned));
  assert.equal(gets.length, mapTasks + mapTasks * reducers, "manifests, and each partition");
  assert.deepEqual(watch.wrong, []);
  assert.deepEqual(cluster.news, []);
  assert.equal(cluster.relayed().length, 0);
  await polled(
    () => cluster.objects(),
    (left) => left.length === 0,
  );
});

/** Of calls by workers; the coordinator reaches the store. */
const refusals = [
  [503, "SlowDown", "", /SlowDown \(503\): it wants fewer calls/],
  [403, "AccessDenied", "Access Denied", /AccessDenied \(403\): it refuses the call/],
  [507, "XMinioStorageFull", "", /XMinioStorageFull \(507\): it has no room left/],
] as const;

for (const [status, code, text, news] of refusals) {
  test(`N13: a store that refuses each PUT (${code}): outputs are left with the coordinator`, {
    skip,
  }, async (t) => {
    const cluster = new SmallCluster(t);
    await cluster.up();
    await cluster.worker();
    watch.fault = ({ isPresigned, method }, _, response) =>
      isPresigned && method === "PUT" && refuse(response, status, code, text);
    const job = await cluster.submit({ shuffle: "s3" });
    await cluster.done(job);
    assert.deepEqual(await cluster.attempts(job), { maps: mapTasks, reduces: reducers });
    assert.equal(cluster.news.length, 1, "it is left alone from then on");
    assert.match(cluster.news[0] as string, news);
    assert.match(cluster.news[0] as string, /outputs are left with the coordinator/);
  });
}

test("N13: a PUT and a GET that are refused once, or have expired, are tried again", {
  skip,
}, async (t) => {
  const cluster = new SmallCluster(t);
  await cluster.up();
  const met = new Map<string, number>();
  watch.fault = ({ isPresigned, method, path }, _, response) => {
    if (!isPresigned) return false;
    const count = (met.get(method + path) ?? 0) + 1;
    met.set(method + path, count);
    if (count === 1) return refuse(response, 503, "SlowDown");
    return count === 2 && refuse(response, 403, "AccessDenied", "Request has expired");
  };
  const job = await cluster.mapped();
  await cluster.worker();
  await cluster.done(job);
  assert.deepEqual(await cluster.attempts(job), { maps: mapTasks, reduces: reducers });
  assert.deepEqual(cluster.news, []);
  assert.equal(cluster.relayed().length, 0);
  assert.ok([...met.keys()].some((name) => name.startsWith("GET")));
});

test("N13: workers that cannot reach the store for reading read by way of the coordinator", {
  skip,
}, async (t) => {
  const cluster = new SmallCluster(t);
  await cluster.up({ shuffle: "s3" });
  watch.fault = ({ isPresigned, method }, _, response) =>
    isPresigned && method === "GET" && refuse(response, 403, "AccessDenied");
  // The coordinator was started with it.
  const job = await cluster.mapped({});
  await cluster.worker();
  await cluster.done(job);
  assert.deepEqual(await cluster.attempts(job), { maps: mapTasks, reduces: reducers });
  const byCoordinator = watch.ofShuffle("GET").filter((one) => !one.isPresigned);
  assert.ok(byCoordinator.length > 0);
  assert.ok(cluster.news.some((text) => /read by way of the coordinator/.test(text)));
});

test("N13: a store that breaks off whatever is read costs no map task", { skip }, async (t) => {
  const cluster = new SmallCluster(t);
  await cluster.up();
  const job = await cluster.mapped();
  let cuts = 0;
  watch.fault = ({ method, path }, _, response) => {
    if (method !== "GET" || !path.includes("/shuffle/j-")) return false;
    cuts += 1;
    response.writeHead(206, { "content-length": "1000" });
    response.write("begin", () => response.destroy());
    return true;
  };
  await cluster.worker();
  // Far more often than a source at a worker would be tried.
  const often = 8 * mapTasks;
  const repeated = async () => (await cluster.attempts(job)).maps > mapTasks;
  await polled(
    async () => cuts >= often || (await repeated()),
    (isOver) => isOver,
  );
  watch.fault = () => false;
  await cluster.done(job);
  assert.deepEqual(await cluster.attempts(job), { maps: mapTasks, reduces: reducers });
});

test("N13: an object that is gone, or damaged, is computed again", { skip }, async (t) => {
  const cluster = new SmallCluster(t);
  await cluster.up();
  const job = await cluster.mapped();
  const place = s3Place(cluster.address, {});
  const path = server.fileOf(place, `shuffle/${job}/0/0.1`);
  const suffix = path.slice(path.lastIndexOf("0.1") + 3);
  // A task that was given back unstarted has another attempt than its first.
  const isOf = (task: number) => (name: string) =>
    name.startsWith(`${task}.`) && name.endsWith(suffix);
  const file = (task: number) =>
    join(dirname(path), readdirSync(dirname(path)).find(isOf(task)) ?? "none");
  rmSync(file(1));
  const bytes = readFileSync(file(2));
  bytes[bytes.length - 20]! ^= 1;
  writeFileSync(file(2), bytes);
  await cluster.worker();
  await cluster.done(job);
  assert.equal((await cluster.attempts(job)).maps, mapTasks + 2, "those two");
});

test("N13: what a killed coordinator left in the bucket goes at the next start", {
  skip,
}, async (t) => {
  const cluster = new SmallCluster(t);
  const place = s3Place(cluster.address, {});
  const objects = new S3Objects({ ...place, prefix: `${place.prefix}shuffle/` }, { credentials });
  atEnd(t, async () => objects.close());
  const body = Buffer.from("left");
  for (const key of ["j-7/0/1.1", "j-7/0/2.1", "j-8/0/0.1"]) {
    const url = objects.putAddress(key, { expiresS: 60, sizeBytes: body.length });
    assert.equal((await fetch(url, { method: "PUT", body })).status, 200);
  }
  assert.deepEqual((await objects.folders()).sort(), ["j-7", "j-8"]);
  await cluster.up();
  await polled(
    () => objects.folders(),
    (left) => left.length === 0,
  );
});

test("N13: without S3 a job that wants it is refused, and so is such a coordinator", {
  skip,
}, async (t) => {
  const cluster = new SmallCluster(t);
  const blobs = join(cluster.dir, "blobs");
  await assert.rejects(cluster.up({ blobs, shuffle: "s3" }), { message: /needs --blobs s3:/ });
  await cluster.up({ blobs });
  await assert.rejects(cluster.submit({ shuffle: "s3" }), {
    code: "bad-request",
    message: /start it with --blobs s3:/,
  });
});
