/** Whose results count: volunteers, own workers, liars, and what becomes of what they computed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Effect } from "../../effect.ts";
import type { JobId, WorkerId } from "../../ids.ts";
import { type JobSpec, programKinds } from "../../job.ts";
import { mapReduceSpec, testJob, testSpecs, testStage } from "../../testing/fake-cluster.ts";
import { jobEnvironment, jobOutputs, jobSummary, workerSummaries } from "../../view.ts";
import { reasonText } from "../../why/reasons.ts";
import { whyJob } from "../../why/why.ts";
import { Village } from "./testing.ts";

const shared = { share: "volunteers", backupTasks: false } as const;

function one(over: Partial<JobSpec> = {}, taskCount = 1): JobSpec {
  return testJob([testStage({ taskCount })], { ...shared, ...over });
}

function stateOf(village: Village, job: JobId) {
  return jobSummary(village.state, job, village.atMs)?.state;
}

test("a job that is not shared is given to no volunteer, and says so", () => {
  const village = new Village();
  const volunteer = village.volunteer("ana");
  const job = village.submit(testJob([testStage()]));
  assert.ok(village.isIdle(volunteer));
  const last = reasonText(whyJob(village.state, job, village.atMs)!.at(-1)!);
  assert.match(last, /is a volunteer.*--share volunteers/);
  const own = village.join();
  village.says(own);
  assert.equal(stateOf(village, job), "done");
});

test("the first results of a volunteer count when another person says the same", () => {
  const village = new Village();
  const [ana, eva] = [village.volunteer("ana"), village.volunteer("eva")];
  const job = village.submit(one());
  village.says(ana);
  assert.equal(stateOf(village, job), "running");
  assert.equal(jobSummary(village.state, job, village.atMs)?.undecided, 1);
  const reasons = whyJob(village.state, job, village.atMs)!.map(({ kind }) => kind);
  assert.ok(reasons.includes("second-opinion"), reasons.join());
  village.restartFromSnapshot();
  village.says(eva);
  assert.equal(stateOf(village, job), "done");
  const valid = workerSummaries(village.state).map(({ volunteer }) => volunteer?.valid);
  assert.deepEqual(valid, [1, 1]);
});

test("a second worker of the same person or place is no second opinion", () => {
  const village = new Village();
  const ana = village.volunteer("ana");
  const twin = village.volunteer("ana", { block: "elsewhere" });
  const neighbour = village.volunteer("bob", { block: "block of ana" });
  const job = village.submit(one());
  village.says(ana);
  assert.ok(village.isIdle(twin) && village.isIdle(neighbour));
  const eva = village.volunteer("eva");
  village.says(eva);
  assert.equal(stateOf(village, job), "done");
});

test("an own worker settles a dispute by computing twice, and the liar gets nothing more", () => {
  const village = new Village();
  const [liar, eva] = [village.volunteer("liar"), village.volunteer("eva")];
  const job = village.submit(one({}, 2));
  village.says(liar, "a lie");
  village.says(eva);
  // Each has the other's task now.
  while (!village.isIdle(eva)) village.says(eva);
  if (!village.isIdle(liar)) village.says(liar);
  const own = village.join();
  const effects: Effect[] = [];
  while (!village.isIdle(own)) effects.push(...village.says(own));
  assert.ok(effects.some((effect) => effect.kind === "expel" && effect.worker === liar));
  const before = village.tell({
    kind: "worker-joined",
    worker: null,
    owner: "liar",
    specs: testSpecs(),
    volunteer: { person: "liar", block: "a new place" },
    holding: [],
  });
  const refusal = before.find((effect) => effect.kind === "refuse");
  assert.match(refusal?.error.message ?? "", /^forbidden: results of liar were found wrong/);
  if (stateOf(village, job) !== "done" && !village.isIdle(eva)) village.says(eva);
  assert.equal(stateOf(village, job), "done");
  assert.deepEqual(
    jobOutputs(village.state, job).map((output) => output?.root),
    ["0-0", "0-1"],
  );
  const caught = workerSummaries(village.state).filter(({ volunteer }) => volunteer?.caught);
  assert.deepEqual(
    caught.map(({ worker }) => worker),
    [liar],
  );
});

test("a task that gives an own worker two results accuses no volunteer, and fails the job", () => {
  const village = new Village();
  const [ana, eva] = [village.volunteer("ana"), village.volunteer("eva")];
  const job = village.submit(one());
  village.says(ana, "by chance 1");
  village.says(eva, "by chance 2");
  const own = village.join();
  village.says(own, "by chance 3");
  village.says(own, "by chance 4");
  const summary = jobSummary(village.state, job, village.atMs);
  assert.equal(summary?.failure?.code, "nondeterministic");
  assert.ok(workerSummaries(village.state).every(({ volunteer }) => !volunteer?.caught));
});

test("who leaves before its map output is judged is caught all the same", () => {
  const village = new Village();
  unchecked(village);
  const liar = trusted(village, "liar");
  const job = village.submit({ ...mapReduceSpec(1, 1), ...shared });
  const eva = village.volunteer("eva");
  village.says(liar, "a lie");
  // Its output is lost, and another says something else.
  village.lose(liar, "closed");
  village.says(eva);
  village.tell({
    kind: "worker-joined",
    worker: liar,
    owner: "liar",
    specs: testSpecs(),
    volunteer: { person: "liar", block: "block of liar" },
    holding: [],
    serving: [],
  });
  village.lose(liar, "bye");
  village.restartFromSnapshot();
  const own = village.join();
  while (!village.isIdle(own)) village.says(own);
  assert.equal(stateOf(village, job), "done");
  const caught = workerSummaries(village.state).filter(({ volunteer }) => volunteer?.caught);
  assert.deepEqual(
    caught.map(({ worker }) => worker),
    [liar],
  );
});

test("a dispute names where the two results differ, and how it was settled", () => {
  const village = new Village();
  const [liar, eva] = [village.volunteer("liar"), village.volunteer("eva")];
  const job = village.submit(one({}, 1));
  village.says(liar, "a lie");
  const compared = () => village.effects.filter(({ kind }) => kind === "compare-outputs");
  assert.equal(compared().length, 0);
  village.says(eva);
  const [effect] = compared();
  assert.ok(effect?.kind === "compare-outputs" && compared().length === 1);
  assert.deepEqual(
    effect.outputs.map(({ root, worker }) => [root, worker]),
    [
      ["a lie", liar],
      ["0-0", eva],
    ],
  );
  const record = { number: 7, first: "1", second: "2" };
  const { stage, task } = effect;
  const [first, second] = effect.outputs.map(({ attempt }) => attempt) as [number, number];
  village.tell({ kind: "outputs-compared", job, stage, task, attempts: [first, second], record });
  // Of another pair.
  const other = { ...record, number: 8 };
  village.tell({ kind: "outputs-compared", job, stage, task, attempts: [9, 10], record: other });
  village.restartFromSnapshot();
  const texts = () => whyJob(village.state, job, village.atMs)!.map(reasonText).join("\n");
  assert.match(
    texts(),
    new RegExp(
      `task 0 gave two results, by ${liar} and by ${eva}: record 7 is 1, and 2; who is right`,
    ),
  );
  const own = village.join();
  while (!village.isIdle(own)) village.says(own);
  assert.equal(stateOf(village, job), "done");
  assert.equal(compared().length, 1, "it is read once");
  assert.match(texts(), new RegExp(`record 7 is 1, and 2; found wrong: the result of ${liar}`));
  const { disputes } = jobSummary(village.state, job, village.atMs)!;
  assert.deepEqual(disputes, [
    { stage: "tasks", task, workers: [liar, eva], record, wrong: [liar] },
  ]);
});

test("a shared job says that no own worker is here to settle disputes", () => {
  const village = new Village();
  village.volunteer("ana");
  const job = village.submit(one({}, 2));
  const said = () => whyJob(village.state, job, village.atMs)!.map(({ kind }) => kind);
  assert.equal(jobSummary(village.state, job, village.atMs)?.unaudited, "no-own-worker");
  assert.ok(said().includes("no-own-worker"), said().join());
  village.join();
  assert.equal(jobSummary(village.state, job, village.atMs)?.unaudited, undefined);
  assert.ok(!said().includes("no-own-worker"));
});

test("without an own worker the majority decides, and the others begin anew", () => {
  const village = new Village();
  const [liar, eva] = [village.volunteer("liar"), village.volunteer("eva")];
  const job = village.submit(one());
  village.says(liar, "a lie");
  village.says(eva);
  const ada = village.volunteer("ada");
  village.says(ada);
  assert.equal(stateOf(village, job), "done");
  assert.equal(jobOutputs(village.state, job)[0]?.root, "0-0");
  const standings = workerSummaries(village.state).map(({ volunteer }) => volunteer?.valid);
  assert.deepEqual(standings, [0, 1, 1]);
});

test("a quorum of three needs three persons", () => {
  const village = new Village();
  const people = ["ana", "eva", "ada"].map((person) => village.volunteer(person));
  const job = village.submit(one({ trust: "quorum", quorum: { agree: 3, of: 5 } }));
  for (const [index, worker] of people.entries()) {
    assert.equal(stateOf(village, job), index < 3 ? "running" : "done");
    village.says(worker);
  }
  assert.equal(stateOf(village, job), "done");
});

test("what a volunteer says to fail is tried by an own worker, and costs no try", () => {
  const village = new Village();
  const ana = village.volunteer("ana");
  const job = village.submit(one({ limits: { ...testJob([]).limits, userErrorMax: 1 } }));
  const own = village.join();
  const failure = { code: "user-error", message: "no such function here", isFinal: true } as const;
  village.report(ana, village.runs(ana), { kind: "failed", failure });
  assert.equal(stateOf(village, job), "running");
  village.says(own);
  assert.equal(stateOf(village, job), "done");
});

test("a worker with the engine's own mathematics is compared within its engine only", () => {
  const village = new Village();
  const ana = village.volunteer("ana", { engine: "Chromium 156" });
  const own = village.join({ engine: "node 24" });
  const job = village.submit(one({ sameEngine: true }));
  if (village.isIdle(ana)) return assert.equal(village.runs(own).task, 0);
  village.says(ana, "last digit 7");
  assert.ok(village.isIdle(own), "another engine is no second opinion");
  const eva = village.volunteer("eva", { engine: "Chromium 156" });
  village.says(eva, "last digit 7");
  assert.equal(stateOf(village, job), "done");
});

test("Python of another engine or version is no second opinion", () => {
  const python = (engine: "cpython" | "pyodide", version: string) => ({
    kinds: [programKinds.python],
    python: { engine, version, packages: {} },
  });
  const village = new Village();
  const ana = village.volunteer("ana", python("pyodide", "3.14.0"));
  const own = village.join(python("cpython", "3.11.7"));
  const job = village.submit(one({ programKind: programKinds.python }));
  if (village.isIdle(ana)) return assert.equal(village.runs(own).task, 0);
  village.says(ana, "last digit 7");
  assert.ok(village.isIdle(own));
  const eva = village.volunteer("eva", python("pyodide", "3.14.2"));
  village.says(eva, "last digit 7");
  assert.equal(stateOf(village, job), "done");
});

test("what fails in a tab is tried by another kind of worker, at no cost of tries", () => {
  const village = new Village();
  const tab = village.join({ tab: true });
  const job = village.submit(
    testJob([testStage({ taskCount: 1 })], {
      limits: { ...testJob([]).limits, userErrorMax: 1 },
      backupTasks: false,
    }),
  );
  const node = village.join();
  const failure = { code: "user-error", message: "it is not a function", isFinal: true } as const;
  const lacking = village.runs(tab);
  village.report(tab, lacking, { kind: "failed", failure });
  assert.equal(stateOf(village, job), "running");
  assert.ok(village.isIdle(tab) && !village.isIdle(node));
  village.restartFromSnapshot();
  village.lose(node);
  assert.equal(village.runs(tab).task, lacking.task, "where there is no other, a tab has it again");
  village.report(tab, village.runs(tab), { kind: "failed", failure });
  assert.equal(stateOf(village, job), "failed");
});

test("all jobs have the time of their submission, and shared ones no chance", () => {
  const village = new Village();
  village.atMs = 12_345.5;
  const around = (over: Partial<JobSpec>) =>
    jobEnvironment(village.state, village.submit(testJob([testStage()], over)));
  assert.deepEqual(around({}), { frozenAtMs: 12_345 });
  assert.deepEqual(around({ clock: "real" }), {});
  assert.deepEqual(around({ share: "volunteers" }), { frozenAtMs: 12_345, refusesChance: true });
  assert.deepEqual(around({ share: "volunteers", chance: "real" }), { frozenAtMs: 12_345 });
});

/** Trusted from the start: ten results of it were confirmed. */
function trusted(village: Village, person: string, block?: string): WorkerId {
  const worker = village.volunteer(person, block === undefined ? {} : { block });
  village.state.trust.standings.set(`${person}\nnode`, { valid: 1e9 });
  return worker;
}

