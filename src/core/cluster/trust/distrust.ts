/** A volunteer was caught: nothing that it computed is believed any more.
 *
 *  1. It gets no more tasks, its credential is revoked, and so are the tokens that bring volunteers
 *     and are its own; what it runs is stopped.
 *  2. Its results in jobs that run are withdrawn. Those that enough others confirmed stay, as long
 *     as their partitions can be had elsewhere.
 *  3. Of a job that has ended nothing changes: `doubtfulTasks` names what is to be computed
 *     again. */
import { revokeOne } from "../../access/tokens.ts";
import type { Effect } from "../../effect.ts";
import { jobId, workerId } from "../../ids.ts";
import { endLease, makeReady } from "../leases.ts";
import { again } from "../retry.ts";
import { wakeChoosy } from "../shares.ts";
import { closeStage, consumerOf, isOpen, loseOutput, requireInputs } from "../shuffle.ts";
import {
  type CoordinatorState,
  DONE,
  type JobRecord,
  READY,
  type Stage,
  setTask,
  WAITING,
  type WorkerRecord,
} from "../state.ts";
import { refOf } from "../workers/ref.ts";
import { loseAudits } from "./audit-end.ts";
import { abortOf, loseCanaries } from "./canary-end.ts";
import { hasNoTab, ownIsHere, quorumDefault } from "./check.ts";
import { markOf, type Opinion, type Voucher } from "./opinion.ts";
import { markCaught } from "./standing.ts";
import { untally } from "./tally.ts";

type Found = { readonly job: JobRecord; readonly stage: Stage; readonly task: number };

export function distrust(
  state: CoordinatorState,
  liars: ReadonlyArray<Pick<Opinion, "person">>,
  found: Found,
  effects: Effect[],
): void {
  const persons = new Set(liars.map(({ person }) => person));
  const { atMs } = state;
  for (const person of persons) {
    markCaught(state, person, {
      atMs,
      job: found.job.number,
      stage: found.stage.index,
      task: found.task,
    });
  }
  for (const worker of state.workers.values()) {
    if (persons.has(worker.volunteer?.person ?? "")) expel(state, worker, effects);
  }
  for (const token of state.tokens.values()) {
    if (token.role === "volunteer" && persons.has(token.owner)) revokeOne(state, token);
  }
  for (const number of [...state.active]) {
    const job = state.jobs.get(number) as JobRecord;
    for (const stage of job.stages) withdrawFrom(state, stage, persons);
    effects.push({ kind: "job-changed", job: jobId(number) });
  }
}

function expel(state: CoordinatorState, worker: WorkerRecord, effects: Effect[]): void {
  worker.caught = true;
  state.hungry.delete(worker.number);
  state.choosy.delete(worker.number);
  for (const lease of [...worker.leases]) {
    const job = state.jobs.get(lease.job) as JobRecord;
    const stage = job.stages[lease.stage] as Stage;
    endLease(state, lease);
    stage.tally.attemptsLost++;
    if (!stage.leases.has(lease.task)) again(state, job, stage, lease.task);
    effects.push({ kind: "abort", worker: workerId(worker.number), attempts: [refOf(lease)] });
  }
  loseAudits(state, worker.number);
  const canaries = loseCanaries(state, worker.number);
  if (canaries.length > 0) effects.push(abortOf(worker.number, canaries));
  // It has no room any more, whatever has just ended.
  state.hungry.delete(worker.number);
  const token = state.tokens.get(workerId(worker.number));
  if (token !== undefined) revokeOne(state, token);
  effects.push({ kind: "expel", worker: workerId(worker.number) });
}

function withdrawFrom(state: CoordinatorState, stage: Stage, persons: ReadonlySet<string>): void {
  const job = state.jobs.get(stage.job) as JobRecord;
  const { forOwn, open, vouchers } = stage.opinions;
  let isChanged = false;
  for (const [task, opinions] of [...open]) {
    const left = opinions.filter(({ person }) => !persons.has(person));
    if (left.length === opinions.length) continue;
    isChanged = true;
    if (left.length === 0) open.delete(task);
    else open.set(task, left);
    if (new Set(left.map(({ output }) => markOf(output))).size < 2) forOwn.delete(task);
  }
  for (const [task, all] of [...vouchers]) {
    const left = all.filter(({ person }) => !persons.has(person));
    if (left.length === all.length) continue;
    isChanged = true;
    vouchers.set(task, left);
    if (!isEnough(job, left)) withdraw(state, job, stage, task);
    else if (isHeldByCaught(state, stage, task)) loseOutput(state, stage, task);
  }
  if (!isChanged) return;
  sortChecks(stage);
  if (stage.counts.done < stage.spec.taskCount) requireInputs(state, job, stage);
}

