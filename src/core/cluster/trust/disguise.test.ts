/** What the numbers of its tasks tell a volunteer: nothing of who had them before. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { submission, testJob, testStage } from "../../testing/fake-cluster.ts";
import { jobOutputs } from "../../view.ts";
import { reasonText } from "../../why/reasons.ts";
import { whyTask } from "../../why/why.ts";
import { Village } from "./testing.ts";

const shared = { share: "volunteers", backupTasks: false } as const;

function submit(village: Village, taskCount: number, disguise?: number): void {
  const spec = testJob([testStage({ taskCount })], shared);
  village.tell({ ...submission(spec), ...(disguise === undefined ? {} : { disguise }) } as never);
}

/** Ana's first tasks, half of which an own worker has computed. */
function given(disguise: number) {
  const village = new Village();
  village.tell({ kind: "coordinator-started", epoch: 1, trustSeed: 3, canaryShare: 1 });
  const own = village.join({ slots: 1 });
  submit(village, 100, disguise);
  for (let n = 0; n < 8; n++) village.says(own);
  const isDone = (task: number) => (jobOutputs(village.state, "j-1")[task] ?? null) !== null;
  const ana = village.volunteer("ana", { slots: 4 });
  const refs = village.running.get(ana) ?? [];
  return refs.map((ref) => ({ ...ref, isKnown: isDone(ref.task) }));
}

test("attempts of a shared job begin at any number, and tasks come in any order", () => {
  const all = Array.from({ length: 40 }, (_, n) => given(7_919 * (n + 1))).flat();
  const known = all.filter(({ isKnown }) => isKnown);
  const others = all.filter(({ isKnown }) => !isKnown);
  assert.ok(known.length >= 40 && others.length >= 40, `${known.length}, ${others.length}`);
  const mean = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b) / numbers.length;
  for (const some of [known, others]) {
    const attempts = some.map(({ attempt }) => attempt);
    // Uniform from 1 to 10,000, and from 0 to 99: half, give or take six standard errors.
    assert.ok(Math.abs(mean(attempts) - 5_000) < (6 * 2_900) / Math.sqrt(some.length));
    const tasks = mean(some.map(({ task }) => task));
    assert.ok(Math.abs(tasks - 49.5) < (6 * 29) / Math.sqrt(some.length), `${tasks}`);
  }
});

test("each task is given out once, in windows of 256, the same ones after a restart", () => {
  const village = new Village();
  const own = village.join({ slots: 1 });
  submit(village, 600, 2 ** 46 + 12_345);
  const before: number[] = [];
  const attempts: number[] = [];
  while (!village.isIdle(own)) {
    if (before.length === 300) village.restartFromSnapshot();
    const { attempt, task } = village.runs(own);
    before.push(task);
    attempts.push(attempt);
    village.says(own);
  }
  for (const [start, end] of [
    [0, 256],
    [256, 512],
    [512, 600],
  ] as const) {
    const some = before.slice(start, end);
    assert.notDeepEqual(
      some,
      some.toSorted((a, b) => a - b),
    );
    assert.deepEqual(
      some.toSorted((a, b) => a - b),
      Array.from({ length: end - start }, (_, n) => start + n),
    );
  }
  assert.ok(new Set(attempts).size > 500, "attempts have numbers of their own");
});

test("people see how many attempts there were", () => {
  const village = new Village();
  const own = village.join({ slots: 1 });
  submit(village, 3, 99);
  const { attempt, stage, task } = village.runs(own);
  assert.ok(attempt > 1);
  const [first] = whyTask(village.state, { job: "j-1", stage, task }, village.atMs) ?? [];
  assert.match(reasonText(first!), /is running, attempt 1$/);
  const failure = { code: "user-error", message: "boom" } as const;
  village.report(own, village.runs(own), { kind: "failed", failure });
  const [again] = whyTask(village.state, { job: "j-1", stage, task }, village.atMs) ?? [];
  assert.match(reasonText(again!), /after 1 attempt$/);
});

test("other jobs count attempts from 1 and go in the order of their tasks", () => {
  const village = new Village();
  const own = village.join({ slots: 1 });
  submit(village, 3);
  for (let n = 0; n < 3; n++) {
    const { attempt, task } = village.runs(own);
    assert.deepEqual([attempt, task], [1, n]);
    village.says(own);
  }
});
