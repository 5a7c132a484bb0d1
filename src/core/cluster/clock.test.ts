/** C9: a start whose wall clock is far ahead, and what is repaired when the clock is back. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { tokenProblem } from "../access/roles.ts";
import { loadState, saveState, step } from "../coordinator.ts";
import { Random } from "../random.ts";
import { mapReduceSpec, TestCluster, testJob, testStage } from "../testing/fake-cluster.ts";
import { backBy, correctClock } from "./clock.ts";
import { isRetentionDue } from "./retention/remove.ts";
import type { JobRecord } from "./state.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const yearMs = 365 * dayMs;

/** The coordinator restarts, `aheadMs` later by its wall clock. */
function restart(cluster: TestCluster, aheadMs: number): void {
  cluster.restartFromSnapshot();
  cluster.atMs += aheadMs;
  const epoch = cluster.state.epoch + 1;
  const jump = aheadMs >= dayMs ? { aheadMs } : {};
  cluster.tell({ kind: "coordinator-started", epoch, retains: true, ...jump });
}

function correct(cluster: TestCluster, byMs: number): void {
  cluster.tell({ kind: "clock-corrected", byMs });
  cluster.atMs -= byMs;
}

function issue(cluster: TestCluster, id: string, ttlMs: number): void {
  const terms = { role: "submitter", owner: "ann", hash: id, usesMax: 0 } as const;
  cluster.tell({ kind: "token-issued", id, expiresAtMs: cluster.atMs + ttlMs, ...terms });
}

function problem(cluster: TestCluster, id: string): string | null {
  const token = cluster.state.tokens.get(id);
  return token === undefined ? "forgotten" : tokenProblem(token, cluster.atMs);
}

function timed(): TestCluster {
  const cluster = new TestCluster();
  cluster.tell({ kind: "coordinator-started", epoch: 1, retains: true });
  return cluster;
}

function run(cluster: TestCluster, key: string | null = null): JobRecord {
  const job = cluster.submit(testJob([testStage()]), key);
  const [[worker, refs]] = [...cluster.running] as [[`w-${number}`, never[]]];
  cluster.report(worker, refs.find((ref: { job: string }) => ref.job === job) as never);
  return cluster.state.jobs.get(Number(job.slice(2))) as JobRecord;
}

test("C9: times taken a year ahead move back with the clock, older ones stay", () => {
  const cluster = timed();
  cluster.join();
  const before = run(cluster).endedAtMs;
  restart(cluster, yearMs);
  cluster.atMs += 10;
  run(cluster);
  cluster.join();
  cluster.atMs += 5 * hourMs;
  const aheadMs = cluster.atMs;
  correct(cluster, backBy(cluster.state, aheadMs, aheadMs - yearMs));
  const { jobs, workers } = cluster.state;
  assert.equal(cluster.state.atMs, aheadMs - yearMs);
  assert.equal(jobs.get(1)?.endedAtMs, before);
  assert.deepEqual(
    [jobs.get(2)?.submittedAtMs, jobs.get(2)?.endedAtMs, jobs.get(2)?.stages[0]?.tally.endedAtMs],
    [before + 10, before + 10, before + 10],
  );
  assert.equal(workers.get(2)?.joinedAtMs, before + 10);
  assert.deepEqual(cluster.state.jumps, []);
  assert.ok(run(cluster).endedAtMs < before + dayMs);
});

test("C9: tokens that expired in a jump are kept, and good again when the clock is", () => {
  const cluster = timed();
  issue(cluster, "over", hourMs);
  cluster.wait(3 * hourMs);
  issue(cluster, "month", 30 * dayMs);
  issue(cluster, "decade", 10 * yearMs);
  restart(cluster, yearMs);
  for (let day = 0; day < 5; day++) cluster.wait(dayMs);
  assert.deepEqual(
    ["over", "month", "decade"].map((id) => problem(cluster, id)),
    ["forgotten", "expired", null],
  );
  issue(cluster, "young", 2 * hourMs);
  correct(cluster, yearMs);
  assert.equal(problem(cluster, "month"), null);
  cluster.wait(2 * hourMs - 1);
  assert.equal(problem(cluster, "young"), null);
  cluster.wait(1);
  assert.equal(problem(cluster, "young"), "expired");
  cluster.wait(25 * dayMs);
  assert.equal(problem(cluster, "month"), "expired");
  cluster.wait(2 * dayMs);
  assert.deepEqual([...cluster.state.tokens.keys()], ["decade"]);
  assert.equal(cluster.state.tokens.get("decade")?.expiresAtMs, 10 * yearMs + 1_000 + 3 * hourMs);
});

test("C9: tokens that expired in a jump are forgotten when no correction comes", () => {
  const cluster = timed();
  issue(cluster, "month", 30 * dayMs);
  restart(cluster, yearMs);
  cluster.wait(29 * dayMs);
  assert.equal(problem(cluster, "month"), "expired");
  cluster.wait(dayMs);
  cluster.wait(1);
  assert.equal(problem(cluster, "month"), "forgotten");
});

