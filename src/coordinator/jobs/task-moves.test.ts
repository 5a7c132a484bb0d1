/** The moves of attempts, and the events that caused them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JobId } from "../../core/ids.ts";
import { TestCluster, testJob, testStage } from "../../core/testing/fake-cluster.ts";
import { moveText } from "../../core/why/history.ts";
import { TaskMoves } from "./task-moves.ts";

/** A cluster of the core whose events the recorder sees. */
class Watched extends TestCluster {
  readonly moves: TaskMoves;

  constructor(max?: number) {
    super();
    this.moves = new TaskMoves(max);
  }

  override tell(event: Parameters<TestCluster["tell"]>[0]) {
    const effects = super.tell(event);
    this.moves.see(this.events.at(-1)!, effects, this.events.length);
    return effects;
  }

  texts(job: JobId, task: number | null = null): string[] {
    const { moves } = this.moves.of(job, task === null ? null : { stage: 0, task });
    return moves.map(moveText);
  }
}

const spec = testJob([testStage({ taskCount: 2 })]);

test("an attempt that is lost, and the next one, have one cause", () => {
  const cluster = new Watched();
  const [one, two] = [cluster.join(), cluster.join()];
  const job = cluster.submit(spec);
  cluster.report(two, cluster.running.get(two)![0]!);
  cluster.lose(one);
  const events = cluster.events.length;
  const [first, lost, second] = cluster.texts(job, 0);
  assert.equal(first, `attempt 1 was assigned to ${one}, when a job was submitted (event 3)`);
  assert.equal(lost, `attempt 1 was lost with ${one}, when ${one} was lost (event ${events})`);
  assert.equal(second, `attempt 2 was assigned to ${two}, when ${one} was lost (event ${events})`);
});

test("what is done, failed, stopped and returned is listed, of one task or of all", () => {
  const cluster = new Watched();
  const [one, two] = [cluster.join(), cluster.join()];
  const job = cluster.submit(spec);
  const failure = { code: "user-error", message: "no" } as const;
  cluster.report(one, cluster.running.get(one)![0]!, { kind: "failed", failure });
  cluster.report(two, cluster.running.get(two)![0]!, { kind: "returned" });
  cluster.tell({ kind: "job-cancelled", job, by: "ann" });
  const all = cluster.texts(job);
  assert.match(all.join("\n"), /attempt 1 failed on w-1, when w-1 reported finished attempts/);
  assert.match(all.join("\n"), /attempt 1 was returned by w-2 without having run/);
  const ofOne = cluster.texts(job, 0);
  assert.ok(ofOne.length < all.length);
  assert.deepEqual(
    all.filter((text) => ofOne.includes(text)),
    ofOne,
  );
});

test("only the newest moves are kept, and the answer says so", () => {
  const cluster = new Watched(4);
  const worker = cluster.join();
  const job = cluster.submit(testJob([testStage({ taskCount: 5 })]));
  const whole = cluster.moves.of(job, null);
  assert.equal(whole.partial, false);
  while (cluster.running.get(worker)!.length > 0) {
    cluster.report(worker, cluster.running.get(worker)![0]!);
  }
  const { moves, partial } = cluster.moves.of(job, null);
  assert.equal(partial, true);
  assert.equal(moves.length, 4);
  assert.deepEqual(moves.at(-1)?.cause.kind, "attempts-reported");
});
