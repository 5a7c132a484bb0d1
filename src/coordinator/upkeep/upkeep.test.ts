/** Backup, restore and check on directories of real coordinators, and on damaged ones. */
import assert from "node:assert/strict";
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { temporaryDir } from "../../store/testing/at-end.ts";
import { filesystemOpened } from "../edges/filesystem/testing/client.ts";
import { type Opened, opened, sha256 } from "../testing/opened.ts";
import { backUp } from "./backup.ts";
import { checkDir } from "./check.ts";
import { restore } from "./restore.ts";

const version = "test";

/** A directory whose coordinator has stopped, with jobs j-1 … j-n that wait for workers. */
async function stopped(t: TestContext, jobs: number): Promise<string> {
  const cluster = await opened(t);
  for (let n = 1; n <= jobs; n += 1) await cluster.submit(await cluster.tasksSpec(n));
  await cluster.coordinator.close();
  return cluster.dataDir;
}

function change(dir: string, sql: string): void {
  const database = new DatabaseSync(join(dir, "log.sqlite"));
  database.exec(sql);
  database.close();
}

/** Flips one bit in the middle of a blob's file. */
function damageBlob(blobs: string, hash: string): void {
  const bucket = join(blobs, hash.slice(0, 2), hash.slice(2, 4));
  const file = join(bucket, readdirSync(bucket).find((name) => name.startsWith(hash)) ?? "");
  const bytes = readFileSync(file);
  bytes[bytes.length >> 1]! ^= 4;
  rmSync(file);
  writeFileSync(file, bytes);
}

async function jobsOf(cluster: Opened): Promise<string[]> {
  const { jobs } = (await (await cluster.call("GET", "/v1/jobs")).json()) as {
    jobs: { job: string; state: string }[];
  };
  return jobs.map(({ job, state }) => `${job} ${state}`);
}

test("a backup made while jobs come in is restored to a coordinator that knows them", async (t) => {
  const cluster = await opened(t);
  const to = join(temporaryDir(t), "backup");
  await cluster.submit(await cluster.tasksSpec(3));
  const first = await backUp({ dataDir: cluster.dataDir, to, version });
  assert.deepEqual([first.jobs, first.blobs, first.blobsCopied], [1, 3, 3]);
  await cluster.submit(await cluster.tasksSpec(4));
  const second = await backUp({ dataDir: cluster.dataDir, to, version });
  assert.deepEqual([second.jobs, second.blobs, second.blobsCopied], [2, 5, 2]);
  await cluster.submit(await cluster.tasksSpec(5));
  await cluster.coordinator.close();
  assert.deepEqual((await checkDir(to)).damages, []);
  const dataDir = join(temporaryDir(t), "new", "data");
  assert.equal((await restore({ from: to, dataDir })).jobs, 2);
  assert.deepEqual((await checkDir(dataDir)).damages, []);
  const again = await opened(t, { dataDir });
  assert.deepEqual(await jobsOf(again), ["j-2 running", "j-1 running"]);
  assert.equal(again.coordinator.adminToken, cluster.coordinator.adminToken);
});

test("attempts from before a restore are unknown after it; its backups stay valid", async (t) => {
  const dataDir = await stopped(t, 1);
  const to = join(temporaryDir(t), "backup");
  await backUp({ dataDir, to, version });
  const restored = join(temporaryDir(t), "data");
  await restore({ from: to, dataDir: restored });
  const keys = (dir: string) => JSON.parse(readFileSync(join(dir, "cluster.json"), "utf8"));
  assert.notEqual(keys(restored).tag, keys(dataDir).tag);
  assert.notEqual(keys(restored).secret, keys(dataDir).secret);
  assert.equal((await backUp({ dataDir: restored, to, version })).blobsCopied, 0);
});

test("a backup is written to an empty directory, or over one of the same cluster", async (t) => {
  const [one, other] = [await stopped(t, 1), await stopped(t, 1)];
  const to = join(temporaryDir(t), "backup");
  await backUp({ dataDir: one, to, version });
  await assert.rejects(backUp({ dataDir: other, to, version }), /conflict: .*another cluster/);
  await assert.rejects(backUp({ dataDir: one, to: join(one, "b"), version }), /within the data/);
  writeFileSync(join(to, "letter.txt"), "dear");
  await assert.rejects(backUp({ dataDir: one, to, version }), /conflict: .*letter\.txt/);
  await assert.rejects(
    backUp({ dataDir: to, to: one, version }),
    /not-found: .*not a data directory/,
  );
});

