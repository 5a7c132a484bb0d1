/** Trust that volunteers earned with one owner of jobs does not count with another. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { submission, testJob, testStage } from "../../testing/fake-cluster.ts";
import { loadState, saveState } from "../snapshot.ts";
import { trustAfter, validOf, witnessOf } from "./standing.ts";
import { Village } from "./testing.ts";

const started = { kind: "coordinator-started", epoch: 1, trustSeed: 3 } as const;

function computed({ state }: Village): number {
  return [...state.workers.values()].reduce((sum, { done }) => sum + done, 0);
}

/** How many results ana and eva compute for a job of `owner`. */
function compute(village: Village, owner: string, tasks: number): number {
  const before = computed(village);
  const stage = testStage({ taskCount: tasks });
  const spec = testJob([stage], { share: "volunteers", backupTasks: false });
  village.tell(submission(spec, null, owner));
  for (let n = 0; n < 10 * tasks && village.state.active.size > 0; n++) {
    for (const worker of [...village.running.keys()]) {
      if (!village.isIdle(worker)) village.says(worker);
    }
  }
  assert.equal(village.state.active.size, 0, "the job is done");
  return computed(village) - before;
}

test("each owner has the first results of a volunteer compared", () => {
  const village = new Village();
  village.tell({ ...started, trustsByOwner: true });
  const [ana] = [village.volunteer("ana"), village.volunteer("eva")];
  const tasks = 4 * trustAfter;
  compute(village, "bob", tasks);
  const again = compute(village, "bob", tasks);
  assert.ok(again < 1.5 * tasks, `${again} results: bob's are compared now and then`);
  const first = compute(village, "ann", trustAfter / 2);
  assert.equal(first, trustAfter, "all of ann's first ones are compared");
  const witness = witnessOf(village.state.workers.get(Number(ana.slice(2)))!);
  const state = loadState(JSON.parse(JSON.stringify(saveState(village.state))));
  for (const one of [village.state, state]) {
    assert.ok(validOf(one, witness, "bob") > trustAfter);
    assert.equal(validOf(one, witness, "ann"), trustAfter / 2);
    assert.equal(validOf(one, witness, "eve"), 0);
    assert.ok(validOf(one, witness) > trustAfter);
  }
});

test("a log from before is replayed as it was written: trust counts for all owners", () => {
  const village = new Village();
  village.tell(started);
  village.volunteer("ana");
  village.volunteer("eva");
  compute(village, "bob", 4 * trustAfter);
  assert.ok(compute(village, "ann", 4 * trustAfter) < 1.5 * 4 * trustAfter);
});
