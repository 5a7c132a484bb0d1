/** X3 with real processes: a job beside a long sweep does not wait for the sweep's end.
 *
 *  Waiting is counted in tasks of the sweep that end meanwhile, since a busy machine holds both up.
 *  A second of two workers is 100 of its tasks; the bound leaves room for the start of a process on
 *  such a machine, and is a fifth of what had to end before shares went by worker time. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { bundleJob } from "../../src/sdk/bundle.ts";
import { Client } from "../../src/sdk/client.ts";
import { planJob } from "../../src/sdk/plan.ts";
import { submitJob } from "../../src/sdk/submit.ts";
import { inPlace } from "../conformance/place.ts";
import { startCluster } from "../fixtures/cluster.ts";

const sweepTasks = 5_000;
const meanwhileMax = 1_000;
const rounds = 5;
const pollMs = 10;

const source = `import { tasks } from "tequio";
export default tasks({
  params: { count: 1 },
  items: ({ count }) => Array.from({ length: count }, (_, index) => index),
  run: (item: number) => new Promise((done) => setTimeout(() => done(item), 20)),
});
`;

async function submitter(place: string, host: string) {
  const file = join(place, "sweep.ts");
  writeFileSync(file, source);
  const built = await bundleJob(file);
  return async (client: Client, count: number) => {
    const planned = await planJob(built.job, { inputs: [], params: { count }, host });
    return submitJob(client, built, planned, { name: `${count} tasks` });
  };
}

test("X3: a job of two tasks beside a sweep on two workers does not wait for it", async (t) => {
  await inPlace(async (place) => {
    const cluster = await startCluster(2);
    try {
      const ann = new Client({ url: cluster.url, token: cluster.adminToken() });
      const options = { role: "submitter", owner: "bob", ttlMs: 3_600_000, usesMax: 0 } as const;
      const bob = new Client({ url: cluster.url, token: (await ann.createToken(options)).token });
      const submit = await submitter(place, (await ann.health()).host);
      const sweep = await submit(ann, sweepTasks);
      const done = async () => (await ann.job(sweep)).stages[0]!.done;
      while ((await done()) < 100) await delay(pollMs);
      const waits: number[] = [];
      for (let round = 0; round < rounds; round++) {
        for (const client of [ann, bob]) {
          const before = await done();
          const job = await submit(client, 2);
          while ((await client.job(job)).state === "running") await delay(pollMs);
          const meanwhile = (await done()) - before;
          assert.ok(meanwhile <= meanwhileMax, `${job} has waited for ${meanwhile} tasks`);
          assert.equal((await client.job(job)).state, "done");
          waits.push(meanwhile);
        }
      }
      assert.ok((await done()) < sweepTasks, "the sweep is not over");
      t.diagnostic(`tasks of the sweep that ended meanwhile: ${waits.join(", ")}`);
    } finally {
      await cluster.stop();
    }
  });
});
