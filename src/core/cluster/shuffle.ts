/** Between the stages: when a stage may begin, and what happens when map output is lost.
 *
 *  1. A reduce task is `waiting` until every task of its input stage is done (I9).
 *  2. A lost output makes its task `ready` again as long as a reduce task still needs it; reduce
 *     tasks that are ready go back to `waiting`, those that run are left to finish or to report
 *     what they miss.
 *  3. Computed again, the output must be the same bytes, or no reduce task may have used the old
 *     ones. */
import type { Effect } from "../effect.ts";
import { jobId, workerId } from "../ids.ts";
import type { TaskOutput } from "../job.ts";
import { endLease, jobOf, makeReady } from "./leases.ts";
import { place } from "./shares.ts";
import {
  type CoordinatorState,
  DONE,
  type JobRecord,
  READY,
  RUNNING,
  type Stage,
  setTask,
  WAITING,
} from "./state.ts";

/** Times that one map output may be lost before the job is given up: members cannot reach each
 *  other. */
export const outputLossMax = 20;

export function inputOf(job: JobRecord, stage: Stage): Stage | null {
  return stage.spec.inputStage === null ? null : (job.stages[stage.spec.inputStage] as Stage);
}

/** The stage that reads this one's partitions. */
export function consumerOf(job: JobRecord, stage: Stage): Stage | null {
  return job.stages.find((other) => other.spec.inputStage === stage.index) ?? null;
}

export function isOpen(job: JobRecord, stage: Stage): boolean {
  const input = inputOf(job, stage);
  return input === null || input.counts.done === input.spec.taskCount;
}

/** Makes the waiting tasks of a stage ready if its input is complete. */
export function openStage(state: CoordinatorState, job: JobRecord, stage: Stage): void {
  if (!isOpen(job, stage)) return;
  for (let task = 0; task < stage.spec.taskCount; task++) {
    if (stage.state[task] === WAITING && !inBackoff(stage, task)) makeReady(state, stage, task);
  }
}

/** Ready tasks wait again, since an output that they need is being computed. */
export function closeStage(stage: Stage): void {
  const { checks, ownChecks } = stage.opinions;
  for (const queue of [...stage.queues, checks, ownChecks]) while (queue.shift() !== undefined);
  for (let task = 0; task < stage.spec.taskCount; task++) {
    if (stage.state[task] === READY) setTask(stage, task, WAITING);
  }
}

/** A task in back-off is `waiting` too; its deadline makes it ready. */
export function inBackoff(stage: Stage, task: number): boolean {
  return stage.backoffs.has(task);
}

/** The committed output of a task is gone. Returns false when that has happened too often. */
export function loseOutput(state: CoordinatorState, stage: Stage, task: number): boolean {
  const job = jobOf(state, stage.job);
  if (stage.state[task] !== DONE || job.state !== "running") return true;
  const consumer = consumerOf(job, stage);
  stage.holder[task] = 0;
  if (consumer === null || consumer.counts.done === consumer.spec.taskCount) return true;
  const lost = (stage.setbacks[task] as number) + 1;
  stage.setbacks[task] = lost;
  stage.sourcesVersion++;
  stage.tally.attemptsLost++;
  makeReady(state, stage, task);
  closeStage(consumer);
  place(state, job);
  return lost <= outputLossMax;
}

/** A stage that was complete is not any more: what it reads, and no worker keeps, is to be computed
 *  again. */
export function requireInputs(state: CoordinatorState, job: JobRecord, stage: Stage): void {
  const input = inputOf(job, stage);
  if (input === null) return;
  for (let task = 0; task < input.spec.taskCount; task++) {
    if (input.state[task] === DONE && input.holder[task] === 0) loseOutput(state, input, task);
  }
}

/** Marks as lost all outputs that a worker held and that are still needed. */
export function loseOutputsOf(
  state: CoordinatorState,
  worker: number,
  stillServed: (job: number, stage: number, task: number) => boolean,
): void {
  for (const number of state.active) {
    for (const stage of jobOf(state, number).stages) {
      if (stage.spec.partitionCount === 0) continue;
      for (let task = 0; task < stage.spec.taskCount; task++) {
        if (stage.holder[task] === worker && !stillServed(number, stage.index, task)) {
          loseOutput(state, stage, task);
        }
      }
      loseOpinionsOf(state, stage, worker, stillServed);
    }
  }
}

/** An opinion without its partitions could not be committed. */
function loseOpinionsOf(
  state: CoordinatorState,
  stage: Stage,
  worker: number,
  stillServed: (job: number, stage: number, task: number) => boolean,
): void {
  if (state.workers.get(worker)?.specs.exchangeUrl === "") return;
  const { open } = stage.opinions;
  for (const [task, opinions] of open) {
    const left = opinions.filter((one) => one.worker !== worker);
    if (left.length === opinions.length || stillServed(stage.job, stage.index, task)) continue;
    if (left.length === 0) open.delete(task);
    else open.set(task, left);
  }
}

/** Called when an output is committed again: is it the one that was lost? Ends running readers of
 *  the old bytes; returns false when a reader has already committed. */
export function sameOutput(
  state: CoordinatorState,
  stage: Stage,
  change: { before: TaskOutput | null; after: TaskOutput; effects: Effect[] },
): boolean {
  const job = jobOf(state, stage.job);
  if (change.before === null || change.before.root === change.after.root) return true;
  const consumer = consumerOf(job, stage);
  if (consumer === null) return true;
  if (consumer.counts.done > 0) return false;
  for (const lease of [...consumer.leases.values()].flat()) {
    endLease(state, lease);
    change.effects.push({
      kind: "abort",
      worker: workerId(lease.worker),
      attempts: [
        { job: jobId(lease.job), stage: lease.stage, task: lease.task, attempt: lease.attempt },
      ],
    });
    if (consumer.state[lease.task] === RUNNING) setTask(consumer, lease.task, WAITING);
  }
  return true;
}