/** A seed with which no result of a trusted volunteer is checked at first. */
function unchecked(village: Village): void {
  village.tell({ kind: "coordinator-started", epoch: 1, trustSeed: 3 });
}

test("a wrong map output that was read costs its map task and its readers, no more", () => {
  const village = new Village();
  unchecked(village);
  const liar = trusted(village, "liar");
  const job = village.submit({ ...mapReduceSpec(2, 2), ...shared });
  village.says(liar, "0-0 wrong");
  village.says(liar);
  assert.equal(village.runs(liar).stage, 1, "both map outputs were believed");
  const own = village.join();
  village.says(own);
  // The other reduce task: caught by it, since another person says otherwise.
  const eva = village.volunteer("eva");
  village.state.trust.standings.clear();
  village.says(liar, "1-x wrong");
  village.says(village.isIdle(eva) ? own : eva);
  for (let n = 0; n < 20 && stateOf(village, job) === "running"; n++) {
    for (const worker of [own, eva]) {
      if (stateOf(village, job) === "running" && !village.isIdle(worker)) village.says(worker);
    }
  }
  assert.equal(stateOf(village, job), "done");
  assert.deepEqual(
    village.state.jobs.get(1)?.stages.map(({ outputs }) => outputs.map((output) => output?.root)),
    [
      ["0-0", "0-1"],
      ["1-0", "1-1"],
    ],
  );
  const { tally } = village.state.jobs.get(1)!.stages[0]!;
  assert.deepEqual([tally.outputRecords, tally.outputBytes], [2, 2]);
});

