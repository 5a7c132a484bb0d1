/** Real workers and a real coordinator with a bad network between them: jobs end with the judge's
 *  results, and no call waits for ever. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Client } from "../../src/sdk/client.ts";
import { waitMaxMs } from "../../src/store/testing/patience.ts";
import { ArmedCluster } from "../failpoints/cluster.ts";
import { finishJob, type Job, prepareJob, runJob, submit } from "../failpoints/jobs.ts";
import type { Started } from "../fixtures/started.ts";
import { type Direction, fairWeather, TcpProxy, type Weather } from "./proxy.ts";

/** Iterations per line: a map task takes some hundred ms. */
const spin = 300_000;
const jobEndMaxMs = waitMaxMs;
/** Of connections that are cut by bytes. */
const cutsMin = 5;

type Begun = {
  readonly cluster: ArmedCluster;
  readonly client: Client;
  readonly job: Job;
  readonly proxy: TcpProxy;
  /** Behind the proxy. */
  readonly worker: Started;
};

/** A cluster whose only worker reaches the coordinator through the proxy. */
async function begin(t: TestContext, work = spin): Promise<Begun> {
  const cluster = new ArmedCluster();
  t.after(() => cluster.close());
  const job = await prepareJob(join(cluster.dir, "job"), { spin: work });
  assert.ok(await cluster.startCoordinator(), cluster.coordinator?.err);
  const proxy = await TcpProxy.open(cluster.up.url);
  t.after(() => proxy.close());
  const worker = await cluster.startWorker("far", null, proxy.url);
  return { cluster, client: cluster.client(), job, proxy, worker };
}

/** Resolves when the first map task runs. */
async function running(client: Client, id: string): Promise<void> {
  const signal = AbortSignal.timeout(jobEndMaxMs);
  for await (const { stages } of client.watch(id as never, { signal })) {
    if ((stages[0]?.running ?? 0) > 0) return;
  }
}

const silences: ReadonlyArray<{ readonly name: string; readonly silent: readonly Direction[] }> = [
  { name: "W4: a half-open connection", silent: ["up", "down"] },
  { name: "W5: a worker whose messages are lost", silent: ["up"] },
  { name: "W5: a worker that receives nothing", silent: ["down"] },
];

suite("a bad network", { concurrency: 5 }, () => {
  test("delays of 50 ms each way only make it slower", async (t) => {
    const { cluster, client, job, proxy } = await begin(t, 2_000);
    proxy.weather = { ...fairWeather, delayMs: 50 };
    await runJob(client, job, "late", cluster.dir);
    assert.equal(proxy.counts.cuts, 0);
  });

  test("connections that are cut after ever more bytes, wherever that is", async (t) => {
    const { cluster, client, job, proxy } = await begin(t, 2_000);
    const id = await submit(client, job, "cut");
    let ended = false;
    const grow = async () => {
      let bytes = 1;
      for (let pauseMs = 150; !ended; pauseMs *= 1.01) {
        proxy.weather = { ...fairWeather, cutAfterBytes: bytes };
        proxy.cutAll();
        await delay(pauseMs);
        // Nothing gets through before some were cut, and all does in the end, however slowly.
        if (proxy.counts.cuts >= cutsMin || bytes < 100) bytes += 1 + (bytes >> 3);
      }
    };
    const finish = finishJob(client, job, { id, name: "cut", dir: cluster.dir }).finally(() => {
      ended = true;
    });
    await Promise.all([finish, grow()]);
    assert.ok(proxy.counts.cuts >= cutsMin, `${proxy.counts.cuts} cuts`);
    t.diagnostic(`${proxy.counts.connections} connections, ${proxy.counts.cuts} cut by bytes`);
  });

  for (const { name, silent } of silences) {
    test(`${name}: its tasks move on, it comes back, nothing is done twice`, async (t) => {
      const { cluster, client, job, proxy, worker } = await begin(t);
      const id = await submit(client, job, "one");
      await running(client, id);
      const heard = worker.lines.length;
      const weather: Weather = { ...fairWeather, silent: new Set(silent) };
      proxy.weather = weather;
      const other = await cluster.startWorker("near");
      await finishJob(client, job, { id, name: "one", dir: cluster.dir });
      const before = await client.job(id);
      assert.ok(proxy.counts.swallowedBytes > 0);
      const { backups = 0, attemptsLost = 0 } = before.stages[0] ?? {};
      assert.ok(backups + attemptsLost > 0, "its attempts were given to another");
      proxy.weather = fairWeather;
      assert.equal(await worker.line("joined", heard), "", worker.err);
      await other.stop();
      await runJob(client, job, "two", cluster.dir);
      assert.deepEqual((await client.job(id)).stages, before.stages);
    });
  }
});
