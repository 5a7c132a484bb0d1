/** Which ended jobs are kept, which go, and what their keys answer then. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { RetentionLimits } from "../../event.ts";
import type { JobId } from "../../ids.ts";
import { submission, TestCluster, testJob, testStage } from "../../testing/fake-cluster.ts";
import { jobSummary, removedSummaries } from "../../view.ts";
import { isRetentionDue } from "./remove.ts";

const dayMs = 86_400_000;
const bounds: RetentionLimits = {
  keepMs: 7 * dayMs,
  resultBytes: 1e12,
  recordBytes: 1e12,
  keysMs: 30 * dayMs,
  followed: [],
  pressed: false,
};

function timed(): TestCluster {
  const cluster = new TestCluster();
  cluster.tell({ kind: "coordinator-started", epoch: 1, retains: true });
  cluster.join({ slots: 8 });
  return cluster;
}

/** Ends as done, with a result of so many bytes. */
function end(cluster: TestCluster, job: JobId, sizeBytes = 1): void {
  for (const [worker, refs] of cluster.running) {
    const ref = refs.find((one) => one.job === job);
    if (ref === undefined) continue;
    const output = { root: `of ${job}`, sizeBytes, records: 1 };
    cluster.report(worker, ref, { output });
    return;
  }
  assert.fail(`${job} runs nowhere`);
}

function run(cluster: TestCluster, key: string | null = null, sizeBytes = 1): JobId {
  const job = cluster.submit(testJob([testStage()]), key);
  end(cluster, job, sizeBytes);
  return job;
}

/** The jobs that are left after a look. */
function pass(cluster: TestCluster, over: Partial<RetentionLimits> = {}): JobId[] {
  const limits = { ...bounds, ...over };
  const due = isRetentionDue(cluster.state, limits, cluster.atMs);
  const before = cluster.state.jobs.size;
  cluster.tell({ kind: "retention-passed", limits });
  assert.ok(due || cluster.state.jobs.size === before, "nothing goes that was not due");
  return [...cluster.state.jobs.keys()].map((number): JobId => `j-${number}`);
}

test("G1: a job that ran while 1,010 others ended is kept with its result", () => {
  const cluster = timed();
  const long = cluster.submit(testJob([testStage()]));
  for (let n = 0; n < 1_010; n++) run(cluster);
  end(cluster, long);
  assert.equal(pass(cluster).length, 1_011);
  assert.equal(jobSummary(cluster.state, long, 0)?.state, "done");
});

test("G1: a log from before there were bounds replays with its 1,000 jobs", () => {
  const cluster = new TestCluster();
  cluster.tell({ kind: "coordinator-started", epoch: 1 });
  cluster.join({ slots: 8 });
  for (let n = 0; n < 1_002; n++) run(cluster);
  assert.equal(cluster.state.jobs.size, 1_000);
  cluster.tell({ kind: "coordinator-started", epoch: 2, retains: true });
  for (let n = 0; n < 2; n++) run(cluster);
  assert.equal(cluster.state.jobs.size, 1_002);
});

test("G2: a job goes a week after its end, whenever it was submitted", () => {
  const cluster = timed();
  const long = cluster.submit(testJob([testStage()]));
  const short = run(cluster);
  cluster.atMs += 6 * dayMs;
  end(cluster, long);
  assert.deepEqual(pass(cluster), [long, short]);
  cluster.atMs += dayMs;
  assert.deepEqual(pass(cluster), [long]);
  cluster.atMs += 6 * dayMs;
  assert.deepEqual(pass(cluster), []);
});

test("G2: results above their bound go, the one that ended first first", () => {
  const cluster = timed();
  const jobs = [100, 100, 100].map((size) => run(cluster, null, size));
  cluster.tell({ kind: "results-fetched", jobs });
  assert.deepEqual(pass(cluster, { resultBytes: 300 }), jobs);
  assert.deepEqual(pass(cluster, { resultBytes: 299 }), jobs.slice(1));
  assert.deepEqual(pass(cluster, { recordBytes: 3_000 }), jobs.slice(2));
});

test("G2: an owner who has much loses by a bound, and others nothing", () => {
  const cluster = timed();
  const run = (owner: string, sizeBytes: number): JobId => {
    cluster.tell(submission(testJob([testStage()]), null, owner));
    const job: JobId = `j-${Math.max(...cluster.state.jobs.keys())}`;
    end(cluster, job, sizeBytes);
    return job;
  };
  const small = [run("ann", 10), run("eva", 10)];
  const large = [run("max", 10), run("max", 200), run("max", 200)];
  const limits = { resultBytes: 300, byOwner: true } as const;
  assert.deepEqual(pass(cluster, limits), [...small, ...large], "nothing of it was fetched");
  cluster.tell({ kind: "results-fetched", jobs: [...small, ...large] });
  const left = [...small, large[2] as JobId];
  assert.deepEqual(pass(cluster, limits), left, "the one that ended first first");
  const none = { resultBytes: 219, byOwner: true } as const;
  assert.deepEqual(pass(cluster, none), small);
  // As logs from before this say it.
  assert.deepEqual(pass(cluster, { resultBytes: 19 }), small.slice(1));
});

