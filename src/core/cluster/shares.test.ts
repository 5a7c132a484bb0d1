/** Who gets how much of the workers: measured in a cluster whose workers take their attempts one
 *  after the other, by the clock of the test. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { emptyState, step } from "../coordinator.ts";
import type { CoordinatorEvent, WorkerSpecs } from "../event.ts";
import { type AttemptRef, attemptKey, idNumber, type JobId, jobId, type WorkerId } from "../ids.ts";
import type { JobSpec } from "../job.ts";
import { TestCluster, testJob, testSpecs, testStage } from "../testing/fake-cluster.ts";

/** A cluster of workers of one slot, which runs every task for as long as its job says. */
class Timed {
  readonly cluster = new TestCluster(1_000);
  readonly usedMs = new Map<JobId, number>();
  readonly begunAtMs = new Map<JobId, number>();
  readonly #taskMs = new Map<JobId, number>();
  readonly #busy = new Map<WorkerId, { readonly ref: AttemptRef; readonly endsAtMs: number }>();
  readonly #workers: WorkerId[];

  constructor(workers: number, over: Partial<WorkerSpecs> = {}) {
    this.#workers = Array.from({ length: workers }, () => this.cluster.join(over));
  }

  submit(taskMs: number, over: Partial<JobSpec> = {}, owner = "ann"): JobId {
    const stage = testStage({ taskCount: 20_000 });
    const spec = testJob([stage], { backupTasks: false, ...over });
    const event = { kind: "job-submitted", owner, key: null, digest: "d", spec } as const;
    const [reply] = this.cluster.tell(event).filter((effect) => effect.kind === "reply");
    const job = reply!.value.job!;
    this.#taskMs.set(job, taskMs);
    this.usedMs.set(job, 0);
    return job;
  }

