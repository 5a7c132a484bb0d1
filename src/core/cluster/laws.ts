/** The numbered laws that hold after every step, checked by tests and by the simulation. Each
 *  throws with its number. `LawWatch` also remembers, for the laws about what may never change.
 *
 *  All that is checked for each job, stage, worker or task makes its text only when it is broken:
 *  the texts would be most of the work. */

import { assert } from "../error.ts";
import type { TaskOutput } from "../job.ts";
import { checkSharing } from "../sharing/laws.ts";
import { hasLargeInput, machineOf } from "./placement/spread.ts";
import { checkShares } from "./shares/laws.ts";
import { isHeldBack, isOpen } from "./shuffle.ts";
import {
  type CoordinatorState,
  DONE,
  type JobRecord,
  type Lease,
  READY,
  RUNNING,
  type Stage,
  WAITING,
  type WorkerRecord,
} from "./state.ts";
import { brokenByAudits, brokenByVouchers } from "./trust/laws.ts";
import { isShared, isTracked } from "./trust/standing.ts";

/** Checks the state as it is: I2, I4–I6, I8–I11, I15, I16, I20, I27–I30. Cost: one pass over all
 *  tasks and files. */
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
    const broken = brokenByWorker(state, worker);
    if (broken !== null) assert(false, `I18: w-${worker.number} ${broken}`);
  }
  const audits = brokenByAudits(state);
  if (audits !== null) assert(false, audits);
  checkShares(state);
  checkSharing(state.sharing);
  const ended = state.jobs.size - state.active.size;
  assert(state.retained.ended.size === ended, "I7: every ended job is kept until it is removed");
  if (held !== leases) assert(false, `I16: workers hold ${held} leases, tasks know ${leases}`);
  if (slots === state.slots) return;
  assert(false, `I16: ${slots} slots are live, ${state.slots} are counted`);
}

function brokenByWorker(state: CoordinatorState, worker: WorkerRecord): string | null {
  const asks = state.hungry.has(worker.number) || state.choosy.has(worker.number);
  if (worker.pause !== null && asks) return "is paused and counts as hungry";
  if (worker.caught && (asks || worker.leases.size > 0)) return "was caught and gets tasks";
  return !worker.live && worker.leases.size > 0 ? "is lost and holds leases" : null;
}

function checkJob(state: CoordinatorState, job: JobRecord): number {
  let leases = 0;
  for (const stage of job.stages) {
    leases += checkStage(job, stage);
    if (hasLargeInput(stage)) checkMachines(state, stage);
  }
  const broken = brokenByJob(state, job, leases);
  if (broken !== null) assert(false, broken.replace(" ", ` j-${job.number} `));
  return leases;
}

/** As `brokenByTask`. */
function brokenByJob(state: CoordinatorState, job: JobRecord, leases: number): string | null {
  const isRunning = job.state === "running";
  if (isRunning !== state.active.has(job.number)) return "I7: active";
  if (leases !== job.running) return `I16: counts ${job.running} leases of ${leases}`;
  if (!isRunning && leases > 0) return "I10: has ended and holds leases";
  if (job.state !== "done") return null;
  const open = job.stages.some(({ counts, spec }) => counts.done !== spec.taskCount);
  return open ? "I10: is done with open tasks" : null;
}

function checkStage(job: JobRecord, stage: Stage): number {
  const counts = [0, 0, 0, 0, 0];
  let leases = 0;
  const open = isOpen(job, stage);
  const seen: TaskSeen = { job, stage, open, task: 0, held: noLeases };
  const areSome = stage.leases.size > 0;
  for (let task = 0; task < stage.spec.taskCount; task++) {
    const state = stage.state[task] as number;
    counts[state] = (counts[state] as number) + 1;
    seen.task = task;
    if (areSome) {
      seen.held = stage.leases.get(task) ?? noLeases;
      leases += seen.held.length;
    }
    const broken = brokenByTask(seen);
    if (broken !== null) assert(false, broken.replace(" ", ` ${nameOf(stage)}/${task} `));
  }
  const known = stage.counts;
  const same =
    counts[0] === known.waiting &&
    counts[1] === known.ready &&
    counts[2] === known.running &&
    counts[3] === known.done;
  if (!same) {
    const told = JSON.stringify(known);
    assert(false, `I16: ${nameOf(stage)} counts ${told}, columns say ${counts}`);
  }
  if (job.state === "running") checkNoLimbo(stage, open);
  return leases;
}

/** I16: what is kept by machine is what the leases say. */
function checkMachines(state: CoordinatorState, stage: Stage): void {
  const load = new Map<string, number>();
  for (const { worker } of [...stage.leases.values()].flat()) {
    const machine = machineOf(state.workers.get(worker) as WorkerRecord);
    load.set(machine, (load.get(machine) ?? 0) + 1);
  }
  const known = stage.onMachines;
  const isSame = known.size === load.size && [...load].every(([at, n]) => known.get(at) === n);
  if (!isSame) assert(false, `I16: ${nameOf(stage)} counts other leases by machine than it has`);
}

function nameOf({ index, job }: Stage): string {
  return `j-${job}/${index}`;
}

const noLeases: readonly Lease[] = [];

/** One for all tasks of a stage, which it is shown one after the other. */
type TaskSeen = {
  readonly job: JobRecord;
  readonly stage: Stage;
  readonly open: boolean;
  task: number;
  held: readonly Lease[];
};

