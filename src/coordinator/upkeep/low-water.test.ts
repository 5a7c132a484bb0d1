/** C4: a real coordinator whose disk, of a few MiB, fills up. */
import assert from "node:assert/strict";
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { inPlace } from "../../../test/conformance/place.ts";
import { mountSmallDisk } from "../../../test/conformance/tmpfs.ts";
import { diskSpace } from "../../store/disk-space.ts";
import { openCoordinator } from "../coordinator.ts";
import { Opened } from "../testing/opened.ts";

const mebi = 1 << 20;

type SmallDisk = {
  readonly cluster: Opened;
  readonly part: string;
  readonly fill: (leftBytes: number) => void;
  readonly free: () => void;
};

/** A coordinator on a disk of 48 MiB, and a function to fill that; skips where none can be
 *  mounted. */
async function onSmallDisk(
  t: TestContext,
  lowWaterBytes: number,
  run: (disk: SmallDisk) => Promise<void>,
): Promise<void> {
  await inPlace(async (place) => {
    const disk = mountSmallDisk(place, "48m");
    if ("skip" in disk) return t.skip(disk.skip);
    try {
      const dataDir = join(place, "data");
      await running({ dataDir, lowWaterBytes }, (cluster) => {
        const filler = join(place, "filler");
        return run({
          cluster,
          part: join(dataDir, "blobs", "part"),
          fill: (leftBytes) =>
            writeFileSync(filler, Buffer.alloc(diskSpace(place).freeBytes - leftBytes)),
          free: () => rmSync(filler),
        });
      });
    } finally {
      disk.unmount();
    }
  });
}

/** Ended before the disk is unmounted. */
async function running(
  options: { readonly dataDir: string; readonly lowWaterBytes: number },
  run: (cluster: Opened) => Promise<void>,
): Promise<void> {
  const coordinator = await openCoordinator({ ...options, listen: "127.0.0.1:0", version: "test" });
  try {
    await run(new Opened(coordinator, options.dataDir));
  } finally {
    await coordinator.close();
  }
}

async function refused(answer: Response, pattern: RegExp): Promise<void> {
  const { code, message, retryable } = (await answer.json()) as Record<string, unknown>;
  assert.deepEqual([answer.status, code, retryable], [507, "storage-full", true]);
  assert.match(String(message), pattern);
}

const submit = (cluster: Opened, spec: unknown) =>
  cluster.call("POST", "/v1/jobs", { body: { key: null, spec } });
const upload = (cluster: Opened, body: Uint8Array, token?: string) =>
  cluster.call("POST", "/v1/blobs", { body, ...(token === undefined ? {} : { token }) });

test("below the mark no job and no upload is accepted, all else still works", (t) =>
  onSmallDisk(t, 4 * mebi, async ({ cluster, fill, free }) => {
    const spec = await cluster.tasksSpec(2);
    const job = await cluster.submit(spec);
    fill(3 * mebi);
    await refused(await submit(cluster, spec), /a new job is refused.*lowWaterBytes \(4194304\)/);
    await refused(await upload(cluster, Buffer.from("x")), /an upload is refused/);
    assert.equal((await cluster.call("GET", `/v1/jobs/${job}`)).status, 200);
    assert.equal((await cluster.call("GET", `/v1/blobs/${spec.codeHash}`)).status, 200);
    assert.equal((await cluster.token("reader", "r")).id.length > 0, true);
    const cancelled = await cluster.call("POST", `/v1/jobs/${job}/cancel`, { body: {} });
    assert.equal(cancelled.status, 200);
    free();
    assert.equal(await cluster.submit(spec), "j-2");
  }));

test("an upload that would cross the mark is aborted, and leaves nothing", (t) =>
  onSmallDisk(t, 8 * mebi, async ({ cluster, fill, part }) => {
    fill(20 * mebi);
    await refused(await upload(cluster, Buffer.alloc(19 * mebi)), /an upload is refused/);
    assert.deepEqual(readdirSync(part), []);
  }));

test("on a full disk nothing is acknowledged, reads work, and new space restores all", (t) =>
  onSmallDisk(t, 0, async ({ cluster, fill, free }) => {
    const spec = await cluster.tasksSpec(2);
    const acknowledged: string[] = [await cluster.submit(spec)];
    fill(0);
    for (;;) {
      const answer = await submit(cluster, { ...spec, name: "x".repeat(100) });
      if (answer.status !== 200) {
        await refused(answer, /full|does not fit/);
        break;
      }
      acknowledged.push(((await answer.json()) as { job: string }).job);
    }
    // More than the ballast that was deleted.
    await refused(await upload(cluster, Buffer.alloc(10 * mebi)), /full|does not fit/);
    const listed = (await (await cluster.call("GET", "/v1/jobs")).json()) as { jobs: unknown[] };
    assert.equal(listed.jobs.length, acknowledged.length);
    free();
    acknowledged.push(await cluster.submit(spec));
    await cluster.coordinator.close();
    await running({ dataDir: cluster.dataDir, lowWaterBytes: 0 }, async (again) => {
      const { jobs } = (await (await again.call("GET", "/v1/jobs")).json()) as {
        jobs: { job: string }[];
      };
      assert.deepEqual(jobs.map(({ job }) => job).reverse(), acknowledged);
    });
  }));
