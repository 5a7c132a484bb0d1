/** C4, W8: the disks of all workers run full under a real job; it waits, reports why, and resumes
 *  by itself when there is room. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openCoordinator } from "../../src/coordinator/coordinator.ts";
import type { JobSummary } from "../../src/core/summary.ts";
import { bundleJob } from "../../src/sdk/bundle.ts";
import { Client } from "../../src/sdk/client.ts";
import { planJob } from "../../src/sdk/plan.ts";
import { submitJob } from "../../src/sdk/submit.ts";
import { diskSpace } from "../../src/store/disk-space.ts";
import { testMaxMs, waitMaxMs } from "../../src/store/testing/patience.ts";
import { startWorker } from "../../src/worker/node.ts";
import { inPlace } from "../conformance/place.ts";
import { mountSmallDisk } from "../conformance/tmpfs.ts";

const mebi = 1 << 20;
const endsWithinMs = waitMaxMs;

/** What a job's bundle may not import: it is put before the bundle that is sent. */
const disk = `import * as fs from "node:fs"; globalThis.diskOfTest = fs;`;
/** Each task needs 2 MiB of disk for a moment. */
const source = `import { tasks } from "tequio";
export default tasks({
  items: () => Array.from({ length: 60 }, (_, n) => n),
  async run(n: number) {
    const { writeFileSync, rmSync } = globalThis.diskOfTest;
    writeFileSync("x", new Uint8Array(2 << 20));
    await new Promise((resolve) => setTimeout(resolve, 50));
    rmSync("x");
    return n;
  },
});
`;

type Cluster = {
  readonly client: Client;
  readonly submit: () => Promise<string>;
  /** The first summary of the job that meets the condition. */
  readonly until: (job: string, is: (summary: JobSummary) => boolean) => Promise<JobSummary>;
  readonly fill: (leftBytes: number) => void;
  readonly free: () => void;
};

/** A coordinator on a sound disk, two workers on one of 32 MiB. */
async function onSmallDisk(
  t: TestContext,
  lowWaterBytes: number,
  run: (cluster: Cluster) => Promise<void>,
): Promise<void> {
  await inPlace(async (place) => {
    const small = join(place, "small");
    mkdirSync(small);
    const disk = mountSmallDisk(small, "32m");
    if ("skip" in disk) return t.skip(disk.skip);
    const closers: Array<() => unknown> = [() => disk.unmount()];
    try {
      await run(await openCluster(place, small, { lowWaterBytes, closers }));
    } finally {
      for (const close of closers.reverse()) await close();
    }
  });
}

async function openCluster(
  place: string,
  small: string,
  { lowWaterBytes, closers }: { lowWaterBytes: number; closers: Array<() => unknown> },
): Promise<Cluster> {
  const dataDir = join(place, "coordinator");
  const coordinator = await openCoordinator({ dataDir, listen: "127.0.0.1:0", version: "test" });
  closers.push(() => coordinator.close());
  const { url, adminToken } = coordinator;
  for (const name of ["a", "b"]) {
    const worker = await startWorker({
      url,
      token: await coordinator.joinToken({ ttlMs: testMaxMs, usesMax: 1 }),
      dataDir: join(small, name),
      slots: 1,
      memoryBytes: 128 * mebi,
      lowWaterBytes,
      name,
      sandbox: "auto",
      listen: "127.0.0.1:0",
    });
    closers.push(() => worker.stop(0));
  }
  const client = new Client({ url, token: adminToken });
  closers.push(() => client.close());
  writeFileSync(join(place, "job.ts"), source);
  const filler = join(small, "filler");
  return {
    client,
    async submit() {
      const bundled = await bundleJob(join(place, "job.ts"));
      const code = `${disk}\n${bundled.code}`;
      const hash = createHash("sha256").update(code).digest("hex");
      const built = { ...bundled, code, hash };
      const planned = await planJob(built.job, { inputs: [], params: {}, host: "" });
      return submitJob(client, built, planned, { name: "full", key: null });
    },
    async until(job, is) {
      const signal = AbortSignal.timeout(endsWithinMs);
      let last: JobSummary | null = null;
      for await (const summary of client.watch(job as never, { signal })) {
        last = summary;
        if (is(summary)) return summary;
      }
      throw new Error(`it ended as ${JSON.stringify(last)}`);
    },
    fill: (leftBytes) =>
      writeFileSync(filler, Buffer.alloc(diskSpace(small).freeBytes - leftBytes)),
    free: () => rmSync(filler),
  };
}

const isDone = (summary: JobSummary) => summary.state === "done";

test("C4: below the mark of all workers a job waits, shows why, and resumes by itself", (t) =>
  onSmallDisk(t, 16 * mebi, async ({ client, submit, until, fill, free }) => {
    const job = await submit();
    await until(job, (summary) => summary.stages[0]!.done > 0);
    // With what running tasks free, still below the mark.
    fill(8 * mebi);
    const waiting = await until(job, (summary) => summary.waitingFor !== "");
    assert.match(waiting.waitingFor, /all 2 workers are out of disk.*low-water mark of 16 MiB/);
    const paused = (await client.workers()).map((worker) => worker.paused);
    assert.deepEqual(
      paused.map((reason) => /low-water/.test(reason)),
      [true, true],
    );
    free();
    const done = await until(job, isDone);
    assert.deepEqual([done.failure, done.errors.length], [null, 0]);
  }));

test("C4: on full disks a job waits instead of failing after its setbacks", (t) =>
  onSmallDisk(t, 0, async ({ submit, until, fill, free }) => {
    fill(1 * mebi);
    const job = await submit();
    const waiting = await until(job, (summary) => /out of disk/.test(summary.waitingFor));
    assert.match(waiting.waitingFor, /no space left/);
    free();
    const done = await until(job, isDone);
    assert.deepEqual([done.failure, done.errors.length], [null, 0]);
    assert.equal(done.stages[0]!.attemptsFailed, 0);
  }));
