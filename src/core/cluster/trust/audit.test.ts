/** Tasks of own workers are computed a second time where a worker is idle, and what differs is
 *  reported. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Effect } from "../../effect.ts";
import type { JobId, WorkerId } from "../../ids.ts";
import type { JobSpec } from "../../job.ts";
import { mapReduceSpec, testJob, testStage } from "../../testing/fake-cluster.ts";
import { isLeasedTo, jobSummary } from "../../view.ts";
import { reasonText } from "../../why/reasons.ts";
import { whyJob } from "../../why/why.ts";
import { spotShare } from "./audit-sample.ts";
import { draw, floor } from "./standing.ts";
import { Village } from "./testing.ts";

/** Every task is audited. */
function audited(share = 1): Village {
  const village = new Village();
  village.tell({ kind: "coordinator-started", epoch: 1, retains: true, auditShare: share });
  return village;
}

function tasks(taskCount: number, over: Partial<JobSpec> = {}): JobSpec {
  return testJob([testStage({ taskCount })], { backupTasks: false, ...over });
}

const summaryOf = (village: Village, job: JobId) => jobSummary(village.state, job, village.atMs)!;

/** The worker's first attempt ends with this value. */
function values(village: Village, worker: WorkerId, value: string): Effect[] {
  const output = { root: "", sizeBytes: 1, records: 1, value };
  return village.report(worker, village.runs(worker), { output });
}

test("an idle worker computes a task again, and the same result is counted", () => {
  const village = audited();
  const [one, other] = [village.join(), village.join()];
  const job = village.submit(tasks(1));
  village.says(one);
  assert.equal(summaryOf(village, job).state, "done", "the job does not wait for it");
  assert.equal(village.runs(other).attempt, 2);
  assert.ok(isLeasedTo(village.state, other, village.runs(other)));
  village.restartFromSnapshot();
  const effects = village.says(other);
  assert.deepEqual(summaryOf(village, job).audit, { tasks: 1 });
  const closed = effects.filter((effect) => effect.kind === "close-job");
  assert.deepEqual(closed, [{ kind: "close-job", worker: other, job }]);
});

test("two results of a task are reported, with the record in which they differ", () => {
  const village = audited();
  const [one, other] = [village.join(), village.join()];
  const job = village.submit(tasks(1));
  values(village, one, "0.25");
  values(village, other, "0.75");
  const record = { number: 0, first: "0.25", second: "0.75" };
  const { audit, state } = summaryOf(village, job);
  assert.equal(state, "done");
  assert.deepEqual(audit?.differs, { stage: "tasks", task: 0, workers: [one, other], record });
  const last = reasonText(whyJob(village.state, job, village.atMs)!.at(-1)!);
  assert.match(last, /^task 0 gave two results, by w-1 and by w-2: record 0 is 0.25, and 0.75/);
});

test("the outputs of a map task that differ are compared, and the record is remembered", () => {
  const village = audited();
  const [one, other] = [village.join(), village.join()];
  const job = village.submit({ ...mapReduceSpec(1, 1), backupTasks: false });
  village.says(one);
  // The other has the second attempt, or is given the reduce task.
  const audit = [one, other].find((worker) => village.running.get(worker)?.[0]?.stage === 0);
  assert.equal(audit, other);
  const [order] = village
    .says(other, "0-0 otherwise")
    .filter((effect) => effect.kind === "compare-outputs");
  const ordered = order?.outputs.map(({ attempt, root, worker }) => ({ attempt, worker, root }));
  assert.deepEqual(ordered, [
    { attempt: 1, worker: one, root: "0-0" },
    { attempt: 2, worker: other, root: "0-0 otherwise" },
  ]);
  const record = { partition: 2, number: 7, first: '"a" → 1', second: "" };
  village.tell({ kind: "outputs-compared", job, stage: 0, task: 0, record });
  const { differs } = summaryOf(village, job).audit!;
  assert.deepEqual(differs?.record, record);
  const [, told] = whyJob(village.state, job, village.atMs)!;
  assert.match(reasonText(told!), /record 7 of partition 2 is "a" → 1, and no record;/);
  village.says(one);
  assert.equal(summaryOf(village, job).state, "done");
});