test("damaged data is never backed up over a good backup", async (t) => {
  const dataDir = await stopped(t, 2);
  const to = join(temporaryDir(t), "backup");
  const { position } = await backUp({ dataDir, to, version });
  const before = readFileSync(join(to, "manifest.json"));
  change(dataDir, `UPDATE record SET bytes = x'7b7d' WHERE position = ${position - 1}`);
  await assert.rejects(
    backUp({ dataDir, to, version }),
    new RegExp(`storage-failed: record ${position - 1} .*damaged`),
  );
  assert.deepEqual(readFileSync(join(to, "manifest.json")), before);
  assert.deepEqual((await checkDir(to)).damages, []);
});

test("a needed blob that is missing or damaged stops a backup, with its jobs", async (t) => {
  const cluster = await opened(t);
  const spec = await cluster.tasksSpec(2);
  await cluster.submit(spec);
  await cluster.coordinator.close();
  const blobs = join(cluster.dataDir, "blobs");
  damageBlob(blobs, spec.codeHash);
  const to = join(temporaryDir(t), "backup");
  const run = () => backUp({ dataDir: cluster.dataDir, to, version });
  await assert.rejects(run(), new RegExp(`data-lost: blob ${spec.codeHash}.*j-1 cannot`));
  rmSync(join(blobs, spec.codeHash.slice(0, 2)), { recursive: true });
  await assert.rejects(run(), new RegExp(`data-lost: blob ${spec.codeHash} is missing`));
  assert.equal(existsSync(join(to, "manifest.json")), false);
});

test("check names every damaged record, and the jobs from there on", async (t) => {
  const dataDir = await stopped(t, 3);
  const good = await checkDir(dataDir);
  assert.deepEqual(good.damages, []);
  const submitted = good.position - 1;
  change(dataDir, `UPDATE record SET bytes = x'7b7d' WHERE position IN (2, ${submitted})`);
  const { damages } = await checkDir(dataDir);
  const names = damages.map(({ kind, name }) => `${kind} ${name}`);
  assert.deepEqual(names, ["record 2", `record ${submitted}`]);
  assert.deepEqual(damages[0]?.jobs.includes("j-1"), true);
});

/** All flips of a bit that change the meaning of the file and are not noticed. */
async function unseenFlips(dataDir: string, name: string): Promise<number[]> {
  const path = join(dataDir, name);
  const bytes = readFileSync(path);
  const unseen: number[] = [];
  const length = bytes.toString("utf8").trimEnd().length * 8;
  for (let bit = 0; bit < length; bit += 5) {
    const flipped = Buffer.from(bytes);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    writeFileSync(path, flipped);
    const { damages } = await checkDir(dataDir);
    if (!damages.some((damage) => damage.name === name)) unseen.push(bit);
  }
  writeFileSync(path, bytes);
  assert.deepEqual((await checkDir(dataDir)).damages, []);
  return unseen;
}

test("G10: check sees a flipped bit in the cluster's keys and the admin's token", async (t) => {
  const dataDir = await stopped(t, 1);
  assert.deepEqual(await unseenFlips(dataDir, "cluster.json"), []);
  assert.deepEqual(await unseenFlips(dataDir, "admin.token"), []);
});

test("check names a snapshot, a missing end, keys and blobs", async (t) => {
  const cluster = await opened(t);
  const spec = await cluster.tasksSpec(2);
  await cluster.submit(spec);
  await cluster.coordinator.close();
  const { dataDir } = cluster;
  const { position } = await checkDir(dataDir);
  change(
    dataDir,
    `INSERT INTO snapshot VALUES (1, 1, x'00', x'00');
     DELETE FROM record WHERE position = ${position}`,
  );
  writeFileSync(join(dataDir, "cluster.json"), "{", { mode: 0o600 });
  damageBlob(join(dataDir, "blobs"), spec.planHash);
  const { damages } = await checkDir(dataDir);
  const found = damages.map(({ kind, name, problem }) => `${kind} ${name} ${problem}`).join("\n");
  assert.match(found, /^snapshot .*damaged/m);
  assert.match(found, new RegExp(`^log {2}records ${position} to ${position} are missing`, "m"));
  assert.match(found, /^file cluster\.json .*damaged/m);
  assert.match(found, new RegExp(`^blob ${spec.planHash} .*another hash`, "m"));
});

test("a blob's damage is reported with the jobs that need it", async (t) => {
  const cluster = await opened(t);
  const spec = await cluster.tasksSpec(2);
  await cluster.submit(spec);
  await cluster.submit(spec);
  const lost = await cluster.upload(Buffer.from("not needed by any job"));
  await cluster.coordinator.close();
  damageBlob(join(cluster.dataDir, "blobs"), spec.codeHash);
  damageBlob(join(cluster.dataDir, "blobs"), lost);
  const { damages } = await checkDir(cluster.dataDir);
  const jobs = new Map(damages.map(({ name, jobs }) => [name, jobs]));
  assert.deepEqual(jobs.get(spec.codeHash), ["j-1", "j-2"]);
  assert.deepEqual(jobs.get(lost), []);
  assert.equal(jobs.size, 2);
});

