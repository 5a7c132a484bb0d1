/** Tabs that upload more than results: limited for each task, each tab and each job. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ScriptedGateway } from "../edges/browser/testing/scripted-gateway.ts";
import { type Opened, opened } from "../testing/opened.ts";
import { LowWater } from "../upkeep/low-water.ts";
import { Uploads } from "./uploads.ts";

const kib = 1024;

/** A coordinator with small limits and a tab for each of these names. */
async function withTabs(t: TestContext, uploads: Parameters<typeof opened>[1], names: string[]) {
  const cluster = await opened(t, { print: () => {}, ...uploads });
  const gateway = new ScriptedGateway(cluster.coordinator);
  const token = await cluster.coordinator.joinToken({ ttlMs: 0, usesMax: 0 });
  const tabs = [];
  for (const name of names) tabs.push(await gateway.join(name, { token, slots: 1 }));
  return { cluster, gateway, tabs, token };
}

/** Puts fresh bytes again and again; returns how many puts were accepted, and the first refusal. */
async function flood(cluster: Opened, path: string, token: string | null = null) {
  const method = path.startsWith("/v1") ? "POST" : "PUT";
  for (let taken = 0; taken < 64; taken++) {
    const answer = await cluster.call(method, path, { token, body: randomBytes(16 * kib) });
    const said = (await answer.json()) as { code?: string; message?: string };
    if (!answer.ok) return { taken, status: answer.status, ...said };
  }
  throw new Error("nothing was refused");
}

function blobBytes({ dataDir }: Opened): number {
  const dir = join(dataDir, "blobs");
  const names = readdirSync(dir, { recursive: true, encoding: "utf8" });
  const stats = names.map((name) => statSync(join(dir, name)));
  return stats.reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0);
}

test("a tab that puts one result after the other cannot fill the disk with its task", async (t) => {
  const uploads = { taskMaxBytes: 100 * kib };
  const { cluster, gateway } = await withTabs(t, { uploads }, ["1"]);
  await cluster.submit(await cluster.tasksSpec(1));
  const { more } = await gateway.task();
  const before = blobBytes(cluster);
  const floods = ["part", "bad", "part"].map((what) => flood(cluster, `${more.place}/${what}`));
  const all = await Promise.all(floods);
  for (const { code, message, status } of all) {
    assert.deepEqual([status, code], [413, "limit-exceeded"]);
    assert.match(message ?? "", /task uploads more than uploads\.taskMaxBytes \(102400\)/);
  }
  // 16 KiB and a block of 4 KiB each.
  const taken = all.reduce((sum, one) => sum + one.taken, 0);
  assert.ok(taken >= 3 && taken <= 5, `${taken} were accepted`);
  assert.equal(blobBytes(cluster) - before, taken * 16 * kib);
});

test("a tab that spreads its bytes over tasks and routes has a limit of its own", async (t) => {
  const uploads = { tabMaxBytes: 100 * kib };
  const { cluster, gateway, tabs, token } = await withTabs(t, { uploads }, ["1", "2"]);
  await cluster.submit(await cluster.tasksSpec(2));
  const [first, second] = [await gateway.task(), await gateway.task()];
  const ofFirst = await flood(cluster, `${first.more.place}/part`);
  assert.match(ofFirst.message ?? "", /^w-\d+ uploads more than uploads\.tabMaxBytes/);
  const uid = Number(first.uid) - 1;
  // Its credential can use the workers' routes: these uploads count, too.
  const again = await flood(cluster, "/v1/blobs", tabs[uid]?.credential ?? null);
  assert.deepEqual([again.taken, again.code], [0, "limit-exceeded"]);
  assert.equal((await flood(cluster, `${second.more.place}/part`)).taken, 5);
  // So do those with its join token.
  assert.equal((await flood(cluster, "/v1/blobs", token)).taken, 5);
});

test("all tabs together have a limit for one job", async (t) => {
  const uploads = { jobMaxBytes: 100 * kib };
  const { cluster, gateway } = await withTabs(t, { uploads }, ["1", "2"]);
  await cluster.submit(await cluster.tasksSpec(2));
  const [first, second] = [await gateway.task(), await gateway.task()];
  assert.equal((await flood(cluster, `${first.more.place}/part`)).taken, 5);
  const { message, taken } = await flood(cluster, `${second.more.place}/part`);
  assert.equal(taken, 0);
  assert.match(message ?? "", /^uploads for j-\d+ exceed uploads\.jobMaxBytes/);
});

test("failed uploads are not counted, and an hour later a tab may upload again", async () => {
  let nowMs = 0;
  const noMark = new LowWater(tmpdir(), 0);
  const uploads = new Uploads(noMark, () => nowMs, { tabMaxBytes: 20_000 });
  const of = { tab: "w-1", job: null, task: null };
  const bring = (sizeBytes: number, then?: Error) =>
    uploads.count(of, chunksOf(sizeBytes), async (chunks) => {
      for await (const _ of chunks) if (then !== undefined) throw then;
    });
  for (let times = 0; times < 5; times++) {
    await assert.rejects(bring(15_000, new Error("broken off")), /broken off/);
  }
  await bring(15_000);
  await assert.rejects(bring(1_000), { code: "limit-exceeded" });
  nowMs = 3_600_000;
  await bring(15_000);
});

test("below half of the low-water mark tabs cannot upload, and workers still can", async () => {
  const uploads = new Uploads(new LowWater(tmpdir(), 2 ** 52), () => 0);
  const bring = (tab: string | null) =>
    uploads.count({ tab, job: "j-1", task: null }, chunksOf(10), async (chunks) => {
      let sizeBytes = 0;
      for await (const { length } of chunks) sizeBytes += length;
      return sizeBytes;
    });
  await assert.rejects(
    bring("w-1"),
    /^ClusterError: storage-full: an upload of a browser .* 0\.5 ×/,
  );
  assert.equal(await bring(null), 10);
});

async function* chunksOf(sizeBytes: number): AsyncGenerator<Uint8Array, void> {
  yield new Uint8Array(sizeBytes);
}
