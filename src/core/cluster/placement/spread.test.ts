/** Where tasks with large input go. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { emptyState, loadState, saveState, step } from "../../coordinator.ts";
import type { JobSpec } from "../../job.ts";
import { testJob, testSpecs, testStage } from "../../testing/fake-cluster.ts";
import { workerSummaries } from "../../view.ts";
import { checkLaws } from "../laws.ts";

type Machine = { readonly host: string; readonly slots: number };
type Input = {
  readonly machines: readonly Machine[];
  readonly tasks: number;
  readonly inputBytes: number;
  readonly locality?: JobSpec["locality"];
};

/** Attempts that each worker gets. */
function placed({ inputBytes, locality = null, machines, tasks }: Input): number[] {
  const state = emptyState();
  step(state, { kind: "coordinator-started", atMs: 1, epoch: 1 });
  for (const machine of machines) {
    const join = { worker: null, owner: "o", holding: [], specs: testSpecs(machine) };
    step(state, { kind: "worker-joined", atMs: 2, ...join });
  }
  const stage = testStage({ kind: "map", taskCount: tasks, inputBytes });
  const submit = { owner: "o", key: null, digest: "d", spec: testJob([stage], { locality }) };
  step(state, { kind: "job-submitted", atMs: 3, ...submit });
  checkLaws(state);
  return workerSummaries(state).map(({ running }) => running);
}

const MB = 1_000_000;
const three = ["a", "b", "c"].map((host) => ({ host, slots: 2 }));

test("N5: three large tasks on three machines with two slots each go to one each", () => {
  assert.deepEqual(placed({ machines: three, tasks: 3, inputBytes: 201 * MB }), [1, 1, 1]);
  assert.deepEqual(placed({ machines: three, tasks: 4, inputBytes: 268 * MB }), [1, 1, 2]);
  assert.deepEqual(placed({ machines: three, tasks: 9, inputBytes: 603 * MB }), [2, 2, 2]);
});

test("workers of one machine count as one", () => {
  const machines = ["a", "a", "b"].map((host) => ({ host, slots: 1 }));
  assert.deepEqual(placed({ machines, tasks: 2, inputBytes: 134 * MB }), [1, 0, 1]);
});

test("a large input goes to the machine on which it lies while that has a free slot", () => {
  const on = (host: string, tasks: number) => {
    const locality = { hosts: [host], taskHost: new Array<number>(tasks).fill(0) };
    return placed({ machines: three, tasks, inputBytes: tasks * 67 * MB, locality });
  };
  assert.deepEqual(on("c", 2), [0, 0, 2]);
  assert.deepEqual(on("c", 4), [1, 1, 2]);
  assert.deepEqual(on("z", 3), [1, 1, 1]);
});

test("the tasks of a worker that comes back as another machine count there (I16)", () => {
  const state = emptyState();
  step(state, { kind: "coordinator-started", atMs: 1, epoch: 1 });
  const join = { kind: "worker-joined", worker: null, owner: "o", holding: [] } as const;
  for (const host of ["a", "b"]) {
    step(state, { ...join, atMs: 2, specs: testSpecs({ host, slots: 2 }) });
  }
  const stage = testStage({ kind: "map", taskCount: 4, inputBytes: 268 * MB });
  const submit = { owner: "o", key: null, digest: "d", spec: testJob([stage]) };
  step(state, { kind: "job-submitted", atMs: 3, ...submit });
  const { leases, onMachines } = state.jobs.get(1)!.stages[0]!;
  assert.deepEqual(
    [...onMachines],
    [
      ["a", 2],
      ["b", 2],
    ],
  );
  const holding = [...leases.values()].flat().filter(({ worker }) => worker === 1);
  const refs = holding.map(
    ({ attempt, task }) => ({ job: "j-1", stage: 0, task, attempt }) as const,
  );
  step(state, { ...join, atMs: 4, worker: "w-1", holding: refs, specs: testSpecs({ host: "c" }) });
  checkLaws(state);
  assert.deepEqual(
    new Map(onMachines),
    new Map([
      ["b", 2],
      ["c", 2],
    ]),
  );
  checkLaws(loadState(JSON.parse(JSON.stringify(saveState(state)))));
  step(state, { kind: "worker-lost", atMs: 5, worker: "w-2", reason: "silent" });
  checkLaws(state);
  assert.equal(onMachines.get("b"), undefined);
});
