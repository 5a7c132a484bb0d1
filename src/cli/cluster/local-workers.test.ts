/** Worker processes that outlive the process that started them: real processes, tiny ones. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { temporaryDir } from "../../store/testing/at-end.ts";
import { type LocalWorkers, type LocalWorkersOptions, startLocalWorkers } from "./local-workers.ts";
import { startOf } from "./process/identity.ts";
import { recordOf, writeRecord } from "./process/record.ts";

/** A localWorkers in its own directory; whatever it started is gone when the test ends. */
function workerOptions(
  t: TestContext,
  change: Partial<LocalWorkersOptions> = {},
): LocalWorkersOptions {
  const dir = temporaryDir(t, "tequio-local-workers-");
  const sleeper = join(dir, "sleeper.mjs");
  writeFileSync(sleeper, "setInterval(() => {}, 1000);");
  return {
    dir: join(dir, "workers"),
    count: 2,
    url: "http://127.0.0.1:1",
    command: [sleeper],
    joinToken: async () => "mrt_join_secret",
    onNews: () => {},
    ...change,
  };
}

function pids(options: LocalWorkersOptions, count = options.count): number[] {
  const read = (n: number) => readFileSync(join(options.dir, `${n}`, "process.json"), "utf8");
  return Array.from({ length: count }, (_, i) => JSON.parse(read(i + 1)).pid);
}

function stopAfter(t: TestContext, ...started: LocalWorkers[]): void {
  t.after(() => Promise.all(started.map((localWorkers) => localWorkers.stop(2000))));
}

test("a second start on the same directory adopts the processes that live", async (t) => {
  const options = workerOptions(t);
  const first = await startLocalWorkers(options);
  const before = pids(options);
  const second = await startLocalWorkers(options);
  stopAfter(t, second, first);
  assert.deepEqual([first.started, first.adopted], [2, 0]);
  assert.deepEqual([second.started, second.adopted], [0, 2]);
  assert.deepEqual(pids(options), before);
});

test("stopping ends every process, and a dead one is not waited for", async (t) => {
  const options = workerOptions(t);
  const localWorkers = await startLocalWorkers(options);
  const all = pids(options);
  process.kill(all[0]!, "SIGKILL");
  await localWorkers.stop(2000);
  assert.deepEqual(all.map(startOf), [null, null]);
});

test("a recorded number with another start is not ours: neither adopted nor killed", async (t) => {
  const options = workerOptions(t, { count: 1 });
  const stranger = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
  t.after(() => stranger.kill("SIGKILL"));
  await once(stranger, "spawn");
  await (await startLocalWorkers(options)).stop(2000);
  const record = { pid: stranger.pid, start: "12345", url: options.url };
  writeFileSync(join(options.dir, "1", "process.json"), JSON.stringify(record));
  const localWorkers = await startLocalWorkers(options);
  stopAfter(t, localWorkers);
  assert.equal(localWorkers.adopted, 0);
  assert.notEqual(pids(options)[0], stranger.pid);
  assert.notEqual(startOf(stranger.pid!), null);
});

test("workers of another address and those above the count are stopped, not adopted", async (t) => {
  const options = workerOptions(t);
  const first = await startLocalWorkers(options);
  const before = pids(options);
  const moved = await startLocalWorkers({ ...options, count: 1, url: "http://127.0.0.1:2" });
  stopAfter(t, moved, first);
  assert.equal(moved.adopted, 0);
  assert.deepEqual(before.map(startOf), [null, null]);
});

test("the join token is in a private file, not in the arguments", async (t) => {
  const options = workerOptions(t, { count: 1 });
  stopAfter(t, await startLocalWorkers(options));
  const file = join(options.dir, "1", "join.token");
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(readFileSync(file, "utf8"), "mrt_join_secret\n");
  if (process.platform !== "linux") return;
  const seen = readFileSync(`/proc/${pids(options)[0]}/cmdline`, "utf8");
  assert.equal(seen.includes("mrt_join"), false);
  assert.ok(seen.includes(file));
});

test("a worker process that ends by itself is started again", async (t) => {
  const news = Promise.withResolvers<string>();
  const options = workerOptions(t, { count: 1, onNews: news.resolve });
  const localWorkers = await startLocalWorkers(options);
  stopAfter(t, localWorkers);
  process.kill(pids(options)[0]!, "SIGKILL");
  assert.match(await news.promise, /worker process 1 ended \(see .*worker\.log\)/);
});

test("a worker of which an up that was killed had written nothing is found again", async (t) => {
  const news = Promise.withResolvers<string>();
  const options = workerOptions(t, { count: 1, onNews: news.resolve });
  const localWorkers = await startLocalWorkers(options);
  stopAfter(t, localWorkers);
  const [beside] = pids(options);
  // The directory was its own already: it writes itself down, and the other one ends.
  const stray = spawn(process.execPath, [...options.command]);
  t.after(() => stray.kill("SIGKILL"));
  await once(stray, "spawn");
  const path = join(options.dir, "1", "process.json");
  writeRecord(path, recordOf(stray.pid!, options.url));
  process.kill(beside!, "SIGKILL");
  assert.match(await news.promise, /worker process 1 .* goes on/);
  assert.deepEqual(pids(options), [stray.pid]);
  await localWorkers.stop(2000);
  assert.equal(startOf(stray.pid!), null);
});
