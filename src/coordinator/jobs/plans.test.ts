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
