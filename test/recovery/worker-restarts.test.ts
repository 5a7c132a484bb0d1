/** Workers whose process crashes are started again, as the same worker. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { WorkerSummary } from "../../src/core/summary.ts";
import { announced } from "../fixtures/cluster.ts";
import { Place, type Running } from "../fixtures/place.ts";

const skip = process.platform === "linux" ? false : "processes are found in /proc";

async function startUp(t: TestContext, workers: string) {
  const place = new Place(t);
  const up = place.start("up", "--json", "--workers", workers, "--listen", "127.0.0.1:0");
  const { url } = await announced(up);
  const made = await place.run("token", "create", "--role", "worker", "--json");
  const { token } = JSON.parse(made.out) as { token: string };
  return { place, up, url, token };
}

/** Resolves when the process has printed the text this many times. */
function saidTimes({ child }: Running, text: string, times: number): Promise<void> {
  let all = "";
  return new Promise((resolve, reject) => {
    child.stdout?.on("data", (chunk) => {
      all += chunk;
      if (all.split(text).length > times) resolve();
    });
    child.once("close", () => reject(new Error(`it ended after: ${all}`)));
  });
}

function supervisedIn(place: Place): number {
  const isWorker = (pid: number) =>
    readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes("--supervised");
  const found = place.processes().filter(isWorker);
  assert.equal(found.length, 1);
  return found[0] as number;
}

async function workersOf(place: Place): Promise<WorkerSummary[]> {
  const { out } = await place.run("workers", "--all", "--json");
  return JSON.parse(out);
}

test("a join is started again after each crash, as the same worker, until Ctrl-C", {
  skip,
}, async (t) => {
  const { place, token, url } = await startUp(t, "0");
  const crash = place.write(
    "crash.mjs",
    `if (process.argv.includes("--supervised"))
      process.on("SIGUSR2", () => { throw new Error("injected"); });`,
  );
  const worker = place.startBy(
    ["/usr/bin/env", `NODE_OPTIONS=--import=${crash}`],
    ...["join", url, "--token", token, "--json", "--data", "w", "--slots", "1"],
  );
  const restarts = saidTimes(worker, '"event":"restarting"', 2);
  const joined = [1, 2, 3].map((times) => saidTimes(worker, '"event":"joined"', times));
  await joined[0];
  process.kill(supervisedIn(place), "SIGKILL");
  await joined[1];
  process.kill(supervisedIn(place), "SIGUSR2");
  await joined[2];
  await restarts;
  const workers = await workersOf(place);
  assert.deepEqual(
    workers.map((one) => [one.worker, one.state]),
    [["w-1", "live"]],
  );
  worker.child.kill("SIGINT");
  const { code, out } = await worker.ended;
  assert.equal(code, 0, out);
  assert.match(out, /ended by SIGKILL; starting it again in 250 ms/);
  assert.match(out, /w-1 has left/);
});

test("a refusal ends a join with its exit code, and --no-restart leaves a crash to others", {
  skip,
}, async (t) => {
  const { place, token, url } = await startUp(t, "0");
  const refused = await place.run("join", url, "--token", "mrt_join_wrong", "--data", "a");
  assert.deepEqual([refused.code, refused.out.includes("starting it again")], [2, false]);
  const alone = place.start("join", url, "--token", token, "--no-restart", "--data", "b");
  await alone.said("joined as");
  alone.child.kill("SIGKILL");
  assert.equal((await alone.ended).code, null);
});

test("workers of `up` that are killed again and again use up no ids", { skip }, async (t) => {
  const { place } = await startUp(t, "1");
  const record = join(place.dir, "data", "workers", "1", "process.json");
  const pidOf = () => (JSON.parse(readFileSync(record, "utf8")) as { pid: number }).pid;
  let killed = 0;
  let workers: WorkerSummary[] = [];
  for (let times = 0; times <= 3; times++) {
    do workers = await workersOf(place);
    while (pidOf() === killed || workers.every(({ state }) => state !== "live"));
    killed = pidOf();
    if (times < 3) process.kill(killed, "SIGKILL");
  }
  assert.deepEqual(
    workers.map((one) => one.worker),
    ["w-1"],
  );
});