test("a finished job names what of it is in doubt, and exactly that is computed again", () => {
  const village = new Village();
  unchecked(village);
  const liar = trusted(village, "liar");
  const first = village.submit(one({}, 3));
  village.says(liar, "0-0 wrong");
  village.says(liar);
  const own = village.join();
  while (stateOf(village, first) === "running") {
    village.says(village.isIdle(own) ? liar : own);
  }
  assert.equal(jobOutputs(village.state, first)[0]?.root, "0-0 wrong");
  // Caught at another job.
  village.state.trust.standings.clear();
  const second = village.submit(one());
  if (village.isIdle(liar)) village.says(own);
  else village.says(liar, "a lie");
  while (stateOf(village, second) === "running" && !village.isIdle(own)) village.says(own);
  const doubtful = jobSummary(village.state, first, village.atMs)?.doubtful ?? 0;
  assert.ok(doubtful >= 1 && doubtful <= 3);
  village.restartFromSnapshot();
  const [reply] = village
    .tell({ kind: "job-rechecked", job: first, owner: "ann", digest: "d" })
    .filter((effect) => effect.kind === "reply");
  const again = reply?.value.job as JobId;
  let computed = 0;
  while (stateOf(village, again) === "running") {
    village.says(own);
    computed++;
  }
  assert.equal(computed, doubtful);
  assert.deepEqual(
    jobOutputs(village.state, again).map((output) => output?.root),
    ["0-0", "0-1", "0-2"],
  );
  const summary = jobSummary(village.state, again, village.atMs);
  const clock = jobEnvironment(village.state, first).frozenAtMs;
  assert.equal(jobEnvironment(village.state, again).frozenAtMs, clock, "it sees the same time");
  assert.deepEqual(summary?.recheck, { of: first, tasks: doubtful, changed: 1 });
  assert.equal(jobSummary(village.state, again, village.atMs)?.doubtful, undefined);
  assert.equal(jobOutputs(village.state, first)[0]?.root, "0-0 wrong", "what was stays");
  assert.equal(summary?.stages[0]?.outputRecords, 3);
});

test("X10: a trusted volunteer is still compared now and then", () => {
  const village = new Village();
  village.tell({ kind: "coordinator-started", epoch: 1, trustSeed: 11 });
  const ana = trusted(village, "ana");
  const job = village.submit(one({}, 400));
  // It is given the next one whatever becomes of the last.
  while (!village.isIdle(ana)) village.says(ana);
  const undecided = jobSummary(village.state, job, village.atMs)?.undecided ?? 0;
  assert.ok(undecided > 5 && undecided < 60, `${undecided} of 400`);
});