  /** Worker time of each job during the next `ms`. */
  run(ms: number): Map<JobId, number> {
    const { cluster } = this;
    const before = new Map(this.usedMs);
    const endMs = cluster.atMs + ms;
    for (;;) {
      this.#begin();
      const next = [...this.#busy].sort((a, b) => a[1].endsAtMs - b[1].endsAtMs)[0];
      if (next === undefined || next[1].endsAtMs > endMs) break;
      const [worker, { endsAtMs, ref }] = next;
      cluster.atMs = Math.max(cluster.atMs, endsAtMs);
      this.#busy.delete(worker);
      const durationMs = this.#taskMs.get(ref.job)!;
      this.usedMs.set(ref.job, this.usedMs.get(ref.job)! + durationMs);
      cluster.report(worker, ref, { durationMs });
    }
    cluster.atMs = endMs;
    return new Map([...this.usedMs].map(([job, used]) => [job, used - (before.get(job) ?? 0)]));
  }

  #begin(): void {
    for (const worker of this.#workers) {
      const [ref] = this.cluster.running.get(worker)!;
      if (this.#busy.has(worker) || ref === undefined) continue;
      const { atMs } = this.cluster;
      if (!this.begunAtMs.has(ref.job)) this.begunAtMs.set(ref.job, atMs);
      this.#busy.set(worker, { ref, endsAtMs: atMs + this.#taskMs.get(ref.job)! });
    }
    const isBegun = (worker: WorkerId, ref: AttemptRef) => {
      const begun = this.#busy.get(worker)?.ref;
      return begun !== undefined && attemptKey(begun) === attemptKey(ref);
    };
    if (this.cluster.askedBack.length === 0) return;
    this.cluster.returnAsked(isBegun);
    this.#begin();
  }
}

const at = { atMs: 1_000 } as const;
const joined: CoordinatorEvent = {
  kind: "worker-joined",
  worker: null,
  owner: "up",
  specs: testSpecs(),
  holding: [],
  ...at,
};

const manyTasks = {
  kind: "job-submitted",
  key: null,
  digest: "d",
  spec: testJob([testStage({ taskCount: 50 })]),
  ...at,
} as const;

function near(actual: number, expected: number, what: string): void {
  const text = `${what}: ${actual.toFixed(3)}, expected about ${expected}`;
  assert.ok(Math.abs(actual - expected) <= expected * 0.15, text);
}

test("X3: a second job begins within a moment beside a sweep of short tasks", () => {
  for (const [taskMs, mostMs] of [
    [0.1, 150],
    [15, 150],
    [40, 150],
    [1_000, 1_010],
  ] as const) {
    for (const owner of ["ann", "bob"]) {
      const timed = new Timed(2);
      timed.submit(taskMs);
      timed.run(taskMs < 1 ? 100 : 3_000);
      const askedAtMs = timed.cluster.atMs;
      const second = timed.submit(30, {}, owner);
      timed.run(mostMs + 50);
      const waitedMs = timed.begunAtMs.get(second)! - askedAtMs;
      assert.ok(waitedMs <= mostMs, `tasks of ${taskMs} ms: ${owner} waited for ${waitedMs} ms`);
    }
  }
});

test("X3: a second job begins within a second beside a sweep that only tabs work on", () => {
  for (const taskMs of [5, 40, 400]) {
    for (const owner of ["ann", "bob"]) {
      const timed = new Timed(2, { tab: true });
      timed.submit(taskMs);
      timed.run(5_000);
      const askedAtMs = timed.cluster.atMs;
      const second = timed.submit(30, {}, owner);
      timed.run(3_000);
      const waitedMs = timed.begunAtMs.get(second)! - askedAtMs;
      assert.ok(waitedMs <= 1_000, `tasks of ${taskMs} ms: ${owner} waited for ${waitedMs} ms`);
    }
  }
});

test("jobs of one owner get worker time by weight within five seconds", () => {
  const timed = new Timed(2);
  const light = timed.submit(100, { weight: 1 });
  const heavy = timed.submit(20, { weight: 3 });
  const used = timed.run(5_000);
  near(used.get(heavy)! / used.get(light)!, 3, "3 : 1");
});

test("weights hold on one slot, where no two tasks run at the same time", () => {
  const timed = new Timed(1);
  const light = timed.submit(500, { weight: 1 });
  const heavy = timed.submit(500, { weight: 3 });
  timed.run(5_000);
  const used = timed.run(40_000);
  near(used.get(heavy)! / used.get(light)!, 3, "3 : 1");
});

test("owners share evenly first, whatever number of jobs each has", () => {
  const timed = new Timed(4);
  const ofAnn = [1, 2, 3, 4].map(() => timed.submit(20, { weight: 1_000 }));
  const ofBob = timed.submit(35, { priority: "low" }, "bob");
  timed.run(2_000);
  const used = timed.run(5_000);
  const anns = ofAnn.reduce((sum, job) => sum + used.get(job)!, 0);
  near(anns / used.get(ofBob)!, 1, "ann : bob");
});

test("a high priority counts four times a normal one, a low one a quarter", () => {
  const timed = new Timed(2);
  const jobs = (["high", "normal", "low"] as const).map((priority) => {
    return timed.submit(15, { priority });
  });
  timed.run(5_000);
  const used = timed.run(20_000);
  const [high, normal, low] = jobs.map((job) => used.get(job)!);
  near(high! / normal!, 4, "high : normal");
  near(normal! / low!, 4, "normal : low");
});

test("a job that was alone for long is not held back for it when another one comes", () => {
  const timed = new Timed(2);
  const first = timed.submit(20);
  timed.run(60_000);
  const second = timed.submit(20);
  const used = timed.run(5_000);
  near(used.get(first)! / used.get(second)!, 1, "first : second");
});

test("tasks that run on and on count as they go: their job does not take slot after slot", () => {
  const timed = new Timed(8);
  timed.submit(20);
  timed.run(2_000);
  const endless = timed.submit(1e9, {}, "bob");
  const { cluster } = timed;
  for (let n = 0; n < 300; n++) {
    timed.run(200);
    for (const [worker, [first]] of cluster.running) {
      if (first?.job !== endless) continue;
      cluster.tell({ kind: "attempts-started", worker, attempts: [first] });
    }
  }
  const held = cluster.state.jobs.get(idNumber(endless))!.running;
  assert.ok(held >= 3 && held <= 5, `${held} of 8 slots`);
});

test("an owner takes no more slots than it may, and more when the limit is gone", () => {
  const timed = new Timed(4);
  const { cluster } = timed;
  cluster.tell({ kind: "coordinator-started", epoch: 1, slotsPerOwner: 1 });
  const job = timed.submit(20);
  timed.run(1_000);
  const busy = () => [...cluster.running.values()].filter((refs) => refs.length > 0).length;
  assert.equal(busy(), 1);
  timed.submit(20, {}, "bob");
  timed.run(1_000);
  assert.equal(busy(), 2);
  cluster.restartFromSnapshot();
  timed.run(100);
  assert.equal(busy(), 2);
  cluster.tell({ kind: "coordinator-started", epoch: 2 });
  timed.run(1_000);
  assert.equal(busy(), 4);
  assert.ok(timed.usedMs.get(job)! > 1_000);
});

test("what one decision costs does not grow with the jobs that wait", () => {
  const cpuUs = (jobs: number): number => {
    const state = emptyState();
    for (const event of [joined, joined]) step(state, event);
    for (let n = 0; n < jobs; n++) {
      step(state, { ...manyTasks, owner: `${n}` });
    }
    const before = process.cpuUsage();
    for (let n = 0; n < 2_000; n++) {
      const [worker] = state.hungry.size === 0 ? state.workers.values() : [];
      const lease = [...(worker?.leases ?? [])][0]!;
      const output = { root: "", sizeBytes: 0, records: 0 };
      const { attempt, stage, task } = lease;
      const reports = [{ kind: "done", task, attempt, durationMs: 1, output }] as const;
      const job = jobId(lease.job);
      step(state, { kind: "attempts-reported", worker: "w-1", job, stage, reports, ...at });
    }
    const { system, user } = process.cpuUsage(before);
    assert.equal(state.active.size, jobs);
    return system + user;
  };
  cpuUs(100);
  const few = Math.min(cpuUs(100), cpuUs(100), cpuUs(100));
  const many = Math.min(cpuUs(4_000), cpuUs(4_000), cpuUs(4_000));
  assert.ok(many < few * 6, `100 jobs: ${few} µs, 4,000 jobs: ${many} µs`);
});