test("C9: skipped time is no running time: no attempt is overdue, none is charged for it", () => {
  const cluster = timed();
  const worker = cluster.join({ slots: 1 });
  cluster.submit(testJob([testStage({ timeoutMs: 60_000 })]));
  const [ref] = cluster.running.get(worker) ?? [];
  cluster.tell({ kind: "attempts-started", worker, attempts: [ref!] });
  const [lease] = cluster.state.workers.get(1)!.leases;
  const forMs = () => cluster.atMs - lease!.startedAtMs;
  restart(cluster, yearMs);
  cluster.wait(1_000);
  const held = [...cluster.state.workers.get(1)!.leases];
  assert.deepEqual(
    held.map((one) => cluster.atMs - one.startedAtMs),
    [1_000],
  );
  assert.ok(forMs() >= yearMs, "the lease of before the restart is another object");
  correct(cluster, yearMs);
  assert.equal(cluster.atMs - held[0]!.startedAtMs, 1_000);
  const used = cluster.state.jobs.get(1)!.share;
  assert.ok(cluster.atMs - used.sinceMs <= 1_000);
  // Its time limit counts on.
  cluster.wait();
  assert.equal(cluster.state.jobs.get(1)?.errors[0]?.code, "timed-out");
  assert.ok(cluster.atMs < dayMs);
});

test("C9: the key of a removed job survives a clock a year ahead", () => {
  const cluster = timed();
  cluster.join();
  run(cluster, "nightly");
  const none = { followed: [], pressed: false, resultBytes: 1e12, recordBytes: 1e12 };
  const limits = { ...none, keepMs: dayMs, keysMs: 30 * dayMs };
  cluster.atMs += dayMs;
  cluster.tell({ kind: "retention-passed", limits });
  assert.equal(cluster.state.jobs.size, 0);
  restart(cluster, yearMs);
  assert.equal(isRetentionDue(cluster.state, limits, cluster.atMs), false);
  cluster.tell({ kind: "retention-passed", limits });
  assert.equal(cluster.submit(testJob([testStage()]), "nightly"), "j-1");
  correct(cluster, yearMs);
  cluster.atMs += 2 * dayMs;
  cluster.tell({ kind: "retention-passed", limits });
  assert.equal(cluster.submit(testJob([testStage()]), "nightly"), "j-1");
});

test("C9: the newest of several jumps is undone first, and no time goes before its jump", () => {
  const cluster = timed();
  cluster.join();
  const first = run(cluster).endedAtMs;
  restart(cluster, 3 * dayMs);
  const second = run(cluster).endedAtMs;
  cluster.atMs += hourMs;
  restart(cluster, yearMs);
  run(cluster);
  const byMs = backBy(cluster.state, cluster.atMs, 0);
  assert.equal(byMs, yearMs + 3 * dayMs, "never further than it jumped");
  correct(cluster, yearMs + dayMs);
  const ends = [...cluster.state.jobs.values()].map(({ endedAtMs }) => endedAtMs);
  assert.deepEqual(ends, [first, second - dayMs, second - dayMs + hourMs]);
  assert.deepEqual(
    cluster.state.jumps.map(({ fromMs, toMs }) => toMs - fromMs),
    [2 * dayMs],
  );
  assert.throws(() => correctClock(loadState(saveState(cluster.state)), yearMs), /C9/);
});

test("C9: a wall clock back by less than an hour changes nothing, nor without a jump", () => {
  const cluster = timed();
  assert.equal(backBy(cluster.state, yearMs, 0), 0);
  restart(cluster, yearMs);
  assert.equal(backBy(cluster.state, cluster.atMs, cluster.atMs - hourMs + 1), 0);
  assert.equal(backBy(cluster.state, cluster.atMs, cluster.atMs - hourMs), hourMs);
});

test("C9: with jumps and corrections all laws hold, all jobs end, and a replay agrees", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = new Random(seed);
    const cluster = timed();
    for (let n = 0; n < 2; n++) cluster.join({ slots: 2 });
    for (let n = 0; n < 12; n++) {
      cluster.submit(mapReduceSpec(1 + random.below(5), 1 + random.below(3)));
      for (let reports = random.below(6); reports > 0; reports--) {
        const [worker, refs] = [...cluster.running][random.below(2)]!;
        if (refs[0] === undefined) continue;
        cluster.tell({ kind: "attempts-started", worker, attempts: [refs[0]] });
        cluster.atMs += random.below(300);
        cluster.report(worker, refs[0]);
      }
      if (random.chance(0.3)) restart(cluster, dayMs + random.below(yearMs));
      const byMs = backBy(cluster.state, cluster.atMs, random.below(cluster.atMs));
      if (byMs > 0 && random.chance(0.5)) correct(cluster, byMs);
    }
    assert.ok(cluster.finish(random), `seed ${seed}`);
    const fresh = new TestCluster().state;
    for (const event of cluster.events) step(fresh, event);
    assert.deepEqual(saveState(fresh), saveState(cluster.state), `seed ${seed}`);
  }
});