test("what is only compared makes room at once, and is tried again", () => {
  const village = audited();
  const [one, other] = [village.join(), village.join()];
  const first = village.submit(tasks(1));
  village.says(one);
  const ref = village.runs(other);
  const second = village.submit(tasks(2));
  assert.ok(village.running.get(other)?.every(({ job }) => job === second));
  assert.equal(summaryOf(village, second).stages[0]?.running, 2);
  // Its worker may have ended it before it knew.
  village.report(other, ref);
  assert.equal(summaryOf(village, first).audit, undefined);
  while (!village.isIdle(one) || !village.isIdle(other)) {
    village.says(village.isIdle(other) ? one : other);
  }
  assert.equal(summaryOf(village, first).audit?.tasks, 1);
  assert.equal(summaryOf(village, second).audit?.tasks, 2);
});

test("the worker of the first result, tabs and volunteers are not asked", () => {
  const village = audited();
  const one = village.join();
  village.submit(tasks(1));
  village.says(one);
  const tab = village.join({ tab: true });
  const ana = village.volunteer("ana");
  assert.ok(village.isIdle(one) && village.isIdle(tab) && village.isIdle(ana));
  const other = village.join();
  assert.ok(!village.isIdle(other), "one that comes later is");
  village.lose(other);
  const third = village.join();
  assert.ok(!village.isIdle(third), "and another in its place");
  village.tell({ kind: "job-removed", job: "j-1" });
  assert.ok(village.isIdle(third), "a removed job is not of interest any more");
  assert.equal(village.state.audits.running.size, 0);
});

test("the engine's own mathematics is compared within one engine", () => {
  const village = audited();
  const one = village.join({ engine: "node 24" });
  village.submit(tasks(1, { sameEngine: true }));
  village.says(one);
  assert.ok(village.isIdle(village.join({ engine: "node 26" })));
  assert.ok(!village.isIdle(village.join({ engine: "node 24" })));
});

test("a job whose results are by chance, by its own word, is not audited", () => {
  for (const over of [{ chance: "real" }, { clock: "real" }, { share: "volunteers" }] as const) {
    const village = audited();
    const [one, other] = [village.join(), village.join()];
    village.submit(tasks(1, over));
    village.says(one);
    assert.ok(village.isIdle(other), JSON.stringify(over));
  }
});

test("a share of the tasks is audited, and of a job that asks at least one of each stage", () => {
  const village = audited(0.05);
  village.tell({ kind: "coordinator-started", epoch: 2, auditShare: 0.05, trustSeed: 7 });
  const one = village.join({ slots: 400 });
  const job = village.submit(tasks(400));
  while (!village.isIdle(one)) village.says(one);
  const drawn = village.state.jobs.get(1)!.audit?.wanted.length ?? 0;
  assert.ok(drawn > 8 && drawn < 40, `${drawn} of 400`);
  assert.equal(summaryOf(village, job).state, "done");
  const other = audited(0);
  const [first, second] = [other.join(), other.join()];
  const asked = other.submit({ ...mapReduceSpec(2, 2), trust: "audit", backupTasks: false });
  while (summaryOf(other, asked).state === "running") {
    other.says(other.isIdle(first) ? second : first);
  }
  while (!other.isIdle(first) || !other.isIdle(second)) {
    other.says(other.isIdle(first) ? second : first);
  }
  assert.ok((summaryOf(other, asked).audit?.tasks ?? 0) >= 1);
});