test("G2: a result that no client has fetched stays a day, above every bound", () => {
  const cluster = timed();
  const [kept, fetched] = [run(cluster), run(cluster)];
  cluster.tell({ kind: "results-fetched", jobs: [fetched] });
  const none = { resultBytes: 0, keepMs: 1 };
  cluster.atMs += dayMs - 1;
  assert.deepEqual(pass(cluster, none), [kept]);
  cluster.atMs += 1;
  assert.deepEqual(pass(cluster, none), []);
});

test("G2: a job goes not while a client follows it", () => {
  const cluster = timed();
  const [followed] = [run(cluster), run(cluster)];
  cluster.atMs += 8 * dayMs;
  assert.deepEqual(pass(cluster, { followed: [followed] }), [followed]);
  assert.deepEqual(pass(cluster), []);
});

test("G2: a nearly full disk takes fetched results in portions, and no others", () => {
  const cluster = timed();
  const jobs = Array.from({ length: 8 }, () => run(cluster));
  cluster.tell({ kind: "results-fetched", jobs: jobs.slice(0, 4) });
  assert.deepEqual(pass(cluster, { pressed: true }), jobs.slice(1));
  for (let n = 0; n < 8; n++) pass(cluster, { pressed: true });
  assert.deepEqual(pass(cluster, { pressed: true }), jobs.slice(4));
});

test("G3: the key of a removed job still names it, and says what became of its result", () => {
  const cluster = timed();
  const job = run(cluster, "nightly-1");
  cluster.atMs += 8 * dayMs;
  assert.deepEqual(pass(cluster), []);
  assert.equal(cluster.submit(testJob([testStage()]), "nightly-1"), job);
  const other = cluster.tell(submission(testJob([testStage({ taskCount: 2 })]), "nightly-1"));
  assert.match(JSON.stringify(other.find(({ kind }) => kind === "refuse")), /conflict/);
  const asked = cluster.tell({ kind: "job-cancelled", job, by: "ann" });
  const refusal = asked.find((effect) => effect.kind === "refuse");
  assert.match(
    refusal?.error.message ?? "",
    /j-1 ended at .* its result was removed at .*--keep\)/,
  );
  cluster.restartFromSnapshot();
  assert.equal(cluster.submit(testJob([testStage()]), "nightly-1"), job);
  cluster.atMs += 30 * dayMs;
  pass(cluster);
  assert.equal(cluster.submit(testJob([testStage()]), "nightly-1"), "j-2");
});

test("G3: a key that was made up for one submission goes with its job, and `rm` frees any", () => {
  const cluster = timed();
  const removed = run(cluster, "mine");
  run(cluster, "once:1");
  cluster.tell({ kind: "job-removed", job: removed });
  cluster.atMs += 8 * dayMs;
  assert.deepEqual(pass(cluster), []);
  assert.equal(cluster.state.keys.size, 0);
  assert.equal(cluster.submit(testJob([testStage()]), "mine"), "j-3");
});

test("G4: what was removed is summed up by why, for its owner and for all", () => {
  const cluster = timed();
  const first = run(cluster);
  cluster.tell({ kind: "results-fetched", jobs: [first] });
  pass(cluster, { resultBytes: 0 });
  run(cluster);
  cluster.atMs += 8 * dayMs;
  pass(cluster);
  const all = removedSummaries(cluster.state, null);
  assert.deepEqual(
    all.map(({ why, count }) => [why, count]),
    [
      ["bytes", 1],
      ["age", 1],
    ],
  );
  assert.deepEqual(removedSummaries(cluster.state, "ann"), all);
  assert.deepEqual(removedSummaries(cluster.state, "bob"), []);
});

test("G5: a start with a clock a month ahead removes nothing for a day", () => {
  const cluster = timed();
  run(cluster);
  cluster.atMs += 30 * dayMs;
  cluster.tell({ kind: "coordinator-started", epoch: 2, retains: true });
  assert.equal(pass(cluster).length, 1);
  cluster.restartFromSnapshot();
  cluster.atMs += dayMs;
  assert.equal(pass(cluster).length, 0);
});
