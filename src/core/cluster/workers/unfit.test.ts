/** Existing workers that could not have a module, or do not begin: others have the tasks first, and
 *  a job that none can begin ends soon. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type TestCluster as Cluster,
  TestCluster,
  testJob,
  testStage,
} from "../../testing/fake-cluster.ts";
import { jobSummary } from "../../view.ts";
import { whyJob } from "../../why/why.ts";
import { unfitMs, unfitTriesMax } from "./unfit.ts";

const noModule = { code: "download-failed", message: "no IPFS", noModule: true } as const;
const failed = { kind: "failed", failure: noModule } as const;
const base = { isBase: true, kinds: [0], exchangeUrl: "" } as const;
const job = (taskCount: number) =>
  testJob([testStage({ taskCount })], { moduleHash: "0".repeat(64), backupTasks: false });

/** The workers of `bad` answer DOWNLOAD, others compute for 300 ms; attempts at the bad ones. */
function run(cluster: Cluster, bad: ReadonlySet<string>): number {
  let met = 0;
  while (cluster.state.active.size > 0) {
    const busy = [...cluster.running].filter(([, refs]) => refs.length > 0);
    const refused = busy.filter(([worker]) => bad.has(worker));
    for (const [worker, refs] of refused) {
      met += refs.length;
      for (const ref of refs) cluster.report(worker, ref, failed);
    }
    if (refused.length > 0) continue;
    if (busy.length === 0) cluster.wait();
    for (const [worker, refs] of busy) {
      cluster.atMs += 300;
      cluster.report(worker, refs[0]!, { durationMs: 300 });
    }
  }
  return met;
}

test("a worker that could not have the module leaves the tasks to the others", () => {
  const cluster = new TestCluster();
  const bad = cluster.join({ ...base, slots: 2 });
  cluster.join(base);
  const id = cluster.submit(job(20));
  const met = run(cluster, new Set([bad]));
  assert.equal(jobSummary(cluster.state, id, cluster.atMs)?.state, "done");
  // 20 tasks of 300 ms: it is tried again after 1, 3 and 7 s.
  assert.ok(met <= 6, `${met} attempts there`);
});

test("alone it is tried a handful of times, and then the job fails with what to do", () => {
  const cluster = new TestCluster();
  const bad = cluster.join({ ...base, slots: 2 });
  const id = cluster.submit(job(6));
  for (const ref of [...cluster.running.get(bad)!]) cluster.report(bad, ref, failed);
  assert.match(jobSummary(cluster.state, id, cluster.atMs)!.waitingFor, /w-1 could not have the/);
  assert.match(
    JSON.stringify(whyJob(cluster.state, id, cluster.atMs)),
    /w-1 could not have the module/,
  );
  const sinceMs = cluster.atMs;
  cluster.restartFromSnapshot();
  assert.ok(run(cluster, new Set([bad])) <= 2 * (unfitTriesMax - 1));
  const { failure, state } = jobSummary(cluster.state, id, cluster.atMs)!;
  assert.equal(state, "failed");
  assert.equal(failure?.code, "download-failed");
  assert.match(
    failure!.message,
    /could be begun by no worker here, in 5 tries of each; last: no I/,
  );
  assert.equal(cluster.atMs - sinceMs, unfitMs * (1 + 2 + 4 + 8));
});

test("a job waits for a worker that was not tried, however many could not have the module", () => {
  const cluster = new TestCluster();
  const good = cluster.join(base);
  const first = cluster.submit(job(1));
  const bad = new Set(Array.from({ length: 12 }, () => cluster.join(base) as string));
  const id = cluster.submit(job(3));
  for (let n = 0; n < 200; n++) {
    const busy = [...cluster.running].filter(([name, refs]) => bad.has(name) && refs.length > 0);
    for (const [name, refs] of busy) for (const ref of refs) cluster.report(name, ref, failed);
    if (busy.length === 0) {
      cluster.atMs += 300;
      cluster.tell({
        kind: "attempts-started",
        worker: good,
        attempts: cluster.running.get(good)!,
      });
      cluster.wait();
    }
  }
  assert.equal(jobSummary(cluster.state, id, cluster.atMs)?.state, "running");
  cluster.report(good, cluster.running.get(good)![0]!);
  run(cluster, bad);
  assert.equal(jobSummary(cluster.state, first, cluster.atMs)?.state, "done");
  assert.equal(jobSummary(cluster.state, id, cluster.atMs)?.state, "done");
});
