/** The history of attempts agrees with what happened to them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JobId } from "../../core/ids.ts";
import { TestCluster, testJob, testStage } from "../../core/testing/fake-cluster.ts";
import { attemptNumbers, attemptOutcomes } from "../../wire/api/attempts.ts";
import { AttemptHistory, type AttemptHistoryLimits } from "./attempt-history.ts";

/** A cluster of the core whose events the history sees. */
class Watched extends TestCluster {
  readonly history: AttemptHistory;

  constructor(limits: Partial<AttemptHistoryLimits> = {}) {
    super();
    this.history = new AttemptHistory(limits);
  }

  override tell(event: Parameters<TestCluster["tell"]>[0]) {
    const effects = super.tell(event);
    this.history.see(this.events.at(-1)!, effects);
    return effects;
  }

  rows(job: JobId, of: "ended" | "running" = "ended"): Array<[string, ...number[]]> {
    const numbers = this.history.attempts(job, 0, this.atMs)?.[of] ?? [];
    const rows: Array<[string, ...number[]]> = [];
    for (let at = 0; at < numbers.length; at += attemptNumbers) {
      const last = numbers[at + 6]!;
      const name = `${attemptOutcomes[last % 8]}${last >= 8 ? " backup" : ""}`;
      rows.push([name, ...numbers.slice(at, at + 6)]);
    }
    return rows;
  }
}

test("done, lost and running attempts have their worker, start and length", () => {
  const cluster = new Watched();
  const [one, two] = [cluster.join(), cluster.join()];
  const job = cluster.submit(testJob([testStage({ taskCount: 3 })]));
  cluster.wait(500);
  cluster.report(one, cluster.running.get(one)![0]!, { durationMs: 200 });
  cluster.wait(100);
  cluster.lose(two);
  assert.deepEqual(cluster.rows(job), [
    ["done", 0, 0, 1, 1, 300, 200],
    ["lost", 0, 1, 1, 2, 0, 600],
  ]);
  assert.deepEqual(cluster.rows(job, "running"), [
    ["running", 0, 2, 1, 1, 500, 100],
    ["running", 0, 1, 2, 1, 600, 0],
  ]);
});

test("a backup is shown as such, and the slower attempt as stopped", () => {
  const cluster = new Watched();
  const [slow, quick] = [cluster.join(), cluster.join()];
  const job = cluster.submit(testJob([testStage({ taskCount: 20 })]));
  const first = cluster.running.get(slow)![0]!;
  while (cluster.running.get(quick)!.length > 0) {
    cluster.wait(100);
    cluster.report(quick, cluster.running.get(quick)![0]!, { durationMs: 100 });
    if (cluster.running.get(quick)!.some(({ attempt }) => attempt > 1)) break;
  }
  while (cluster.running.get(quick)!.length === 0) cluster.wait();
  cluster.report(quick, cluster.running.get(quick)![0]!, { durationMs: 100 });
  const ends = cluster.rows(job).filter(([, , task]) => task === first.task);
  assert.deepEqual(ends.map(([outcome]) => outcome).sort(), ["done backup", "stopped"]);
});

test("a ring keeps the newest, and reports that older ones are gone", () => {
  const cluster = new Watched({ perJobMax: 4, answerMax: 3 });
  const worker = cluster.join();
  const job = cluster.submit(testJob([testStage({ taskCount: 10 })]));
  for (let n = 0; n < 10; n++) cluster.report(worker, cluster.running.get(worker)![0]!);
  const first = cluster.history.attempts(job, 0, cluster.atMs)!;
  assert.deepEqual([first.partial, first.next, first.more], [true, 9, true]);
  assert.equal(first.ended.length, 3 * attemptNumbers);
  const rest = cluster.history.attempts(job, first.next, cluster.atMs)!;
  assert.deepEqual([rest.next, rest.more, rest.ended[1]], [10, false, 9]);
});

test("histories of all jobs together are bounded, and those of removed jobs go", () => {
  const cluster = new Watched({ allMax: 3 });
  const worker = cluster.join();
  const jobs = [2, 2, 2].map((taskCount) => cluster.submit(testJob([testStage({ taskCount })])));
  for (let n = 0; n < 6; n++) cluster.report(worker, cluster.running.get(worker)![0]!);
  const known = () => jobs.map((job) => cluster.history.attempts(job, 0, 0) !== null);
  assert.deepEqual(known(), [false, false, true]);
  cluster.tell({ kind: "job-removed", job: jobs[2]! });
  assert.deepEqual(known(), [false, false, false]);
});
