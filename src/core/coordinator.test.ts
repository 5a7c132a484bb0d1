/** The coordinator's core: events in, effects out; every law is checked after every step. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { AttemptRef, JobId, WorkerId } from "./ids.ts";
import { defaultLimits } from "./job.ts";
import {
  mapReduceSpec,
  submission,
  TestCluster,
  testJob,
  testSpecs,
  testStage,
} from "./testing/fake-cluster.ts";
import { absentMs, jobOutputs, jobSummary, stageSources } from "./view.ts";

function only(cluster: TestCluster, worker: WorkerId): AttemptRef {
  const [first, ...rest] = cluster.running.get(worker) ?? [];
  assert.ok(first !== undefined && rest.length === 0, "the worker holds exactly one attempt");
  return first;
}

const stateOf = (cluster: TestCluster, job: JobId) => jobSummary(cluster.state, job, 0)?.state;
const userError = { kind: "failed", failure: { code: "user-error", message: "boom" } } as const;

test("a task is given to an idle worker at once, and its result ends the job", () => {
  const cluster = new TestCluster();
  const worker = cluster.join();
  const job = cluster.submit(testJob([testStage()]));
  cluster.report(worker, only(cluster, worker));
  assert.equal(stateOf(cluster, job), "done");
  assert.equal(jobOutputs(cluster.state, job)[0]?.root, "0-0");
});

test("reduce tasks begin once every map task is done, with the places of their partitions", () => {
  const cluster = new TestCluster();
  const [one, two] = [cluster.join(), cluster.join()];
  const job = cluster.submit(mapReduceSpec(2, 1));
  cluster.report(one, only(cluster, one));
  assert.equal(cluster.running.get(one)?.length, 0);
  const effects = cluster.report(two, only(cluster, two));
  const kinds = effects.map((effect) => effect.kind);
  assert.ok(kinds.indexOf("send-sources") < kinds.indexOf("assign"));
  assert.deepEqual(
    stageSources(cluster.state, job, 0)?.map((source) => source?.worker),
    [one, two],
  );
});

test("C14: the same key with the same body is the same job, with another body a conflict", () => {
  const cluster = new TestCluster();
  const first = cluster.submit(testJob([testStage()]), "k");
  assert.equal(cluster.submit(testJob([testStage()]), "k"), first);
  const effects = cluster.tell(submission(testJob([testStage({ taskCount: 2 })]), "k"));
  const refusal = effects.find((effect) => effect.kind === "refuse");
  assert.equal(refusal?.error.code, "conflict");
  assert.equal(cluster.state.jobs.size, 1);
});

test("a job whose fourth attempt of a task fails has failed with the last error (I15)", () => {
  const cluster = new TestCluster();
  const worker = cluster.join();
  const job = cluster.submit(testJob([testStage()]));
  for (let attempt = 1; attempt <= 4; attempt++) {
    assert.equal(only(cluster, worker).attempt, attempt);
    cluster.report(worker, only(cluster, worker), userError);
    if (attempt < 4) {
      assert.equal(cluster.running.get(worker)?.length, 0, "it waits before the next attempt");
      cluster.wait();
    }
  }
  const summary = jobSummary(cluster.state, job, 0);
  assert.equal(summary?.state, "failed");
  assert.match(summary?.failure?.message ?? "", /failed 4 of 4 attempts; last: boom/);
});

test("back-off doubles from 100 ms", () => {
  const cluster = new TestCluster();
  const worker = cluster.join();
  cluster.submit(testJob([testStage()]));
  const waits: number[] = [];
  for (let attempt = 1; attempt < 4; attempt++) {
    const before = cluster.atMs;
    cluster.report(worker, only(cluster, worker), userError);
    cluster.wait();
    waits.push(cluster.atMs - before);
  }
  assert.deepEqual(waits, [100, 200, 400]);
});

test("W1: a task whose worker is lost goes to another at once, and is no user error", () => {
  const cluster = new TestCluster();
  const [one, two] = [cluster.join(), cluster.join()];
  cluster.submit(testJob([testStage()]));
  const ref = only(cluster, one);
  cluster.lose(one);
  assert.deepEqual(only(cluster, two), { ...ref, attempt: 2 });
});

test("C17: a task that kills three workers fails its job, other jobs go on", () => {
  const cluster = new TestCluster();
  const spec = testJob([testStage()], { backupTasks: false });
  const poisoned = cluster.submit(spec);
  for (let n = 0; n < 3; n++) {
    const worker = cluster.join();
    cluster.tell({ kind: "attempts-started", worker, attempts: [only(cluster, worker)] });
    cluster.lose(worker, "silent");
  }
  const summary = jobSummary(cluster.state, poisoned, 0);
  assert.equal(summary?.state, "failed");
  assert.match(summary?.failure?.message ?? "", /3 workers \(w-1, w-2, w-3\)/);
  const other = cluster.submit(spec);
  const worker = cluster.join();
  cluster.report(worker, only(cluster, worker));
  assert.equal(stateOf(cluster, other), "done");
});

test("a task that loses its worker forty times fails with that reason, whatever the cause", () => {
  const cluster = new TestCluster();
  const limits = { userErrorMax: 4, workersKilledMax: 100, backoffMs: 100, backoffMaxMs: 1_000 };
  const job = cluster.submit(testJob([testStage()], { backupTasks: false, limits }));
  for (let n = 0; n < 40; n++) cluster.lose(cluster.join(), "silent");
  const { failure } = jobSummary(cluster.state, job, 0)!;
  assert.match(failure?.message ?? "", /was set back 40 times; last: w-40 was lost/);
});

test("W2, W3: a late or repeated report changes nothing", () => {
  const cluster = new TestCluster();
  const [one, two] = [cluster.join(), cluster.join()];
  const job = cluster.submit(testJob([testStage({ taskCount: 2 })]));
  const [late, other] = [only(cluster, one), only(cluster, two)];
  cluster.lose(one, "silent");
  cluster.report(two, other);
  const again = only(cluster, two);
  cluster.report(one, late, { kind: "done", output: { root: "late", sizeBytes: 9, records: 9 } });
  assert.equal(stateOf(cluster, job), "running");
  for (let n = 0; n < 10; n++) cluster.report(two, again);
  assert.deepEqual(
    jobOutputs(cluster.state, job).map((o) => o?.root),
    ["0-0", "0-1"],
  );
});

test("C15: cancel ends the job, aborts what runs, and a later result is no output", () => {
  const cluster = new TestCluster();
  const worker = cluster.join();
  const job = cluster.submit(testJob([testStage({ taskCount: 3 })]));
  const ref = only(cluster, worker);
  const effects = cluster.tell({ kind: "job-cancelled", job, by: "ann" });
  assert.ok(effects.some((effect) => effect.kind === "abort"));
  cluster.report(worker, ref);
  assert.equal(stateOf(cluster, job), "cancelled");
  assert.deepEqual(jobOutputs(cluster.state, job), [null, null, null]);
});

test("F10: a map task whose output is lost is computed again before the reduce goes on", () => {
  const cluster = new TestCluster();
  const [one, two] = [cluster.join(), cluster.join()];
  const job = cluster.submit(mapReduceSpec(2, 1));
  cluster.report(one, only(cluster, one), { durationMs: 1_000 });
  cluster.report(two, only(cluster, two), { durationMs: 1_000 });
  const reducer = cluster.running.get(one)?.length === 1 ? one : two;
  const holder = reducer === one ? two : one;
  cluster.lose(holder);
  const lostTask = holder === one ? 0 : 1;
  const missed = { code: "download-failed", message: "gone" } as const;
  const reduce = only(cluster, reducer);
  cluster.report(reducer, reduce, { kind: "failed", failure: missed, lostTasks: [lostTask] });
  cluster.report(reducer, only(cluster, reducer));
  cluster.wait();
  cluster.report(reducer, only(cluster, reducer));
  assert.equal(stateOf(cluster, job), "done");
});

test("W12: output that differs when made again fails the job once a reduce used the old", () => {
  const cluster = new TestCluster();
  const [one, two] = [cluster.join(), cluster.join()];
  const job = cluster.submit(mapReduceSpec(2, 2));
  cluster.report(one, only(cluster, one));
  cluster.report(two, only(cluster, two));
  cluster.report(two, only(cluster, two));
  cluster.lose(one);
  const map = cluster.running.get(two)?.find((ref) => ref.stage === 0) as AttemptRef;
  cluster.report(two, map, { kind: "done", output: { root: "other", sizeBytes: 1, records: 1 } });
  assert.equal(jobSummary(cluster.state, job, 0)?.failure?.code, "nondeterministic");
});

test("tasks go first to the machine that holds their input", () => {
  const cluster = new TestCluster();
  const [a, b] = [cluster.join({ host: "ha" }), cluster.join({ host: "hb" })];
  const locality = { hosts: ["hb", "ha"], taskHost: [0, 1] };
  cluster.submit(testJob([testStage({ taskCount: 2 })], { locality }));
  assert.equal(only(cluster, a).task, 1);
  assert.equal(only(cluster, b).task, 0);
});

test("two jobs share the workers evenly", () => {
  const cluster = new TestCluster();
  const first = cluster.submit(testJob([testStage({ taskCount: 100 })]));
  const second = cluster.submit(testJob([testStage({ taskCount: 100 })]));
  for (let n = 0; n < 10; n++) cluster.join();
  const jobs = [...cluster.running.values()].flat().map((ref) => ref.job);
  assert.equal(jobs.filter((job) => job === first).length, 5);
  assert.equal(jobs.filter((job) => job === second).length, 5);
});

test("short tasks are sent ahead in batches, but never more than an even share", () => {
  const cluster = new TestCluster();
  const [one, two] = [cluster.join(), cluster.join()];
  cluster.submit(testJob([testStage({ taskCount: 1_000 })]));
  cluster.report(one, only(cluster, one), { durationMs: 0.2 });
  assert.equal(cluster.running.get(one)?.length, 250);
  cluster.report(two, only(cluster, two), { durationMs: 0.2 });
  assert.equal(cluster.running.get(two)?.length, 250);
});

test("a tab has the next task to fetch while it computes its first, where there are enough", () => {
  const cluster = new TestCluster();
  const [one, two] = [cluster.join({ tab: true }), cluster.join({ tab: true })];
  const held = () => [one, two].map((worker) => cluster.running.get(worker)?.length ?? 0);
  const few = cluster.submit(testJob([testStage({ taskCount: 2 })]));
  assert.deepEqual(held(), [1, 1]);
  cluster.tell({ kind: "job-cancelled", job: few, by: "ann" });
  cluster.submit(testJob([testStage({ taskCount: 5 })]));
  assert.deepEqual(held(), [2, 2]);
});

test("a tab gets whole portions of tasks that take no time, and one of them ahead", () => {
  const cluster = new TestCluster();
  const tab = cluster.join({ tab: true });
  cluster.submit(testJob([testStage({ taskCount: 3_500 })]));
  const held: number[] = [];
  while ((cluster.running.get(tab)?.length ?? 0) > 0 && held.length < 1_100) {
    cluster.report(tab, cluster.running.get(tab)![0]!, { durationMs: 0.01 });
    held.push(cluster.running.get(tab)!.length);
  }
  const sent = cluster.effects.flatMap((one) =>
    one.kind === "assign" ? [one.attempts.length] : [],
  );
  // The first are few: nothing is known of the tasks.
  assert.deepEqual(sent.slice(-2), [1_024, 1_024]);
  assert.ok(sent.length <= 8, sent.join());
  assert.ok(Math.max(...held) <= 2_048 && Math.min(...held.slice(10)) >= 1_023, "one is ahead");
});

test("a straggler gets a backup on another worker, and the first result counts", () => {
  const cluster = new TestCluster();
  const [one, two] = [cluster.join(), cluster.join()];
  const job = cluster.submit(testJob([testStage({ taskCount: 4 })]));
  const slow = only(cluster, one);
  for (let n = 0; n < 3; n++) cluster.report(two, only(cluster, two), { durationMs: 400 });
  cluster.tell({ kind: "attempts-started", worker: one, attempts: [slow] });
  for (let n = 0; n < 20 && cluster.running.get(two)?.length === 0; n++) cluster.wait();
  const backup = only(cluster, two);
  assert.deepEqual(backup, { ...slow, attempt: 2 });
  cluster.report(two, backup);
  assert.equal(cluster.running.get(one)?.length, 0, "the straggler is aborted");
  assert.equal(stateOf(cluster, job), "done");
});

test("a returning worker keeps the attempts that it holds and gets back what never arrived", () => {
  const cluster = new TestCluster();
  const worker = cluster.join({ slots: 2 });
  cluster.submit(testJob([testStage({ taskCount: 2 })]));
  const [kept, lost] = cluster.running.get(worker) as [AttemptRef, AttemptRef];
  const alien: AttemptRef = { job: "j-9", stage: 0, task: 0, attempt: 1 };
  cluster.running.set(worker, [kept]);
  const specs = testSpecs({ slots: 2 });
  const holding = [kept, alien];
  cluster.tell({ kind: "worker-joined", worker, owner: "up", specs, holding });
  assert.deepEqual(cluster.running.get(worker), [kept, { ...lost, attempt: 2 }]);
  const aborts = cluster.effects.filter((effect) => effect.kind === "abort");
  assert.deepEqual(aborts[0]?.attempts, [alien]);
});

test("an attempt past its limit is stopped although its worker says nothing", () => {
  const cluster = new TestCluster();
  const worker = cluster.join();
  const job = cluster.submit(testJob([testStage({ timeoutMs: 500 })]));
  const ref = only(cluster, worker);
  cluster.tell({ kind: "attempts-started", worker, attempts: [ref] });
  cluster.wait();
  assert.equal(cluster.running.get(worker)?.length, 0);
  assert.match(jobSummary(cluster.state, job, 0)?.errors[0]?.message ?? "", /limit of 0.5 s/);
});

test("a tab's attempt, which may rest most of the time, is stopped ten times as late", () => {
  const cluster = new TestCluster();
  const worker = cluster.join({ tab: true });
  cluster.submit(testJob([testStage({ timeoutMs: 60_000 })]));
  const ref = only(cluster, worker);
  cluster.tell({ kind: "attempts-started", worker, attempts: [ref] });
  const startedAtMs = cluster.atMs;
  cluster.wait();
  assert.equal(cluster.running.get(worker)?.length, 0);
  assert.equal(cluster.atMs - startedAtMs, 660_000);
});

test("C16: an empty job is done at once; impossible ones are refused with their limit", () => {
  const cluster = new TestCluster();
  const empty = cluster.submit(testJob([testStage({ taskCount: 0 })]));
  assert.equal(stateOf(cluster, empty), "done");
  const refusals: Array<[ReturnType<typeof testJob>, RegExp]> = [
    [testJob([testStage({ taskCount: 10_000_001 })]), /limit-exceeded: tasks.*10000000/],
    [mapReduceSpec(1, 10_000_000), /limit-exceeded: partitions.*100000/],
    [testJob([testStage({ kind: "reduce", inputStage: 0 })]), /no cycle/],
    [testJob([testStage({ kind: "reduce", inputStage: 1 }), testStage()]), /no cycle/],
    [testJob([]), /at least one stage/],
  ];
  for (const [spec, text] of refusals) {
    const refusal = cluster.tell(submission(spec)).find((effect) => effect.kind === "refuse");
    assert.match(refusal?.error.message ?? "accepted", text);
  }
});

test("restarts do not renew the lease of a worker that does not come back", () => {
  const cluster = new TestCluster();
  const [away, back] = [cluster.join(), cluster.join()];
  const restart = (epoch: number) => cluster.tell({ kind: "coordinator-started", epoch });
  restart(2);
  assert.equal(absentMs(cluster.state, away), 0, "it had no chance yet");
  cluster.atMs += 4_000;
  const specs = testSpecs();
  cluster.tell({ kind: "worker-joined", worker: back, owner: "up", specs, holding: [] });
  cluster.atMs += 3_600_000;
  restart(3);
  assert.equal(
    absentMs(cluster.state, away),
    4_000,
    "only while a coordinator was up to be joined",
  );
  assert.equal(absentMs(cluster.state, back), 0);
});

test("a lost worker whose first attempt ends the job takes its other attempts along", () => {
  const cluster = new TestCluster();
  const limits = { ...defaultLimits, workersKilledMax: 1 };
  const worker = cluster.join({ slots: 2 });
  const job = cluster.submit(testJob([testStage({ taskCount: 2 })], { limits }));
  const attempts = cluster.running.get(worker) as AttemptRef[];
  cluster.tell({ kind: "attempts-started", worker, attempts });
  cluster.lose(worker, "silent");
  assert.equal(jobSummary(cluster.state, job, 0)?.state, "failed");
});

test("a job that ended while a worker was away is closed there when it comes back", () => {
  const cluster = new TestCluster();
  const worker = cluster.join();
  const job = cluster.submit(mapReduceSpec(1, 1));
  cluster.lose(worker);
  cluster.tell({ kind: "job-cancelled", job, by: "ann" });
  const serving = [{ job, stage: 0, tasks: [] }];
  const back = { worker, owner: "up", specs: testSpecs(), holding: [], serving };
  const effects = cluster.tell({ kind: "worker-joined", ...back });
  assert.deepEqual(effects.at(-1), { kind: "close-job", worker, job });
});

test("a job is closed on a worker that came back after the job was removed", () => {
  const cluster = new TestCluster();
  const worker = cluster.join();
  const job = cluster.submit(mapReduceSpec(1, 1));
  const [ref] = cluster.running.get(worker) as [AttemptRef];
  const serving = [{ job, stage: 0, tasks: [] }];
  const back = { worker, owner: "up", specs: testSpecs(), holding: [ref], serving };
  cluster.tell({ kind: "worker-joined", ...back });
  const effects = cluster.tell({ kind: "job-cancelled", job, by: "ann" });
  assert.ok(effects.some((effect) => effect.kind === "close-job" && effect.worker === worker));
});

test("a counter may have any name", () => {
  const cluster = new TestCluster();
  const worker = cluster.join();
  const job = cluster.submit(testJob([testStage({ taskCount: 2 })]));
  for (let n = 0; n < 2; n++) {
    const ref = cluster.running.get(worker)?.[0] as AttemptRef;
    cluster.report(worker, ref, { kind: "done", counters: { constructor: 2, toString: 1 } });
    cluster.restartFromSnapshot();
  }
  assert.deepEqual(
    { ...jobSummary(cluster.state, job, 0)?.counters },
    { constructor: 4, toString: 2 },
  );
});

test("a worker that gives a task back is not given it again at once", () => {
  const cluster = new TestCluster();
  const stopping = cluster.join();
  cluster.submit(testJob([testStage()]));
  cluster.report(stopping, only(cluster, stopping), { kind: "returned" });
  assert.deepEqual(cluster.running.get(stopping), []);
  const other = cluster.join();
  assert.equal(only(cluster, other).attempt, 2);
});
