/** Tasks whose result is known, among those that a volunteer is given. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Effect } from "../../effect.ts";
import type { JobId, WorkerId } from "../../ids.ts";
import { testJob, testStage } from "../../testing/fake-cluster.ts";
import { isLeasedTo, jobOutputs, jobSummary, workerSummaries } from "../../view.ts";
import { Village } from "./testing.ts";

const shared = { share: "volunteers", backupTasks: false } as const;
/** All that a volunteer says is believed, but for what is known. */
const believed = 1e9;

/** An own worker has computed some of the job, and a trusted volunteer arrives. Every task of its
 *  own comes with one whose result is known. */
function begun(taskCount = 12): { village: Village; own: WorkerId; job: JobId; ana: WorkerId } {
  const village = new Village();
  const canaryShare = 1;
  village.tell({ kind: "coordinator-started", epoch: 1, trustSeed: 3, canaryShare });
  const own = village.join({ slots: 1 });
  const job = village.submit(testJob([testStage({ taskCount })], shared));
  for (let n = 0; n < 4; n++) village.says(own);
  village.state.trust.standings.set("ana\nnode", { valid: believed });
  const ana = village.volunteer("ana");
  return { village, own, job, ana };
}

function standingOf(village: Village, worker: WorkerId) {
  return workerSummaries(village.state).find((one) => one.worker === worker)?.volunteer;
}

const doneTasks = ({ state }: Village) =>
  new Set(jobOutputs(state, "j-1").flatMap((output, task) => (output === null ? [] : [task])));

test("a volunteer is given a task again whose result is known, and is confirmed by it", () => {
  const { ana, village } = begun();
  const given = village.running.get(ana) ?? [];
  const known = given.filter(({ task }) => doneTasks(village).has(task));
  assert.equal(known.length, given.length / 2, JSON.stringify(given));
  assert.ok(isLeasedTo(village.state, ana, known[0]!), "it may report it");
  village.restartFromSnapshot();
  const before = jobOutputs(village.state, "j-1");
  const { stage, task } = known[0]!;
  const output = { root: `${stage}-${task}`, sizeBytes: 1, records: 1 };
  village.report(ana, known[0]!, { output });
  assert.equal(standingOf(village, ana)?.valid, believed + 1);
  assert.deepEqual(jobOutputs(village.state, "j-1").at(task), before.at(task));
});

test("no person has the same one twice, nor one that it has computed", () => {
  const { ana, own, village } = begun(40);
  const seen = new Set<string>();
  let known = 0;
  for (let n = 0; n < 60 && !village.isIdle(ana); n++) {
    const { task } = village.runs(ana);
    assert.ok(!seen.has(`${task}`), `task ${task} came twice`);
    seen.add(`${task}`);
    if (doneTasks(village).has(task)) known++;
    village.says(ana);
    if (n % 4 === 0 && !village.isIdle(own)) village.says(own);
  }
  assert.ok(known >= 5, `${known} of ${seen.size}`);
});

test("a wrong answer to what is known is a lie, once an own worker has computed it again", () => {
  const { ana, job, own, village } = begun();
  const known = () => village.running.get(ana)?.find(({ task }) => doneTasks(village).has(task));
  const wrong = { root: "a lie", sizeBytes: 1, records: 1 };
  village.report(ana, known()!, { output: wrong });
  assert.equal(standingOf(village, ana)?.caught, undefined, "not on the word of one computation");
  assert.equal(jobSummary(village.state, job, village.atMs)?.undecided, 1);
  village.restartFromSnapshot();
  const effects: Effect[] = [];
  while (!village.isIdle(own)) effects.push(...village.says(own));
  assert.ok(effects.some((effect) => effect.kind === "expel" && effect.worker === ana));
  assert.equal(jobSummary(village.state, job, village.atMs)?.state, "done");
  const roots = jobOutputs(village.state, job).map((output) => output?.root);
  assert.deepEqual(
    roots,
    Array.from({ length: 12 }, (_, task) => `0-${task}`),
  );
  assert.equal(jobSummary(village.state, job, village.atMs)?.stages[0]?.outputRecords, 12);
});

test("where what was known comes out otherwise the next time, the job fails", () => {
  const { ana, job, own, village } = begun();
  const known = village.running.get(ana)!.find(({ task }) => doneTasks(village).has(task))!;
  village.report(ana, known, { output: { root: "by chance 2", sizeBytes: 1, records: 1 } });
  while (village.runs(own).task !== known.task) village.says(own);
  village.says(own, "by chance 3");
  const { failure } = jobSummary(village.state, job, village.atMs)!;
  assert.equal(failure?.code, "nondeterministic");
  assert.equal(standingOf(village, ana)?.caught, undefined);
});

test("what fails, is returned or lost of these costs the job nothing", () => {
  const { ana, job, own, village } = begun();
  const known = () => village.running.get(ana)?.find(({ task }) => doneTasks(village).has(task));
  const failure = { code: "user-error", message: "boom", isFinal: true } as const;
  village.report(ana, known()!, { kind: "failed", failure });
  village.says(ana);
  village.report(ana, known()!, { kind: "returned" });
  village.says(ana);
  assert.ok(known() !== undefined);
  village.lose(ana);
  while (!village.isIdle(own)) village.says(own);
  assert.equal(jobSummary(village.state, job, village.atMs)?.state, "done");
});

test("the job's end stops those that run, and own workers and other jobs have none", () => {
  const { ana, job, own, village } = begun();
  const other = village.submit(testJob([testStage({ taskCount: 4 })], { backupTasks: false }));
  const effects: Effect[] = [];
  while (jobSummary(village.state, job, village.atMs)?.state === "running") {
    effects.push(...village.says(village.isIdle(own) ? ana : own));
  }
  assert.equal(village.state.canaries.running.size, 0);
  while (!village.isIdle(own)) {
    assert.equal(village.runs(own).job, other);
    village.says(own);
  }
});
