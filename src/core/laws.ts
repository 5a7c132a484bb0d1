/** The numbered laws that hold after every step, checked by tests and by the simulation. Each
 *  throws with its
 *  number. `LawWatch` also remembers, for the laws about what may never change. */

import { isOpen } from "./cluster/shuffle.ts";
import {
  type CoordinatorState,
  DONE,
  type JobRecord,
  READY,
  RUNNING,
  type Stage,
  WAITING,
} from "./cluster/state.ts";
import { assert } from "./error.ts";

/** Checks the state as it is: I2, I4–I6, I8–I10, I15, I16. Cost: one pass over all tasks. */
export function checkLaws(state: CoordinatorState): void {
  const keys = new Set<number>(state.keys.values());
  assert(keys.size === state.keys.size, "I2: one job per submitter and key");
  let leases = 0;
  for (const job of state.jobs.values()) leases += checkJob(state, job);
  let held = 0;
  let slots = 0;
  for (const worker of state.workers.values()) {
    held += worker.leases.size;
    if (worker.live) slots += worker.specs.slots;
    assert(
      worker.live || worker.leases.size === 0,
      `I18: w-${worker.number} is lost and holds leases`,
    );
  }
  assert(held === leases, `I16: workers hold ${held} leases, tasks know ${leases}`);
  assert(slots === state.slots, `I16: ${slots} slots are live, ${state.slots} are counted`);
}

function checkJob(state: CoordinatorState, job: JobRecord): number {
  const name = `j-${job.number}`;
  assert((job.state === "running") === state.active.has(job.number), `I7: ${name} active`);
  let leases = 0;
  for (const stage of job.stages) leases += checkStage(job, stage);
  assert(leases === job.running, `I16: ${name} counts ${job.running} leases of ${leases}`);
  if (job.state === "done") {
    for (const stage of job.stages) {
      assert(stage.counts.done === stage.spec.taskCount, `I10: ${name} is done with open tasks`);
    }
  }
  assert(job.state === "running" || leases === 0, `I10: ${name} has ended and holds leases`);
  return leases;
}

function checkStage(job: JobRecord, stage: Stage): number {
  const name = `j-${job.number}/${stage.index}`;
  const counts = [0, 0, 0, 0, 0];
  let leases = 0;
  const open = isOpen(job, stage);
  for (let task = 0; task < stage.spec.taskCount; task++) {
    const state = stage.state[task] as number;
    counts[state] = (counts[state] as number) + 1;
    const held = stage.leases.get(task) ?? [];
    leases += held.length;
    assert(held.length <= 2, `I6: ${name}/${task} has ${held.length} leases`);
    assert(
      held.length < 2 || held[0]?.worker !== held[1]?.worker,
      `I6: ${name}/${task} twice there`,
    );
    assert(
      (state === RUNNING) === held.length > 0,
      `I8: ${name}/${task} in state ${state}, leases`,
    );
    for (const lease of held) {
      assert(lease.attempt <= (stage.attempts[task] as number), `I5: ${name}/${task} attempt`);
    }
    const committed = stage.committed[task] as number;
    assert(committed <= (stage.attempts[task] as number), `I4: ${name}/${task} commit`);
    assert(state !== DONE || stage.outputs[task] !== null, `I3: ${name}/${task} done, no output`);
    assert(state !== READY || open, `I9: ${name}/${task} is ready before its input`);
    const { userErrorMax } = job.spec.limits;
    assert((stage.userErrors[task] as number) <= userErrorMax, `I15: ${name}/${task} errors`);
  }
  const known = stage.counts;
  const same =
    counts[0] === known.waiting &&
    counts[1] === known.ready &&
    counts[2] === known.running &&
    counts[3] === known.done;
  assert(same, `I16: ${name} counts ${JSON.stringify(known)}, columns say ${counts}`);
  if (job.state === "running") checkNoLimbo(stage, open, name);
  return leases;
}

/** I8: a waiting task waits for its input or for a back-off; a ready one is in a queue. */
function checkNoLimbo(stage: Stage, open: boolean, name: string): void {
  let queued = 0;
  for (const queue of stage.queues) {
    for (const task of queue.toArray()) if (stage.state[task] === READY) queued++;
  }
  assert(
    queued === stage.counts.ready,
    `I8: ${name}: ${queued} queued, ${stage.counts.ready} ready`,
  );
  if (!open) return;
  for (let task = 0; task < stage.spec.taskCount; task++) {
    const limbo = stage.state[task] === WAITING && !stage.backoffs.has(task);
    assert(!limbo, `I8: ${name}/${task} waits for nothing`);
  }
}

/** The laws about time: what was so must stay so. Call `see` after every step. */
export class LawWatch {
  private readonly attempts = new Map<string, number>();
  private readonly outputs = new Map<string, string>();
  private readonly ended = new Map<number, string>();

  see(state: CoordinatorState): void {
    checkLaws(state);
    for (const job of state.jobs.values()) {
      const before = this.ended.get(job.number);
      assert(before === undefined || before === job.state, `I7: j-${job.number} ended twice`);
      if (job.state !== "running") this.ended.set(job.number, job.state);
      for (const stage of job.stages) this.seeStage(job, stage);
    }
  }

  private seeStage(job: JobRecord, stage: Stage): void {
    for (let task = 0; task < stage.spec.taskCount; task++) {
      const name = `${job.number}/${stage.index}/${task}`;
      const attempt = stage.attempts[task] as number;
      assert(attempt >= (this.attempts.get(name) ?? 0), `I5: ${name} goes back to ${attempt}`);
      this.attempts.set(name, attempt);
      // Intermediate output may be lost and made again (then by another attempt); the final one
      // never.
      if (stage.spec.partitionCount > 0 || stage.state[task] !== DONE) continue;
      const output = `${stage.committed[task]} ${JSON.stringify(stage.outputs[task])}`;
      const before = this.outputs.get(name);
      assert(before === undefined || before === output, `I3: ${name} was committed twice`);
      this.outputs.set(name, output);
    }
  }
}