function isEnough({ spec }: JobRecord, left: readonly Voucher[]): boolean {
  return left.some(({ own }) => own) || left.length >= (spec.quorum?.agree ?? quorumDefault.agree);
}

function isHeldByCaught(state: CoordinatorState, stage: Stage, task: number): boolean {
  const holder = stage.holder[task] as number;
  return stage.state[task] === DONE && state.workers.get(holder)?.caught === true;
}

/** The result of the task counts no more; equal results of others must be confirmed. */
export function withdraw(
  state: CoordinatorState,
  job: JobRecord,
  stage: Stage,
  task: number,
): void {
  const output = stage.outputs[task] ?? null;
  const { open, vouchers, withdrawn } = stage.opinions;
  const left = vouchers.get(task) ?? [];
  if (output === null || withdrawn.has(task)) return;
  if (left.length > 0 && !open.has(task))
    open.set(
      task,
      left.map((one) => ({ ...one, output })),
    );
  untally(job, stage, task);
  withdrawn.add(task);
  vouchers.delete(task);
  stage.holder[task] = 0;
  stage.astray.delete(task);
  stage.sourcesVersion++;
  if (stage.state[task] !== DONE) return;
  stage.tally.attemptsLost++;
  const consumer = consumerOf(job, stage);
  if (isOpen(job, stage)) makeReady(state, stage, task);
  else setTask(stage, task, WAITING);
  if (consumer !== null) closeStage(consumer);
  state.touched.add(job.number);
}

/** The stage reads other partitions from now on: nothing that was computed from the earlier ones
 *  counts, and nothing is to be compared with it. */
export function withdrawAll(state: CoordinatorState, job: JobRecord, stage: Stage): void {
  const { forOwn, open, vouchers } = stage.opinions;
  for (let task = 0; task < stage.spec.taskCount; task++) {
    if (stage.state[task] === DONE) withdraw(state, job, stage, task);
  }
  open.clear();
  vouchers.clear();
  forOwn.clear();
  sortChecks(stage);
  requireInputs(state, job, stage);
}

/** Puts each ready task into the queue that it belongs to now. */
export function sortChecks(stage: Stage): void {
  const { checks, forOwn, ownChecks } = stage.opinions;
  const tasks = new Set<number>();
  for (const queue of [ownChecks, checks]) {
    for (let task = queue.shift(); task !== undefined; task = queue.shift()) tasks.add(task);
  }
  for (const task of tasks) {
    if (stage.state[task] === READY) (forOwn.has(task) ? ownChecks : checks).push(task);
  }
}

/** An own worker is gone: what only own workers may take, or only those that are no tabs, goes to
 *  others where there is none left. */
export function releaseOwn(state: CoordinatorState): void {
  for (const number of state.active) {
    const job = state.jobs.get(number) as JobRecord;
    for (const stage of job.stages) {
      const { forOwn, notForTabs } = stage.opinions;
      const frees = forOwn.size > 0 && !ownIsHere(state, job, stage);
      const freesTabs = notForTabs.size > 0 && !hasNoTab(state, job, stage);
      if (frees) forOwn.clear();
      if (freesTabs) notForTabs.clear();
      if (!frees && !freesTabs) continue;
      sortChecks(stage);
      for (const one of job.stages) wakeChoosy(state, one);
      state.touched.add(number);
    }
  }
}

/** Tasks of a job whose results come from caught volunteers alone, by stage. */
export function doubtfulTasks(
  { trust }: CoordinatorState,
  job: JobRecord,
): Array<{ readonly stage: number; readonly task: number }> {
  if (trust.caught.size === 0) return [];
  return job.stages.flatMap((stage) => {
    const doubtful: Array<{ readonly stage: number; readonly task: number }> = [];
    for (const [task, all] of stage.opinions.vouchers) {
      const left = all.filter(({ person }) => !trust.caught.has(person));
      if (left.length < all.length && !isEnough(job, left)) {
        doubtful.push({ stage: stage.index, task });
      }
    }
    return doubtful;
  });
}
