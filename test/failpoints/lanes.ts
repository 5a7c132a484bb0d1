/** What makes processes pass their failpoints: each life of a process is armed with the next one,
 *  while a client goes on as if nothing were the matter. A lane answers the failpoints that no
 *  process died at. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { ClusterError } from "../../src/core/error.ts";
import type { Client } from "../../src/sdk/client.ts";
import { temporaryFolder } from "../../src/store/testing/at-end.ts";
import type { Started } from "../fixtures/started.ts";
import { startArmed } from "./armed.ts";
import { ArmedCluster } from "./cluster.ts";
import { type Job, patiently, prepareJob, runJob, submit } from "./jobs.ts";
import { checkStore } from "./store-check.ts";

/** A process that has lived through so many jobs passes no further points by working. Who is given
 *  which task is a matter of moments: several chances for each. */
const jobsMax = 20;
/** The first one has begun before the coordinator was up, each second one has a goodbye, and a
 *  guest may be killed before it is known: several chances for each point. */
const roundsMax = 12;
/** Stores that are tried at once. */
const storesAtOnce = 2;

/** One process for each: killed, looked at, and the stores go on. */
export async function storeLane(failpoints: readonly string[]): Promise<string[]> {
  const missed: string[] = [];
  const left = [...failpoints];
  const one = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      if (!(await diesAt(next))) missed.push(next);
    }
  };
  await Promise.all(Array.from({ length: storesAtOnce }, one));
  return missed;
}

async function diesAt(failpoint: string): Promise<boolean> {
  using folder = temporaryFolder("tequio-failpoint-");
  const dir = folder.path;
  try {
    const options = failpoint.startsWith("log.shrink") ? ["large"] : [];
    const started = startArmed("failpoints-store", [dir, ...options], failpoint);
    const { signal, code } = await started.ended;
    if (signal !== "SIGKILL") assert.equal(code, 0, `${failpoint}: ${started.err}`);
    await checkStore(dir, started.lines);
    return signal === "SIGKILL";
  } catch (error) {
    throw new Error(`${failpoint}: ${(error as Error).message}`, { cause: error });
  }
}

/** Counts rounds and lets others wait for further ones. */
class Rounds {
  #done = 0;
  /** Rounds that were done when the life of now was armed. */
  #armedAt = 0;
  #next = Promise.withResolvers<void>();

  /** Whether this life has lived through a whole round: the process of a guest costs more than all
   *  that a round asks of the coordinator, and most points need none. */
  get wantsGuest(): boolean {
    return this.#done > this.#armedAt;
  }

  armed(): void {
    this.#armedAt = this.#done;
  }

  finished(): void {
    this.#done += 1;
    this.#next.resolve();
    this.#next = Promise.withResolvers();
  }

