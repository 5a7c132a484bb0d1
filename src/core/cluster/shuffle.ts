/** Between the stages: when a stage may begin, and what happens when map output is lost.
 *
 *  1. A reduce task is `waiting` until every task of its input stage is done (I9).
 *  2. A lost output makes its task `ready` again as long as a reduce task still needs it; reduce
 *     tasks that are ready go back to `waiting`, those that run are left to finish or to report
 *     what they miss.
 *  3. Computed again, the output must be the same bytes, or no reduce task may have used the old
 *     ones.
 *  4. A lost worker that comes back with its outputs has them again, even if others compute them by
 *     then: a cluster that was cut in two repeats nothing.
 *  5. A worker that comes back at another address keeps its outputs, and readers are informed. */
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
import { taskOrder } from "./trust/disguise.ts";
import { loseFrom } from "./trust/opinion.ts";
import { refOf } from "./workers/ref.ts";

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
  const order = taskOrder(job, stage);
  for (let at = 0; at < stage.spec.taskCount; at++) {
    const task = order?.[at] ?? at;
    if (stage.state[task] === WAITING && !isHeldBack(stage, task)) makeReady(state, stage, task);
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

/** A task in back-off is `waiting` too, and so is one whose input is on its way: a deadline, or its
 *  arrival, makes it ready. */
export function isHeldBack({ arriving, backoffs }: Stage, task: number): boolean {
  return backoffs.has(task) || arriving.has(task);
}

/** The committed output of a task is gone. Returns false when that has happened too often. */
export function loseOutput(state: CoordinatorState, stage: Stage, task: number): boolean {
  const job = jobOf(state, stage.job);
  if (stage.state[task] !== DONE || job.state !== "running") return true;
  const consumer = consumerOf(job, stage);
  stage.holder[task] = 0;
  stage.astray.delete(task);
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

/** Whether a worker still serves the output of a task. */
type Serves = (job: number, stage: number, task: number) => boolean;

/** Marks as lost all outputs that a worker held and that are still needed. `isGone`: it may come
 *  back with them. */
export function loseOutputsOf(
  state: CoordinatorState,
  { isGone, number: worker }: { readonly number: number; readonly isGone: boolean },
  stillServed: Serves,
): void {
  for (const number of state.active) {
    for (const stage of jobOf(state, number).stages) {
      if (stage.spec.partitionCount === 0) continue;
      for (let task = 0; task < stage.spec.taskCount; task++) {
        if (stage.holder[task] !== worker || stillServed(number, stage.index, task)) continue;
        loseOutput(state, stage, task);
        if (isGone && stage.state[task] !== DONE) stage.astray.set(task, worker);
      }
      loseOpinionsOf(state, stage, worker, stillServed);
    }
  }
}

/** Outputs with which a lost worker comes back count again, when they are needed still; attempts
 *  that compute them meanwhile are aborted. */
export function regainOutputsOf(
  state: CoordinatorState,
  { effects, number: worker }: { readonly number: number; readonly effects: Effect[] },
  serves: Serves,
): void {
  for (const number of state.active) {
    const job = jobOf(state, number);
    for (const stage of job.stages) {
      const back = [...stage.astray].filter(([, holder]) => holder === worker);
      let isChanged = false;
      for (const [task] of back) {
        stage.astray.delete(task);
        if (!serves(number, stage.index, task) || isDisputed(stage, task)) continue;
        regain(state, stage, { task, worker, effects });
        isChanged = true;
      }
      if (!isChanged) continue;
      for (const queue of stage.queues) queue.keep((task) => stage.state[task] === READY);
      const consumer = consumerOf(job, stage);
      if (consumer !== null) openStage(state, job, consumer);
      place(state, job);
      state.touched.add(number);
    }
  }
}

/** Its result may become another: it is not known which one counts. */
function isDisputed({ opinions }: Stage, task: number): boolean {
  const { forOwn, open, withdrawn } = opinions;
  return open.has(task) || forOwn.has(task) || withdrawn.has(task);
}

function regain(
  state: CoordinatorState,
  stage: Stage,
  of: { readonly task: number; readonly worker: number; readonly effects: Effect[] },
): void {
  const { effects, task, worker } = of;
  for (const lease of [...(stage.leases.get(task) ?? [])]) {
    endLease(state, lease);
    effects.push({ kind: "abort", worker: workerId(lease.worker), attempts: [refOf(lease)] });
  }
  stage.backoffs.delete(task);
  setTask(stage, task, DONE);
  stage.holder[task] = worker;
  // It was not lost, only out of reach.
  stage.setbacks[task] = Math.max(0, (stage.setbacks[task] as number) - 1);
  stage.sourcesVersion++;
}

/** The worker is reached elsewhere from now on: who reads its outputs is informed. */
export function moveOutputsOf(state: CoordinatorState, worker: number, effects: Effect[]): void {
  for (const number of state.active) {
    const job = jobOf(state, number);
    for (const stage of job.stages) {
      const consumer = consumerOf(job, stage);
      if (consumer === null || !stage.holder.includes(worker)) continue;
      stage.sourcesVersion++;
      const readers = new Set([...consumer.leases.values()].flat().map((lease) => lease.worker));
      for (const reader of readers) {
        state.workers.get(reader)?.sources.set(`${number}/${stage.index}`, stage.sourcesVersion);
        const to = { worker: workerId(reader), job: jobId(number), stage: stage.index };
        effects.push({ kind: "send-sources", ...to });
      }
    }
  }
}

/** An opinion without its partitions could not be committed. */
function loseOpinionsOf(
  state: CoordinatorState,
  stage: Stage,
  worker: number,
  stillServed: Serves,
): void {
  if (state.workers.get(worker)?.specs.exchangeUrl === "") return;
  for (const task of [...stage.opinions.open.keys()]) {
    if (!stillServed(stage.job, stage.index, task)) loseFrom(stage.opinions, task, worker);
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
      attempts: [refOf(lease)],
    });
    if (consumer.state[lease.task] === RUNNING) setTask(consumer, lease.task, WAITING);
  }
  return true;
}
