/** Results of ended jobs on a small disk: removed ones free their bytes at once, and unneeded ones
 *  are removed before anything stalls. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type Coordinator, openCoordinator } from "../../src/coordinator/coordinator.ts";
import { bundleJob } from "../../src/sdk/bundle.ts";
import { Client } from "../../src/sdk/client.ts";
import { jobResult } from "../../src/sdk/collect.ts";
import { planJob } from "../../src/sdk/plan.ts";
import { submitJob } from "../../src/sdk/submit.ts";
import { diskSpace } from "../../src/store/disk-space.ts";
import { testMaxMs, waitMaxMs } from "../../src/store/testing/patience.ts";
import { startWorker } from "../../src/worker/node.ts";
import { inPlace } from "../conformance/place.ts";
import { mountSmallDisk } from "../conformance/tmpfs.ts";

const mebi = 1 << 20;
const diskBytes = 96 * mebi;

/** One reduce task, whose result is `mebi` MiB that no other job has. */
const source = `import { mapReduce } from "tequio";
export default mapReduce({
  params: { seed: "0" },
  map(line: string, emit: (key: string, value: string) => void, { params }) {
    for (let n = 0; n < 64; n++) emit(params.seed + "/" + n, "x");
  },
  reduce: (key: string) => key.repeat(Math.ceil(65536 / key.length)),
});
`;

/** A coordinator and a worker on one disk of 96 MiB. */
async function onSmallDisk(t: TestContext, run: (cluster: SmallCluster) => Promise<void>) {
  await inPlace(async (place) => {
    const small = join(place, "small");
    mkdirSync(small);
    const disk = mountSmallDisk(small, `${diskBytes}`);
    if ("skip" in disk) return t.skip(disk.skip);
    const cluster = new SmallCluster(place, small);
    try {
      await cluster.start();
      await run(cluster);
    } finally {
      await cluster.stop();
      disk.unmount();
    }
  });
}

class SmallCluster {
  client!: Client;
  readonly dataDir: string;
  readonly #place: string;
  readonly #small: string;
  #coordinator!: Coordinator;
  #stopWorker = async () => {};

  constructor(place: string, small: string) {
    this.#place = place;
    this.#small = small;
    this.dataDir = join(small, "data");
    writeFileSync(join(place, "job.ts"), source);
    writeFileSync(join(place, "in.txt"), "one line\n");
  }

  async start(): Promise<void> {
    const at = { dataDir: this.dataDir, listen: "127.0.0.1:0", version: "test" };
    this.#coordinator = await openCoordinator(at);
    const { url, adminToken } = this.#coordinator;
    const worker = await startWorker({
      url,
      token: await this.#coordinator.joinToken({ ttlMs: testMaxMs, usesMax: 1 }),
      dataDir: join(this.#small, "worker"),
      slots: 1,
      memoryBytes: 128 * mebi,
      name: "small",
      sandbox: "auto",
      listen: "127.0.0.1:0",
    });
    this.#stopWorker = () => worker.stop(0);
    this.client = new Client({ url, token: adminToken });
  }

  async stop(): Promise<void> {
    this.client.close();
    await this.#stopWorker();
    await this.#coordinator.close();
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  async run(seed: string): Promise<string> {
    const built = await bundleJob(join(this.#place, "job.ts"));
    const inputs = [join(this.#place, "in.txt")];
    const planned = await planJob(built.job, { inputs, params: { seed }, host: "" });
    const job = await submitJob(this.client, built, planned, { name: "kept", key: null });
    let last: unknown = null;
    const signal = AbortSignal.timeout(waitMaxMs);
    for await (const summary of this.client.watch(job, { signal }))
      last = summary.failure ?? summary.state;
    assert.equal(last, "done");
    return job;
  }

  async fetch(job: string): Promise<void> {
    for (const part of (await jobResult(this.client, await this.client.job(job))).parts) {
      for await (const _ of part.read());
    }
    await this.client.fetched(job);
  }
}

function blobBytes(dataDir: string): number {
  const all = readdirSync(join(dataDir, "blobs"), { recursive: true, withFileTypes: true });
  // Reading a range keeps the hashes of its pieces beside the blob: 32 bytes for 256 KiB.
  const files = all.filter((entry) => entry.isFile() && !entry.name.endsWith("-pieces"));
  return files.reduce(
    (sum, { name, parentPath }) => sum + statSync(join(parentPath, name)).size,
    0,
  );
}

test("G6: `rm` frees at once what no other job needs, also what was just fetched", (t) =>
  onSmallDisk(t, async (cluster) => {
    const { client, dataDir } = cluster;
    const [first, second] = [await cluster.run("1"), await cluster.run("2")];
    await cluster.fetch(first);
    const before = blobBytes(dataDir);
    const { freedBytes = 0 } = await client.remove(first);
    assert.ok(freedBytes > 3.5 * mebi, `${freedBytes} bytes were freed`);
    assert.equal(before - blobBytes(dataDir), freedBytes);
    await cluster.fetch(second);
  }));

test("G6: what a job shares with another stays until both are gone", (t) =>
  onSmallDisk(t, async (cluster) => {
    const [first, second] = [await cluster.run("same"), await cluster.run("same")];
    const shared = blobBytes(cluster.dataDir);
    const removed = await cluster.client.remove(first);
    const kept = [removed.freedBytes, removed.sharedBytes, removed.laterBytes];
    assert.deepEqual(kept, [0, shared, 0], "what stays is reported");
    await cluster.fetch(second);
    const { freedBytes = 0 } = await cluster.client.remove(second);
    assert.ok(freedBytes > 3.5 * mebi, `${freedBytes} bytes were freed`);
    assert.equal(blobBytes(cluster.dataDir), 0);
  }));

test("G6: a restart keeps what jobs name and what may yet be submitted", (t) =>
  onSmallDisk(t, async (cluster) => {
    const job = await cluster.run("1");
    const bytes = randomBytes(mebi);
    const hash = createHash("sha256").update(bytes).digest("hex");
    await cluster.client.putBlob({ hash, sizeBytes: mebi, at: { kind: "bytes", bytes } });
    const before = blobBytes(cluster.dataDir);
    await cluster.restart();
    await cluster.fetch(job);
    assert.equal(blobBytes(cluster.dataDir), before);
  }));

test("G6: jobs whose results together are twice the disk all end, and none waits", (t) =>
  onSmallDisk(t, async (cluster) => {
    for (let n = 0; n < 46; n++) {
      const job = await cluster.run(`${n}`);
      await cluster.fetch(job);
      const { freeBytes } = diskSpace(cluster.dataDir);
      assert.ok(freeBytes > diskBytes / 20, `${freeBytes} bytes are free after ${job}`);
    }
    const { jobs, removed } = await cluster.client.jobList();
    const gone = removed.reduce((sum, { count }) => sum + count, 0);
    assert.equal(jobs.length + gone, 46);
    await assert.rejects(cluster.client.job("j-1"), {
      code: "not-found",
      message: /was removed at/,
    });
  }));
