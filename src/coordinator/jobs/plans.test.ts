/** Jobs whose tasks could not be sent to basic browsers are refused at submission. */
import assert from "node:assert/strict";
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { JobSpec } from "../../core/job.ts";
import { testJob, testStage } from "../../core/testing/fake-cluster.ts";
import { openMemoryBlobs } from "../../store/blob/memory.ts";
import { newFolder, removeFolder } from "../../store/testing/at-end.ts";
import { browserLimits } from "../../wire/browser/messages.ts";
import { Plans } from "./plans.ts";

async function checked(maps: number, reducers: number, over: Partial<JobSpec>): Promise<unknown> {
  const blobs = openMemoryBlobs();
  const put = async (text: string) => (await blobs.put([Buffer.from(text)])).hash;
  const items = { hash: await put("items"), count: maps };
  const plan = { version: 1, files: [], splits: [], items, reducers };
  const [codeHash, planHash] = [await put("code"), await put(JSON.stringify(plan))];
  const map = testStage({ kind: "map", taskCount: maps, partitionCount: reducers });
  const reduce = testStage({ kind: "reduce", taskCount: reducers, inputStage: 0 });
  const stages = [map, { ...reduce, partitionCount: 0 }];
  return new Plans(blobs).check(testJob(stages, { codeHash, planHash, ...over }));
}

test("a job for basic browsers is refused when its tasks could not be sent to them", async () => {
  const { urlsMax } = browserLimits;
  const bare = { bareBrowsers: true };
  await checked(urlsMax, urlsMax, bare);
  await checked(urlsMax + 1, urlsMax + 1, {});
  await assert.rejects(checked(urlsMax + 1, 3, bare), {
    code: "limit-exceeded",
    message: /each reduce task has 20001 map tasks.* omit --allow-basic-browsers$/,
  });
  await assert.rejects(checked(3, urlsMax + 1, bare), {
    code: "limit-exceeded",
    message: /each map task has 20001 reduce tasks/,
  });
});

test("N4: a submitter on another machine of the same name is to upload its files", async () => {
  const dir = newFolder("tequio-plans-");
  try {
    const path = join(dir, "input");
    writeFileSync(path, "here");
    const { mtimeMs, size: sizeBytes } = statSync(path);
    const check = async (over: object) => {
      const blobs = openMemoryBlobs();
      const at = { kind: "path", host: "h", path, mtimeMs, ...over };
      const files = [{ name: "input", compression: "none", sizeBytes, at }];
      const plan = { version: 1, files, splits: [], items: null, reducers: 0 };
      const { hash } = await blobs.put([Buffer.from(JSON.stringify(plan))]);
      return new Plans(blobs).mustLieHere(hash, "h");
    };
    await check({});
    await check({ host: "another", path: join(dir, "none") });
    for (const over of [{ path: join(dir, "none") }, { mtimeMs: mtimeMs + 1 }]) {
      await assert.rejects(check(over), { code: "forbidden", message: /not here .* upload it$/ });
    }
  } finally {
    removeFolder(dir);
  }
});

test("what people see of a plan is made when it is looked at, and once", async () => {
  const blobs = openMemoryBlobs();
  const splits = [
    { input: "left", pieces: [[0, 0, 5]] },
    { input: "left", pieces: [[0, 5, 9]] },
  ];
  const at = { kind: "blob", hash: (await blobs.put([Buffer.from("some lines")])).hash };
  const files = [{ name: "input", compression: "none", sizeBytes: 9, at }];
  const plan = { version: 1, files, splits, items: null, reducers: 0 };
  const { hash } = await blobs.put([Buffer.from(JSON.stringify(plan))]);
  let reads = 0;
  const read: typeof blobs.read = (...asked) => {
    reads++;
    return blobs.read(...asked);
  };
  const plans = new Plans({ size: (name) => blobs.size(name), read });
  for (let time = 0; time < 3; time++) {
    const { files: found, splits: count, ...others } = await plans.read(hash);
    assert.deepEqual([found, count], [files, 2]);
    assert.deepEqual(others, { version: 1, items: null, reducers: 0 }, "and nothing for people");
  }
  assert.equal(reads, 1);
  const seen = { inputs: [{ name: "left", files: 1, sizeBytes: 9, tasks: 2 }], steps: [] };
  for (let time = 0; time < 3; time++) assert.deepEqual(await plans.shown(hash), seen);
  assert.equal(reads, 2);
});
