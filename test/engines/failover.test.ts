/** Real coordinators on one log in each engine: the leader is killed, stopped past its lease, and
 *  hands over; workers and clients that know both addresses move. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { endpointFile, findTarget, readEndpoint } from "../../src/client/place.ts";
import { bundleJob } from "../../src/sdk/bundle.ts";
import type { Client } from "../../src/sdk/client.ts";
import { planJob } from "../../src/sdk/plan.ts";
import { submitJob } from "../../src/sdk/submit.ts";
import { atEnd, temporaryDir } from "../../src/store/testing/at-end.ts";
import { NatsServers, withoutNats } from "./nats-servers.ts";
import { Pair } from "./nodes.ts";
import { PostgresServer, withoutPostgres } from "./postgres-server.ts";

let postgres: PostgresServer;
let nats: NatsServers;

/** One that runs without the other is removed, too. */
const started = new AsyncDisposableStack();

before(async () => {
  const remove = (server: { remove(): Promise<void> }) => server.remove();
  if (withoutPostgres === false) postgres = started.adopt(await PostgresServer.start(), remove);
  if (withoutNats === false) nats = started.adopt(await NatsServers.start(1), remove);
});
after(() => started.disposeAsync());

const engines = {
  postgres: { skip: withoutPostgres, log: (name: string) => postgres.url(name) },
  jetstream: { skip: withoutNats, log: (name: string) => nats.url(name) },
} as const;

const taskCount = 400;
const source = `import { tasks } from "tequio";
export default tasks({
  items: () => Array.from({ length: ${taskCount} }, (_, n) => n),
  async run(n: number) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    return n * 2;
  },
});
`;

async function pairOn(t: TestContext, log: string): Promise<Pair> {
  const pair = await Pair.of({ log, dir: temporaryDir(t, "failover-") });
  atEnd(t, () => pair.end());
  return pair;
}

async function submitted(pair: Pair, client: Client): Promise<string> {
  const file = join(pair.place.dir, "job.ts");
  writeFileSync(file, source);
  const built = await bundleJob(file);
  const planned = await planJob(built.job, { inputs: [], params: {}, host: "" });
  return submitJob(client, built, planned, { name: "many", key: null });
}

/** Calls `whenBegun` after a tenth of the results. */
async function resultsOf(client: Client, job: string, whenBegun: () => void): Promise<number[]> {
  const results: number[] = [];
  let count = 0;
  for await (const [index, result] of client.committedResults(job)) {
    results[index] = result as number;
    count += 1;
    if (count === taskCount / 10) whenBegun();
  }
  assert.equal(count, taskCount, "each once");
  return results;
}

for (const [name, { log, skip }] of Object.entries(engines)) {
  test(`X11: ${name}: a job goes on when its leader is killed, and when it hands over`, {
    skip,
  }, async (t) => {
    const pair = await pairOn(t, log("moving"));
    const first = pair.start(0);
    await first.leads();
    const second = pair.start(1);
    await second.standsBy();
    const client = pair.client();
    for (const name of ["w0", "w1"]) await pair.join(name, client);
    const job = await submitted(pair, client);
    const expected = Array.from({ length: taskCount }, (_, n) => n * 2);
    assert.deepEqual(await resultsOf(client, job, () => void first.end()), expected);
    assert.equal(client.url, pair.urls[1]);
    await second.leads();
    const summary = await client.job(job);
    assert.equal(summary.stages[0]?.done, taskCount);
    // Commands of the machine of the one that was killed find the other.
    const again = pair.start(0);
    await again.standsBy();
    assert.equal(readEndpoint(again.dataDir)?.isStandby, true);
    const { url } = findTarget({ data: again.dataDir }, {});
    assert.equal(url, `${pair.urls[1]},${pair.urls[0]}`);
    // A hand-over under a second job: no call of the client fails.
    const other = await submitted(pair, client);
    let exit: Promise<number> | null = null;
    const handOver = () => {
      exit = pair.run("down", "--hand-over", "--data", second.dataDir);
    };
    const results = await resultsOf(client, other, handOver);
    assert.deepEqual(results, expected);
    assert.equal(await exit, 0);
    await again.leads();
    const workers = await client.workers();
    assert.equal(workers.length, 2, "both moved and kept their ids");
    const alone = await pair.run("down", "--hand-over", "--data", again.dataDir);
    assert.notEqual(alone, 0, "no coordinator stands by");
  });

  test(`X11: ${name}: a killed and a stopped leader are replaced, no acknowledged job is lost`, {
    skip,
  }, async (t) => {
    const pair = await pairOn(t, log("failover"));
    const jobs: string[] = [];
    const first = pair.start(0);
    const one = await first.leads();
    const second = pair.start(1);
    await second.standsBy();
    const client = pair.client();
    const has = async () => {
      const found = (await client.jobs()).map(({ job }) => job as string);
      assert.deepEqual(found.reverse(), jobs);
    };
    const spec = await one.tasksSpec(2);
    for (let index = 0; index < 5; index += 1) jobs.push(await client.submit(spec));
    await first.end();
    await has();
    jobs.push(await client.submit(spec));
    await second.leads();
    const third = pair.start(0);
    await third.standsBy();
    second.signal("SIGSTOP");
    // A call to one that is stopped is not answered: the client finds the other.
    await has();
    assert.equal(client.url, pair.urls[0]);
    jobs.push(await client.submit(spec));
    await third.leads();
    second.signal("SIGCONT");
    // It finds that it was replaced, and follows.
    await second.standsBy();
    await has();
  });
}

test("a standby ends by `down` without ending the leader", { skip: withoutPostgres }, async (t) => {
  const pair = await pairOn(t, postgres.url("down"));
  const first = pair.start(0);
  await first.leads();
  const second = pair.start(1);
  await second.standsBy();
  assert.equal(await pair.run("down", "--data", second.dataDir), 0);
  // The command sees it gone before its parent, this process, learns of it.
  assert.equal((await second.started.ended).code, 0);
  assert.equal(readEndpoint(second.dataDir), null, endpointFile);
  await pair.client().health();
});
