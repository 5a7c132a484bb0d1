/** Processes that are stopped (SIGSTOP) for longer than a lease and then resume, as after the sleep
 *  of a laptop: their late messages change nothing. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { ClusterError } from "../../src/core/error.ts";
import type { JobSummary } from "../../src/core/summary.ts";
import type { Client } from "../../src/sdk/client.ts";
import type { Log } from "../../src/store/log/log.ts";
import { openSqliteLog } from "../../src/store/log/sqlite.ts";
import { ArmedCluster } from "../failpoints/cluster.ts";
import { finishJob, type Job, prepareJob, runJob, submit } from "../failpoints/jobs.ts";

/** Iterations per line: a map task takes some hundred ms. */
const spin = 300_000;
const skip = process.platform === "win32" ? "there is no SIGSTOP on Windows" : false;

type Coordinator = NonNullable<ArmedCluster["coordinator"]>;
type Begun = { readonly cluster: ArmedCluster; readonly client: Client; readonly job: Job };

/** A cluster with one worker. */
async function begin(t: TestContext): Promise<Begun> {
  const cluster = new ArmedCluster();
  t.after(() => cluster.close());
  const job = await prepareJob(join(cluster.dir, "job"), { spin });
  assert.ok(await cluster.startCoordinator(), cluster.coordinator?.err);
  return { cluster, client: cluster.client(), job };
}

/** The first summary that meets the condition. */
async function until(
  client: Client,
  id: string,
  isSo: (summary: JobSummary) => boolean,
): Promise<JobSummary> {
  for await (const summary of client.watch(id as never)) if (isSo(summary)) return summary;
  throw new Error(`${id} has ended before`);
}

/** Resolves when the worker's lease has ended. */
async function lost(client: Client, worker: string): Promise<void> {
  for (;;) {
    const all = await client.workers();
    if (all.some(({ name, state }) => name === worker && state === "lost")) return;
    await delay(50);
  }
}

/** Its log, taken over while it is stopped. In the middle of a write it keeps all others out, and a
 *  signal takes a moment: then it goes on, and is stopped again. */
async function takenOver({ child }: Coordinator, path: string): Promise<Log> {
  const unlessBusy = (error: ClusterError) => {
    if (error.code !== "unavailable") throw error;
    return null;
  };
  child.kill("SIGSTOP");
  // Once: a takeover that comes to a write has already removed the lock.
  await assert.rejects(openSqliteLog(path), { code: "fenced" });
  for (let tries = 0; tries < 50; tries++) {
    child.kill("SIGSTOP");
    const log = await openSqliteLog(path, { takeOver: true }).catch(unlessBusy);
    if (log !== null) return log;
    child.kill("SIGCONT");
    await delay(20 + tries);
  }
  throw new Error("it has been writing each time that it was stopped");
}

const mapsDone = (count: number) => (summary: JobSummary) =>
  (summary.stages[0]?.done ?? 0) >= count && (summary.stages[0]?.running ?? 0) > 0;

suite("pauses longer than a lease", { concurrency: 2, skip }, () => {
  test("the tasks of a stopped worker move on, its late words change nothing (W2)", async (t) => {
    const { cluster, client, job } = await begin(t);
    const sleeper = await cluster.startWorker("sleeper");
    const id = await submit(client, job, "one");
    await until(client, id, mapsDone(1));
    sleeper.child.kill("SIGSTOP");
    await cluster.startWorker("other");
    await finishJob(client, job, { id, name: "one", dir: cluster.dir });
    const before = await client.job(id);
    await lost(client, "sleeper");
    const heard = sleeper.lines.length;
    sleeper.child.kill("SIGCONT");
    assert.equal(await sleeper.line("joined", heard), "", `it is back: ${sleeper.err}`);
    await runJob(client, job, "two", cluster.dir);
    await finishJob(client, job, { id, name: "one", dir: cluster.dir });
    assert.deepEqual((await client.job(id)).stages, before.stages);
    assert.equal((await sleeper.stop()).code, 0, sleeper.err);
  });

  test("a worker that is stopped past its lease in every job harms none of them", async (t) => {
    const { cluster, client, job } = await begin(t);
    const sleeper = await cluster.startWorker("sleeper");
    await cluster.startWorker("other");
    for (const name of ["one", "two"]) {
      const id = await submit(client, job, name);
      await until(client, id, mapsDone(1));
      const heard = sleeper.lines.length;
      sleeper.child.kill("SIGSTOP");
      await lost(client, "sleeper");
      sleeper.child.kill("SIGCONT");
      await finishJob(client, job, { id, name, dir: cluster.dir });
      assert.equal(await sleeper.line("joined", heard), "", sleeper.err);
    }
  });

  test("a stopped coordinator is fenced by the one that takes over its log (C8)", async (t) => {
    const { cluster, client, job } = await begin(t);
    await cluster.startWorker("a");
    const id = await submit(client, job, "one");
    await until(client, id, mapsDone(1));
    const paused = cluster.coordinator;
    assert.ok(paused !== null);
    const path = join(cluster.dataDir, "log.sqlite");
    const log = await takenOver(paused, path);
    const last = await log.last();
    paused.child.kill("SIGCONT");
    const { code, signal } = await paused.ended;
    assert.deepEqual({ code, signal }, { code: 1, signal: null }, paused.err);
    assert.match(paused.err, /fenced/);
    assert.equal(await log.last(), last);
    const later = await log.append([], last);
    assert.equal(later, last, "it has written nothing since");
    await log.close();
    assert.ok(await cluster.startCoordinator(), cluster.coordinator?.err);
    await finishJob(client, job, { id, name: "one", dir: cluster.dir });
  });
});