/** A shared job of which the volunteer's only result is wrong, and counts. */
function believedLie(): { village: Village; liar: WorkerId; job: JobId } {
  const village = new Village();
  // With this seed the result is believed, and drawn for a spot check.
  const started = { epoch: 1, retains: true, auditShare: 0.01, trustSeed: spotSeed } as const;
  village.tell({ kind: "coordinator-started", ...started });
  const liar = village.volunteer("liar");
  village.state.trust.standings.set("liar\nnode", { valid: 1e9 });
  const job = village.submit(tasks(1, { share: "volunteers" }));
  village.says(liar, "a lie");
  assert.equal(summaryOf(village, job).state, "done");
  assert.equal(village.state.jobs.get(1)?.audit?.wanted.length, 1);
  return { village, liar, job };
}

/** The first of which the first number drawn is above the floor, and the second below the share. */
const spotSeed = seedWhere(([first, second]) => first! >= floor && second! < spotShare);

function seedWhere(isIt: (drawn: readonly number[]) => boolean): number {
  for (let seed = 1; seed < 10_000; seed++) {
    const { state } = new Village();
    state.trust.seed = seed;
    if (isIt([draw(state), draw(state)])) return seed;
  }
  throw new Error("no seed");
}

test("a result that counts alone is spot-checked, and a liar is caught", () => {
  const { job, liar, village } = believedLie();
  const own = village.join();
  village.says(own);
  assert.equal(village.state.trust.caught.size, 0, "one computation accuses no one");
  village.restartFromSnapshot();
  const effects = village.says(own);
  assert.ok(effects.some((effect) => effect.kind === "expel" && effect.worker === liar));
  assert.equal(summaryOf(village, job).doubtful, 1);
  const { job: again } = village
    .tell({ kind: "job-rechecked", job, owner: "ann", digest: "d" })
    .find((effect) => effect.kind === "reply")!.value;
  village.says(own);
  assert.equal(summaryOf(village, again!).recheck?.changed, 1);
});

test("where own workers find two results, no volunteer is accused, and both are reported", () => {
  const { job, village } = believedLie();
  const own = village.join();
  village.says(own, "by chance 1");
  village.says(own, "by chance 2");
  assert.equal(village.state.trust.caught.size, 0);
  assert.equal(summaryOf(village, job).audit?.differs?.task, 0);
});

test("a reduce task is compared only while all that it reads is there", () => {
  const village = audited();
  const first = village.join();
  village.submit({ ...mapReduceSpec(1, 2), backupTasks: false });
  village.says(first);
  village.says(first);
  const reader = village.join();
  assert.equal(village.runs(first).stage, 1);
  village.lose(first, "closed");
  const [mapper, idle] = [village.join(), village.join()];
  const all = [reader, mapper, idle];
  const again = all.filter((one) => village.running.get(one)?.some(({ stage }) => stage === 0));
  assert.equal(again.length, 1, "the map task is computed again");
  const compares = () => all.some((one) => village.running.get(one)?.some(isSecondReduce));
  const isSecondReduce = ({
    attempt,
    stage,
    task,
  }: { [K in "attempt" | "stage" | "task"]: number }) => stage === 1 && task === 0 && attempt === 2;
  assert.ok(!compares());
  village.says(again[0]!);
  while (!compares()) village.says(all.find((one) => !village.isIdle(one))!);
});

test("a job that asks to be audited says that there is no second own worker", () => {
  const village = audited(0);
  const own = village.join();
  const job = village.submit(tasks(2, { trust: "audit" }));
  village.join({ tab: true });
  const said = () => whyJob(village.state, job, village.atMs)!.map(({ kind }) => kind);
  assert.equal(summaryOf(village, job).unaudited, "one-worker");
  assert.ok(said().includes("one-worker"), said().join());
  const plain = village.submit(tasks(1));
  assert.equal(summaryOf(village, plain).unaudited, undefined, "it does not ask for it");
  const other = village.join();
  assert.equal(summaryOf(village, job).unaudited, undefined);
  while (!village.isIdle(own)) village.says(own);
  while (!village.isIdle(other)) village.says(other);
  village.lose(other);
  assert.equal(summaryOf(village, job).unaudited, undefined, "it was compared before");
});
