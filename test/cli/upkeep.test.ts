/** backup, restore and check on the command line, around a real coordinator and a broken one. */
import assert from "node:assert/strict";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { Place, type Running } from "../fixtures/place.ts";

const squares = `import { tasks } from "tequio";
export default tasks({ name: "squares", items: () => [1, 2, 3], run: async (n) => n * n });
`;

async function startUp(place: Place, ...options: string[]): Promise<Running> {
  const up = place.start("up", "--listen", "127.0.0.1:0", ...options);
  await up.said("run a job");
  return up;
}

async function stop(up: Running): Promise<void> {
  up.child.kill("SIGINT");
  const { code, err } = await up.ended;
  assert.equal(code, 0, err);
}

/** A place whose coordinator has run one job and stopped. */
async function withOneJob(t: TestContext): Promise<Place> {
  const place = new Place(t, { "squares.ts": squares });
  const up = await startUp(place, "--workers", "1");
  const ran = await place.run("run", "squares.ts", "-o", "-");
  assert.equal(ran.out, "1\n4\n9\n", ran.err);
  const backed = await place.run("backup", "backup");
  assert.match(backed.out, /^1 job up to record [0-9]+, [0-9]+ blobs \(/, backed.err);
  await stop(up);
  return place;
}

test("what a running coordinator had at its backup, another has after the restore", async (t) => {
  const place = await withOneJob(t);
  assert.match((await place.run("check", "backup")).out, /: all as it was written\n$/);
  const restored = await place.run("restore", "backup", "--data", "new");
  assert.match(restored.out, /^1 job and .*tequio up --data .*new\n$/s, restored.err);
  const up = await startUp(place, "--workers", "0", "--data", "new");
  const got = await place.run("get", "j-1", "--merge", "out.ndjson", "--data", "new");
  assert.equal(got.code, 0, got.err);
  assert.equal(place.read("out.ndjson"), "1\n4\n9\n");
  const busy = await place.run("restore", "backup", "--data", "new");
  assert.match(busy.err, /^tequio: conflict: .*not empty/);
  await stop(up);
});

test("`up` refuses a damaged record by its name, and says what to do about it", async (t) => {
  const place = await withOneJob(t);
  const database = new DatabaseSync(join(place.dir, "data", "log.sqlite"));
  database.exec("UPDATE record SET bytes = x'7b7d' WHERE position = 3");
  database.close();
  const { code, err } = await place.run("up", "--listen", "127.0.0.1:0", "--workers", "0");
  assert.equal(code, 1);
  assert.match(err, /^tequio: storage-failed: record 3 of .*log\.sqlite is damaged/);
  assert.match(err, /tequio check .*data\n.*tequio restore BACKUP --data NEW_DIR\n$/);
  const check = await place.run("check");
  assert.equal(check.code, 1);
  assert.match(check.out, /^damaged: record 3: is damaged.*touches jobs j-1/m);
  const report = JSON.parse((await place.run("check", "--json")).out);
  assert.deepEqual(report.damages[0].name, "3");
});

test("the doctor names what is unsafe, each with a fix", async (t) => {
  const place = new Place(t);
  const findings = async () => {
    const { code, out, err } = await place.run("doctor", "--json");
    assert.equal(err, "");
    const all = JSON.parse(out).findings as { severity: string; topic: string; fix: string }[];
    const bad = all.filter(({ severity }) => severity === "warning" || severity === "serious");
    for (const { topic, fix } of bad) assert.notEqual(fix, "", topic);
    return { code, told: new Set(bad.map(({ severity, topic }) => `${severity} ${topic}`)) };
  };
  const safe = await startUp(place, "--workers", "0");
  const before = await findings();
  assert.equal(before.told.has("serious network"), false);
  assert.equal(before.told.has("serious rights"), false);
  await stop(safe);
  const up = place.start("up", "--listen", "0.0.0.0:0", "--insecure", "--workers", "0");
  await up.said("run a job");
  await place.run("token", "create", "--role", "worker", "--ttl", "never");
  chmodSync(join(place.dir, "data"), 0o755);
  const after = await findings();
  assert.equal(after.code, 1);
  for (const topic of ["serious network", "serious rights", "warning tokens"]) {
    assert.ok(after.told.has(topic), topic);
  }
  await stop(up);
});