test("nothing of a damaged backup is restored, wherever the damage is", async (t) => {
  const dataDir = await stopped(t, 1);
  const whole = join(temporaryDir(t), "whole");
  await backUp({ dataDir, to: whole, version });
  const { folder, blobs } = JSON.parse(readFileSync(join(whole, "manifest.json"), "utf8")).manifest;
  const damages: Record<string, (at: string) => void> = {
    manifest: (at) => flip(join(at, "manifest.json"), 100),
    log: (at) => flip(join(at, folder, "log.sqlite"), 9_000),
    keys: (at) => flip(join(at, folder, "cluster.json"), 40),
    blob: (at) => damageBlob(join(at, "blobs"), blobs[0].hash),
    "no blob": (at) => rmSync(join(at, "blobs", blobs[0].hash.slice(0, 2)), { recursive: true }),
  };
  for (const [name, damage] of Object.entries(damages)) {
    const from = join(temporaryDir(t), "copy");
    cpSync(whole, from, { recursive: true });
    damage(from);
    const target = join(temporaryDir(t), "data");
    const refused = { code: /storage-failed|data-lost/ };
    await assert.rejects(restore({ from, dataDir: target }), refused, name);
    if (existsSync(target)) assert.deepEqual(readdirSync(target), [], name);
  }
});

test("a directory in use, or half restored, is not restored over and not started", async (t) => {
  const dataDir = await stopped(t, 1);
  const to = join(temporaryDir(t), "backup");
  await backUp({ dataDir, to, version });
  await assert.rejects(restore({ from: to, dataDir }), /conflict: .*not empty/);
  await assert.rejects(restore({ from: dataDir, dataDir: to }), /bad-request: .*not a backup/);
  const half = temporaryDir(t);
  writeFileSync(join(half, "restoring.part"), "");
  await assert.rejects(opened(t, { dataDir: half }), /conflict: .*restore/);
  await assert.rejects(restore({ from: to, dataDir: half }), /interrupted/);
});

function flip(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[at % bytes.length]! ^= 1;
  writeFileSync(file, bytes);
}

test("files, databases and jobs of the filesystem protocol are in a backup", async (t) => {
  const { client, cluster } = await filesystemOpened(t);
  await client.putJob("j1");
  await client.put("j1/a", [Buffer.from("of a\n"), Buffer.from("last")]);
  const database = { status_db_url: "j1/database.sqlite3" };
  const block = { block_id: "map_0", state: "ADDED", phase: "map", slices_id: ["j1/0_map_slice"] };
  await client.twoSteps("INSERTBLOCK", database, block);
  const to = join(temporaryDir(t), "backup");
  assert.equal((await backUp({ dataDir: cluster.dataDir, to, version })).blobs, 2);
  // What comes later is not in it.
  await client.put("j1/b", [Buffer.from("later")]);
  await cluster.coordinator.close();
  assert.deepEqual((await checkDir(to)).damages, []);
  const dataDir = join(temporaryDir(t), "data");
  await restore({ from: to, dataDir });
  assert.deepEqual((await checkDir(dataDir)).damages, []);
  const opened = await filesystemOpened(t, {}, dataDir);
  const again = opened.client;
  assert.deepEqual((await again.get("j1/a")).map(String), ["of a\n", "last"]);
  await assert.rejects(again.get("j1/b"), /File does not exist/);
  const wanted = { table: "block", filters: [] };
  const { payload } = await again.twoSteps("GETROWS", database, wanted);
  assert.equal((payload.get("rows") as unknown[]).length, 1);
  await opened.cluster.coordinator.close();
});

test("check names a file and a database of the filesystem protocol that are damaged", async (t) => {
  const { client, cluster } = await filesystemOpened(t);
  await client.putJob("j1");
  await client.put("j1/a", [Buffer.from("some bytes")]);
  await cluster.coordinator.close();
  const { dataDir } = cluster;
  const hash = sha256("some bytes");
  damageBlob(join(dataDir, "blobs"), hash);
  const jobs = join(dataDir, "filesystem", "jobs");
  const [name = ""] = readdirSync(jobs);
  writeFileSync(join(jobs, name), "no database");
  const damages = (await checkDir(dataDir)).damages.map((damage) => [damage.kind, damage.name]);
  assert.deepEqual(damages, [
    ["file", `filesystem/jobs/${name}`],
    ["blob", hash],
  ]);
  const to = join(temporaryDir(t), "backup");
  await assert.rejects(backUp({ dataDir, to, version }), { code: "storage-failed" });
  rmSync(join(jobs, name));
  await assert.rejects(backUp({ dataDir, to, version }), /a file of the filesystem protocol/);
});