/** The law that one task breaks, with its number first; null when it breaks none. */
function brokenByTask({ job, stage, open, task, held }: TaskSeen): string | null {
  const state = stage.state[task] as number;
  const attempts = stage.attempts[task] as number;
  if (held.length > 2) return `I6: has ${held.length} leases`;
  if (held.length === 2 && held[0]?.worker === held[1]?.worker) return "I6: twice there";
  if ((state === RUNNING) !== held.length > 0) return `I8: in state ${state}, leases`;
  for (const lease of held) if (lease.attempt > attempts) return "I5: attempt";
  if ((stage.committed[task] as number) > attempts) return "I4: commit";
  if (state === DONE && stage.outputs[task] === null) return "I3: done, no output";
  if (state === DONE && stage.opinions.open.has(task)) return "I27: is done and undecided";
  if (state === DONE && job.state === "running" && isShared(job)) {
    const broken = brokenByVouchers(job, stage, task);
    if (broken !== null) return broken;
  }
  if (state === READY && !open) return "I9: is ready before its input";
  if (stage.arriving.has(task) && (state !== WAITING || attempts > 0)) {
    return "I30: was given out before its input arrived";
  }
  if ((stage.userErrors[task] as number) > job.spec.limits.userErrorMax) return "I15: errors";
  return null;
}

/** I8: a waiting task waits for its input or for a back-off; a ready one is in a queue. */
function checkNoLimbo(stage: Stage, open: boolean): void {
  const { ready, waiting } = stage.counts;
  let queued = 0;
  for (const queue of stage.queues) {
    queued += queue.count((task) => stage.state[task] === READY);
  }
  const { checks, forOwn, ownChecks } = stage.opinions;
  checks.count((task) => {
    if (stage.state[task] !== READY) return false;
    queued++;
    return true;
  });
  ownChecks.count((task) => {
    if (stage.state[task] !== READY) return false;
    if (!forOwn.has(task)) assert(false, `I27: ${nameOf(stage)}/${task} waits for own workers`);
    queued++;
    return true;
  });
  if (queued !== ready) assert(false, `I8: ${nameOf(stage)}: ${queued} queued, ${ready} ready`);
  // The counts have just been compared with the column.
  if (!open || waiting === 0) return;
  for (let task = 0; task < stage.spec.taskCount; task++) {
    const limbo = stage.state[task] === WAITING && !isHeldBack(stage, task);
    if (limbo) assert(false, `I8: ${nameOf(stage)}/${task} waits for nothing`);
  }
}

/** What was last seen of one stage, task by task. */
type StageSeen = {
  readonly attempts: Uint32Array;
  /** Of final outputs: by which attempt, and what. */
  readonly committed: Uint32Array;
  readonly outputs: Array<TaskOutput | null>;
};

/** The laws about time: what was so must stay so. Call `see` after every step. */
export class LawWatch {
  private readonly stages = new Map<number, StageSeen[]>();
  private readonly ended = new Map<number, string>();

  see(state: CoordinatorState): void {
    checkLaws(state);
    for (const job of state.jobs.values()) {
      const before = this.ended.get(job.number);
      if (before !== undefined) {
        if (before !== job.state) assert(false, `I7: j-${job.number} ended twice`);
      } else if (job.state !== "running") this.ended.set(job.number, job.state);
      const seen = this.seenOf(job);
      for (const [index, stage] of job.stages.entries()) {
        seeStage(stage, seen[index] as StageSeen, isTracked(job));
      }
    }
  }

  private seenOf(job: JobRecord): StageSeen[] {
    const before = this.stages.get(job.number);
    if (before !== undefined) return before;
    const seen = job.stages.map(({ spec: { taskCount } }) => ({
      attempts: new Uint32Array(taskCount),
      committed: new Uint32Array(taskCount),
      outputs: new Array<TaskOutput | null>(taskCount).fill(null),
    }));
    this.stages.set(job.number, seen);
    return seen;
  }
}

/** `mayChange`: results of a volunteer that was caught or outvoted are replaced, by later attempts,
 *  and so is what was computed from them. */
function seeStage(stage: Stage, seen: StageSeen, mayChange: boolean): void {
  const isFinal = stage.spec.partitionCount === 0;
  for (let task = 0; task < stage.spec.taskCount; task++) {
    const attempt = stage.attempts[task] as number;
    if (attempt < (seen.attempts[task] as number)) {
      assert(false, `I5: ${stage.job}/${stage.index}/${task} goes back to ${attempt}`);
    }
    seen.attempts[task] = attempt;
    // Intermediate output may be lost and made again (then by another attempt); the final one
    // never.
    if (!isFinal || stage.state[task] !== DONE) continue;
    const output = stage.outputs[task] as TaskOutput;
    const committed = stage.committed[task] as number;
    const before = seen.outputs[task] ?? null;
    if (before === output && seen.committed[task] === committed) continue;
    const isLater = mayChange && committed > (seen.committed[task] as number);
    if (
      before !== null &&
      !isLater &&
      !isSame(before, output, seen.committed[task] === committed)
    ) {
      assert(false, `I3: ${stage.job}/${stage.index}/${task} was committed twice`);
    }
    seen.outputs[task] = output;
    seen.committed[task] = committed;
  }
}

function isSame(before: TaskOutput, output: TaskOutput, sameAttempt: boolean): boolean {
  return sameAttempt && JSON.stringify(before) === JSON.stringify(output);
}
