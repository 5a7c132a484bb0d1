/** Lists that keep going when a task fails. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JobId } from "../ids.ts";
import type { Failure } from "../job.ts";
import { mapReduceSpec, TestCluster, testJob, testStage } from "../testing/fake-cluster.ts";
import { jobOutputs, jobSummary } from "../view.ts";
import { reasonText } from "../why/reasons.ts";
import { whyTask } from "../why/why.ts";
import { specProblem } from "./spec.ts";
import type { CoordinatorState } from "./state.ts";

const failure: Failure = { code: "user-error", message: "boom", isFinal: true };

function failedTasks(state: CoordinatorState, job: JobId) {
  return jobOutputs(state, job).flatMap((output, task) => {
    return output?.failure === undefined ? [] : [{ task, failure: output.failure }];
  });
}

function list(taskCount: number, keepGoing: boolean) {
  const cluster = new TestCluster();
  const worker = cluster.join({ slots: 4 });
  const stages = [testStage({ kind: "tasks", taskCount })];
  const job = cluster.submit(testJob(stages, keepGoing ? { keepGoing: true } : {}));
  /** Its next attempt. */
  const next = () => cluster.running.get(worker)?.[0];
  return { cluster, worker, job, next };
}

test("a list that keeps going ends with the results of the others", () => {
  const { cluster, worker, job, next } = list(5, true);
  for (let ref = next(); ref !== undefined; ref = next()) {
    const fails = ref.task === 1 || ref.task === 4;
    cluster.report(worker, ref, fails ? { kind: "failed", failure } : {});
  }
  const check = () => {
    const summary = jobSummary(cluster.state, job, 0);
    assert.equal(summary?.state, "done");
    assert.equal(summary?.failure, null);
    assert.equal(summary?.stages[0]?.tasksFailed, 2);
    const failed = failedTasks(cluster.state, job);
    assert.deepEqual(
      failed.map(({ task }) => task),
      [1, 4],
    );
    assert.match(failed[0]?.failure.message ?? "", /^task 1: boom$/);
    const [why] = whyTask(cluster.state, { job, stage: 0, task: 1 }, 0) ?? [];
    assert.equal(why && reasonText(why), "task 1 failed after 1 attempt");
  };
  check();
  cluster.restartFromSnapshot();
  check();
});

test("other lists fail with their first task, and no task is tried less often", () => {
  const { cluster, worker, job, next } = list(2, false);
  cluster.report(worker, next()!, { kind: "failed", failure });
  assert.equal(jobSummary(cluster.state, job, 0)?.state, "failed");
  const kept = list(1, true);
  const again: Failure = { code: "user-error", message: "boom" };
  let attempts = 0;
  for (; jobSummary(kept.cluster.state, kept.job, 0)?.state === "running"; attempts++) {
    const ref = kept.next();
    if (ref === undefined) kept.cluster.wait();
    else kept.cluster.report(kept.worker, ref, { kind: "failed", failure: again });
    assert.ok(attempts < 20, "it ends");
  }
  const [last] = failedTasks(kept.cluster.state, kept.job);
  assert.match(last?.failure.message ?? "", /failed 4 of 4 attempts; last: boom/);
});

test("a task that takes its workers with it is a failed one, too", () => {
  const { cluster, job } = list(1, true);
  for (let killed = 0; jobSummary(cluster.state, job, 0)?.state === "running"; killed++) {
    assert.ok(killed < 20, "it ends");
    const [worker, [ref] = []] = [...cluster.running].find(([, refs]) => refs.length > 0) ?? [];
    if (worker === undefined || ref === undefined) {
      cluster.join();
      continue;
    }
    const { attempt, job: of, stage, task } = ref;
    cluster.tell({
      kind: "attempts-started",
      worker,
      attempts: [{ job: of, stage, task, attempt }],
    });
    cluster.lose(worker);
  }
  assert.equal(jobSummary(cluster.state, job, 0)?.state, "done");
  assert.equal(failedTasks(cluster.state, job)[0]?.failure.code, "task-crashed");
});

test("code that does not build fails the whole list", () => {
  const { cluster, worker, job, next } = list(3, true);
  const broken: Failure = { code: "build-failed", message: "no module x" };
  cluster.report(worker, next()!, { kind: "failed", failure: broken });
  assert.equal(jobSummary(cluster.state, job, 0)?.state, "failed");
});

test("only lists keep going, and none that volunteers compute", () => {
  const stages = [testStage({ kind: "tasks", taskCount: 1 })];
  const refused = [
    { ...mapReduceSpec(1, 1), keepGoing: true } as const,
    testJob(stages, { keepGoing: true, share: "volunteers", trust: "audit" }),
  ];
  for (const spec of refused) assert.match(specProblem(spec)?.text ?? "", /keepGoing is for lists/);
  assert.equal(specProblem(testJob(stages, { keepGoing: true })), null);
});
