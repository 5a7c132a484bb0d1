/** The chain of reasons ends in what holds a job, a task or a worker up. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Effect } from "../effect.ts";
import type { JobId } from "../ids.ts";
import { programKinds } from "../job.ts";
import {
  mapReduceSpec,
  submission,
  TestCluster,
  testJob,
  testSpecs,
  testStage,
} from "../testing/fake-cluster.ts";
import { type Reason, reasonText } from "./reasons.ts";
import { whyJob, whyTask, whyWorker } from "./why.ts";

const kinds = (reasons: readonly Reason[] | null) => (reasons ?? []).map(({ kind }) => kind);
const one = testJob([testStage({ taskCount: 3 })]);

test("a job without workers waits for a worker, and says how to start one", () => {
  const cluster = new TestCluster();
  const job = cluster.submit(one);
  const reasons = whyJob(cluster.state, job, cluster.atMs)!;
  assert.deepEqual(kinds(reasons), ["job-runs", "stage-left", "no-worker"]);
  assert.match(reasonText(reasons.at(-1)!), /tequio join/);
});

test("a queued task of a full cluster shows the slots and its share", () => {
  const cluster = new TestCluster();
  cluster.join();
  cluster.submit(one);
  const second = cluster.submit(one);
  const reasons = whyTask(cluster.state, { job: second, stage: 0, task: 1 }, cluster.atMs);
  assert.deepEqual(kinds(reasons), ["task-is", "slots-taken", "fair-share", "queue-position"]);
});

test("a waiting job shows its place in the queue", () => {
  const cluster = new TestCluster();
  const worker = cluster.join();
  const jobs = [1, 2, 3].map(() => cluster.submit(one));
  const last = (job: JobId) => reasonText(whyJob(cluster.state, job, cluster.atMs)!.at(-1)!);
  assert.equal(last(jobs[1]!), "the next free slot is for this job");
  assert.equal(last(jobs[2]!), "the next free slot is for 1 other job of ann first");
  const event = { kind: "job-submitted", owner: "bob", key: null, digest: "d", spec: one } as const;
  const [reply] = cluster.tell(event).filter(({ kind }) => kind === "reply") as Array<
    Extract<Effect, { kind: "reply" }>
  >;
  cluster.atMs += 1_000;
  cluster.report(worker, cluster.running.get(worker)![0]!, { durationMs: 1_000 });
  assert.equal(last(reply!.value.job!), "the only slot of the workers is in use");
  assert.match(last(jobs[2]!), /is for 1 other owner and 1 other job of ann first/);
});

test("a job of an owner at its slot limit is explained by that limit", () => {
  const cluster = new TestCluster();
  cluster.tell({ kind: "coordinator-started", epoch: 1, slotsPerOwner: 1 });
  cluster.join({ slots: 4 });
  const job = cluster.submit(one);
  const reasons = whyJob(cluster.state, job, cluster.atMs)!;
  assert.deepEqual(kinds(reasons), ["job-runs", "stage-left", "owner-limit"]);
  assert.match(reasonText(reasons.at(-1)!), /the jobs of ann take 1 slot/);
});

test("workers that run WebAssembly alone have the jobs of modules, and no others", () => {
  const cluster = new TestCluster();
  cluster.join({ kinds: [0] });
  const moduleHash = "b".repeat(64);
  const last = (job: JobId) => reasonText(whyJob(cluster.state, job, cluster.atMs)!.at(-1)!);
  const script = cluster.submit(one);
  assert.equal(last(script), "no connected worker runs JavaScript");
  const module = cluster.submit({ ...one, moduleHash });
  assert.doesNotMatch(last(module), /runs JavaScript/);
  const other = new TestCluster();
  other.join({ kinds: [7] });
  const waiting = other.submit({ ...one, moduleHash });
  const text = reasonText(whyJob(other.state, waiting, other.atMs)!.at(-1)!);
  assert.equal(text, "no connected worker runs JavaScript or WebAssembly");
});

test("who lacks a package of Python gets it where packages can be installed", () => {
  const cluster = new TestCluster();
  const python = { version: "3.14.2", packages: {} };
  cluster.join({ name: "tab", kinds: [programKinds.python], python, tab: true });
  const job = cluster.submit({ ...one, programKind: programKinds.python, requires: ["numpy>=2"] });
  const last = () => reasonText(whyJob(cluster.state, job, cluster.atMs)!.at(-1)!);
  assert.match(last(), /tab lacks numpy>=2; in browser tabs nothing can be installed: .*--wheels/);
  const machines = new TestCluster();
  machines.join({ name: "snake", kinds: [programKinds.python], python });
  const other = machines.submit({
    ...one,
    programKind: programKinds.python,
    requires: ["numpy>=2"],
  });
  const text = reasonText(whyJob(machines.state, other, machines.atMs)!.at(-1)!);
  assert.match(text, /snake lacks numpy>=2; install them there, and start the worker again$/);
});

test("a running task names its worker", () => {
  const cluster = new TestCluster();
  const worker = cluster.join();
  const job = cluster.submit(one);
  const reasons = whyTask(cluster.state, { job, stage: 0, task: 0 }, cluster.atMs + 2_000)!;
  assert.deepEqual(kinds(reasons), ["task-is", "attempt-runs"]);
  const text = reasonText(reasons[1]!);
  assert.match(text, new RegExp(`attempt 1 was assigned to ${worker} 2\\.0 s ago`));
});

test("why names a task that has run for a minute without a time limit", () => {
  for (const timeoutMs of [0, 90_000]) {
    const cluster = new TestCluster();
    cluster.join();
    const job = cluster.submit(testJob([testStage({ timeoutMs })]));
    const after = (ms: number) => cluster.atMs + ms;
    const of = { job, stage: 0, task: 0 };
    const expected = timeoutMs === 0 ? ["no-limit"] : [];
    const late = kinds(whyTask(cluster.state, of, after(60_000))!);
    assert.deepEqual(late, ["task-is", "attempt-runs", ...expected]);
    assert.deepEqual(kinds(whyTask(cluster.state, of, after(59_000))!), [
      "task-is",
      "attempt-runs",
    ]);
    const whole = kinds(whyJob(cluster.state, job, after(60_000))!);
    assert.equal(whole.includes("no-limit"), timeoutMs === 0);
  }
});

test("a reduce task waits for map tasks, of which one was lost with its worker", () => {
  const cluster = new TestCluster();
  const worker = cluster.join();
  const job = cluster.submit(mapReduceSpec(2, 1));
  cluster.report(worker, cluster.running.get(worker)![0]!);
  cluster.lose(worker);
  const reasons = whyTask(cluster.state, { job, stage: 1, task: 0 }, cluster.atMs);
  assert.deepEqual(kinds(reasons), [
    "task-is",
    "input-missing",
    "stage-left",
    "output-lost",
    "no-worker",
  ]);
  assert.deepEqual(kinds(whyWorker(cluster.state, worker)), ["worker-lost"]);
});

test("a task whose input is on its way waits for its submitter", () => {
  const cluster = new TestCluster();
  cluster.join();
  cluster.tell({ ...submission(mapReduceSpec(3, 1)), arriving: true } as never);
  const job = "j-1";
  cluster.tell({ kind: "inputs-arrived", job, tasks: [1] });
  const reasons = whyTask(cluster.state, { job, stage: 0, task: 0 }, cluster.atMs)!;
  assert.deepEqual(kinds(reasons), ["task-is", "input-arriving"]);
  assert.match(reasonText(whyJob(cluster.state, job, cluster.atMs)![2]!), /^the input of 2 tasks/);
});

test("a task that failed is in back-off, with its errors counted", () => {
  const cluster = new TestCluster();
  const worker = cluster.join();
  const job = cluster.submit(testJob([testStage()]));
  const failure = { code: "user-error", message: "no" } as const;
  const failed = { kind: "failed", failure } as never;
  cluster.report(worker, cluster.running.get(worker)![0]!, failed);
  const reasons = whyTask(cluster.state, { job, stage: 0, task: 0 }, cluster.atMs);
  assert.deepEqual(kinds(reasons), ["task-is", "user-errors", "backoff"]);
  assert.deepEqual(kinds(whyWorker(cluster.state, worker)), ["worker-free", "nothing-ready"]);
});

test("a paused worker and a busy one say so", () => {
  const cluster = new TestCluster();
  const worker = cluster.join();
  const job = cluster.submit(one);
  assert.deepEqual(kinds(whyWorker(cluster.state, worker)), ["worker-busy"]);
  cluster.tell({ kind: "worker-paused", worker, reason: "its disk is full" });
  const reasons = whyTask(cluster.state, { job, stage: 0, task: 2 }, cluster.atMs);
  assert.deepEqual(kinds(reasons), ["task-is", "workers-paused"]);
  assert.deepEqual(kinds(whyWorker(cluster.state, worker)), ["worker-paused", "worker-busy"]);
});

test("what a worker was sent ahead is apart from what is in its slots", () => {
  const cluster = new TestCluster();
  const worker = cluster.join({ slots: 1 });
  const job = cluster.submit(testJob([testStage({ taskCount: 40 })]));
  const held = () => cluster.running.get(worker)!;
  // How long its tasks take is not known before the first has ended.
  while (held().length < 2) cluster.report(worker, held()[0]!);
  const ahead = held().length - 1;
  const [busy] = whyWorker(cluster.state, worker)!;
  assert.deepEqual(busy, { kind: "worker-busy", worker, attempts: 1, slots: 1, ahead });
  assert.match(reasonText(busy!), /^w-1 runs 1 attempt in 1 slot; \d+ more w\w+ sent ahead/);
  const { task } = held()[1]!;
  const reasons = whyTask(cluster.state, { job, stage: 0, task }, cluster.atMs)!;
  assert.deepEqual(reasons.map(reasonText), [
    `task ${task} is ready; no attempt was made so far`,
    "attempt 1 was sent ahead to w-1 and waits for a slot there",
  ]);
});

test("a failed attempt is explained by its own failure, not blamed on the job's code", () => {
  const cluster = new TestCluster();
  const worker = cluster.join();
  const job = cluster.submit(testJob([testStage()]));
  const failure = { code: "task-crashed", message: "killed by SIGKILL" } as const;
  const failed = { kind: "failed", failure } as never;
  cluster.report(worker, cluster.running.get(worker)![0]!, failed);
  const reasons = whyTask(cluster.state, { job, stage: 0, task: 0 }, cluster.atMs)!;
  assert.equal(
    reasonText(reasons[1]!),
    "1 of at most 4 attempts failed; last: task-crashed: killed by SIGKILL",
  );
});

test("a reason that only a newer coordinator knows is shown by its name", () => {
  assert.equal(reasonText({ kind: "novel" } as never), "novel");
});

test("an ended job, and unknown names", () => {
  const cluster = new TestCluster();
  const job = cluster.submit(testJob([testStage({ taskCount: 0 })]));
  assert.deepEqual(kinds(whyJob(cluster.state, job, 0)), ["job-ended"]);
  const ended = { kind: "job-ended", job } as const;
  assert.equal(reasonText({ ...ended, state: "done" }), "j-1 is done; nothing is waiting");
  assert.equal(reasonText({ ...ended, state: "failed" }), "j-1 failed; nothing is waiting");
  assert.equal(whyJob(cluster.state, "j-9", 0), null);
  assert.equal(whyTask(cluster.state, { job, stage: 0, task: 7 }, 0), null);
  assert.equal(whyWorker(cluster.state, "w-9"), null);
});

test("a worker that did not come back after a restart is not reported as silent", () => {
  const cluster = new TestCluster();
  const [away, back] = [cluster.join(), cluster.join()];
  cluster.tell({ kind: "coordinator-started", epoch: 2 });
  const specs = testSpecs();
  cluster.tell({ kind: "worker-joined", worker: back, owner: "up", specs, holding: [] });
  for (const worker of [away, back]) cluster.lose(worker, "silent");
  const texts = [away, back].map((worker) => whyWorker(cluster.state, worker, 0)?.map(reasonText));
  assert.match(String(texts[0]), /has not come back since the coordinator started anew/);
  assert.match(String(texts[1]), /no heartbeat arrived from it in time/);
});