  async after(count: number): Promise<void> {
    for (const end = this.#done + count; this.#done < end; ) await this.#next.promise;
  }
}

/** The coordinator dies at each; two workers stay, a third comes and goes. */
export async function coordinatorLane(failpoints: readonly string[]): Promise<string[]> {
  const cluster = new ArmedCluster();
  const missed: string[] = [];
  try {
    const job = await prepareJob(join(cluster.dir, "job"), { tasks: 3 });
    assert.ok(await cluster.startCoordinator());
    await Promise.all(["a", "b"].map((name) => cluster.startWorker(name)));
    const client = cluster.client();
    const rounds = new Rounds();
    let busy = true;
    const working = (async () => {
      for (let n = 1; busy; n += 1) {
        const guest = rounds.wantsGuest ? comeAndGo(cluster, n) : null;
        await Promise.all([useAll(client, job, n, cluster.dir), guest]);
        rounds.finished();
      }
    })();
    const arming = armAll(cluster, failpoints, (ended) => {
      rounds.armed();
      return Promise.race([ended, rounds.after(roundsMax), working]);
    }).finally(() => {
      busy = false;
    });
    // Both have ended before anything is closed: neither may start further processes.
    await Promise.allSettled([arming, working]);
    await working;
    missed.push(...(await arming));
    return missed;
  } finally {
    await cluster.close();
  }
}

/** One life of the coordinator for each, and a last one without; answers those not reached. */
async function armAll(
  cluster: ArmedCluster,
  failpoints: readonly string[],
  enough: (ended: Promise<unknown>) => Promise<unknown>,
): Promise<string[]> {
  const missed: string[] = [];
  for (const failpoint of failpoints) {
    await cluster.stopCoordinator();
    const isUp = await cluster.startCoordinator(failpoint);
    const { coordinator } = cluster;
    if (isUp && coordinator !== null) await enough(coordinator.ended);
    const { signal, code } = await cluster.stopCoordinator();
    if (signal === "SIGKILL") continue;
    assert.equal(code, 0, `${failpoint}: ${coordinator?.err}`);
    missed.push(failpoint);
  }
  await cluster.startCoordinator();
  return missed;
}

/** One call of each kind. */
async function useAll(client: Client, job: Job, n: number, dir: string): Promise<void> {
  const { id } = await patiently(() =>
    client.createToken({ role: "reader", owner: "r", ttlMs: 0, usesMax: 0 }),
  );
  const key = `unwanted-${n}`;
  const unwanted = await submit(client, job, key);
  await patiently(() => client.cancel(unwanted));
  await runJob(client, job, `wanted-${n}`, dir);
  await patiently(() => client.revokeToken(id)).catch(unlessGone);
  await patiently(() => client.remove(unwanted)).catch(unlessGone);
}

/** Asked twice, since the first answer was lost. */
function unlessGone(error: unknown): void {
  if (!(error instanceof ClusterError) || error.code !== "not-found") throw error;
}

/** Says goodbye in one round, vanishes in the next. */
async function comeAndGo(cluster: ArmedCluster, n: number): Promise<void> {
  const worker = await cluster.startWorker("guest");
  await worker.stop(n % 2 === 0 ? "SIGTERM" : "SIGKILL");
}

type Life = { readonly failpoint: string; readonly worker: Started; jobs: number };

/** Two workers die at each; a third one stays, and the coordinator. */
export async function workerLane(failpoints: readonly string[]): Promise<string[]> {
  const cluster = new ArmedCluster();
  const missed: string[] = [];
  const left = [...failpoints];
  const lives = new Map<string, Life>();
  const arm = async (name: string) => {
    const failpoint = left.shift();
    if (failpoint === undefined) return;
    lives.set(name, { failpoint, worker: await cluster.startWorker(name, failpoint), jobs: 0 });
  };
  const bury = async (name: string, life: Life, who: string) => {
    life.jobs += 1;
    if (!life.worker.over && life.jobs < jobsMax) return;
    const { signal, code } = await life.worker.stop();
    if (signal !== "SIGKILL") {
      assert.equal(code, 0, `${life.failpoint}: ${life.worker.err}`);
      missed.push(`${life.failpoint} (${who}; its output: ${life.worker.err})`);
    }
    lives.delete(name);
  };
  try {
    const job = await prepareJob(join(cluster.dir, "job"), { backupTasks: false });
    assert.ok(await cluster.startCoordinator(), cluster.coordinator?.err);
    await cluster.startWorker("steady");
    const client = cluster.client();
    for (let n = 1; left.length > 0 || lives.size > 0; n += 1) {
      await Promise.all(["a", "b"].map((name) => (lives.has(name) ? null : arm(name))));
      const id = await runJob(client, job, `job-${n}`, cluster.dir);
      const { ended } = await patiently(() => client.attempts(id, 0));
      const who = `the last job's attempts: ${ended.join(" ")}`;
      await Promise.all([...lives].map(([name, life]) => bury(name, life, who)));
    }
    assert.equal((await cluster.stopCoordinator()).code, 0, cluster.coordinator?.err);
    return missed;
  } finally {
    await cluster.close();
  }
}
