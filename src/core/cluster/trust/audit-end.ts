/** Second attempts that end: by their result, or since something else goes before. */
import type { Effect } from "../../effect.ts";
import type { AttemptReport } from "../../event.ts";
import { jobId, workerId } from "../../ids.ts";
import type { TaskOutput } from "../../job.ts";
import {
  type CoordinatorState,
  DONE,
  type JobRecord,
  type Stage,
  type WorkerRecord,
} from "../state.ts";
import type { Audit, JobAudit } from "./audit.ts";
import { differenceBetween, dispute, type Held, keeperOf } from "./difference.ts";
import { remember } from "./known.ts";
import { markOf, type Voucher } from "./opinion.ts";
import { confirm, isShared, witnessOf } from "./standing.ts";

/** Times that the second attempt of a task is begun. */
const triesMax = 3;

/** Of the worker's own; undefined when the report is of another attempt. */
export function endAudit(
  state: CoordinatorState,
  of: { readonly job: number; readonly stage: number; readonly worker: number },
  { attempt, task }: Pick<AttemptReport, "attempt" | "task">,
): Audit | undefined {
  const mine = state.audits.running.get(of.worker);
  const found = mine?.find(
    ({ job, second, stage, task: its }) =>
      job === of.job && stage === of.stage && its === task && second.attempt === attempt,
  );
  if (found !== undefined) remove(state, found);
  return found;
}

/** The second attempt has ended. A failure says nothing: the worker may be the reason. Returns the
 *  volunteers whose result two computations of own workers have found wrong. */
export function hearAudit(
  state: CoordinatorState,
  audit: Audit,
  report: AttemptReport,
  effects: Effect[],
): readonly Voucher[] {
  const job = state.jobs.get(audit.job);
  if (job?.audit === undefined) return [];
  const stage = job.stages[audit.stage] as Stage;
  const first = stage.outputs[audit.task];
  const isDone = stage.state[audit.task] === DONE;
  const isCurrent = isDone && stage.committed[audit.task] === audit.attempt;
  let liars: readonly Voucher[] = [];
  if (report.kind === "returned") wantAgain(state, audit);
  else if (report.kind === "done" && isCurrent && first) {
    const results = { first, second: report.output, effects };
    if (isShared(job)) liars = spotted(state, job, audit, results);
    else if (markOf(first) === markOf(report.output)) job.audit.same++;
    else differ(state, job, audit, results);
  }
  close(state, job, audit.second.worker, effects);
  return liars;
}

/** An own worker has computed what a volunteer did. */
function spotted(
  state: CoordinatorState,
  job: JobRecord,
  audit: Audit,
  results: Results & { readonly effects: Effect[] },
): readonly Voucher[] {
  const { suspect, task } = audit;
  const mark = markOf(results.second);
  const vouchers = (job.stages[audit.stage] as Stage).opinions.vouchers.get(task) ?? [];
  if (markOf(results.first) === mark) {
    // Own workers have two results of it.
    if (suspect !== undefined) differ(state, job, audit, results);
    else vouchFor(state, job, audit, vouchers);
    return [];
  }
  if (suspect === mark) return vouchers.filter(({ own }) => !own);
  if (suspect === undefined) {
    const stage = job.stages[audit.stage] as Stage;
    const found = { task, results: resultsOf(state, job, audit, results) };
    dispute(job, stage, found, results.effects);
    wantAgain(state, { ...audit, suspect: mark });
  } else differ(state, job, audit, results);
  return [];
}

/** An own worker has found the same: it is in doubt no more, whatever becomes of the volunteer. */
function vouchFor(
  state: CoordinatorState,
  job: JobRecord,
  { second, stage: index, task }: Audit,
  vouchers: readonly Voucher[],
): void {
  const stage = job.stages[index] as Stage;
  const worker = state.workers.get(second.worker);
  for (const one of vouchers) confirm(state, one, job);
  (job.audit as JobAudit).same++;
  if (worker === undefined) return;
  const own = { ...witnessOf(worker, job.spec), attempt: second.attempt };
  stage.opinions.vouchers.set(task, [...vouchers, own]);
  remember(state, stage, task);
}

type Results = { readonly first: TaskOutput; readonly second: TaskOutput };

function differ(
  state: CoordinatorState,
  job: JobRecord,
  audit: Audit,
  { effects, ...results }: Results & { readonly effects: Effect[] },
): void {
  const { task } = audit;
  const of = job.stages[audit.stage] as Stage;
  const found = job.audit as JobAudit;
  if (found.differs !== undefined) return;
  found.differs = differenceBetween(
    of,
    { task, results: resultsOf(state, job, audit, results) },
    effects,
  );
  // One is enough.
  found.wanted.length = 0;
  state.audits.jobs.delete(job.number);
  effects.push({ kind: "job-changed", job: jobId(job.number) });
}

function resultsOf(
  state: CoordinatorState,
  job: JobRecord,
  { attempt, second, stage, task, worker }: Audit,
  results: Results,
): [Held, Held] {
  const holder = (job.stages[stage] as Stage).holder[task] as number;
  return [
    { worker, attempt, output: results.first, holder },
    {
      ...second,
      output: results.second,
      holder: keeperOf(state, { ...second, output: results.second }),
    },
  ];
}

/** A job that has ended was opened at the worker for this alone. */
function close(state: CoordinatorState, job: JobRecord, number: number, effects: Effect[]): void {
  const worker = state.workers.get(number);
  if (job.state === "running" || worker?.live !== true) return;
  if (isAudited(state, job, number) || !worker.opened.delete(job.number)) return;
  effects.push({ kind: "close-job", worker: workerId(number), job: jobId(job.number) });
}

/** Whether the worker still compares results of the job. */
export function isAudited(state: CoordinatorState, job: JobRecord, worker: number): boolean {
  return (state.audits.running.get(worker) ?? []).some((one) => one.job === job.number);
}

/** The worker is given more than it has slots for: what is only compared makes room. */
export function preempt(state: CoordinatorState, worker: WorkerRecord, effects: Effect[]): void {
  const mine = state.audits.running.get(worker.number);
  if (mine === undefined || worker.leases.size + mine.length <= worker.specs.slots) return;
  stop(state, mine, effects);
}

/** The worker is gone, or has come back without what it had. */
export function loseAudits(state: CoordinatorState, worker: number): void {
  for (const audit of [...(state.audits.running.get(worker) ?? [])]) {
    remove(state, audit);
    wantAgain(state, audit);
  }
}

/** The job has ended: what is left of tasks that read partitions cannot be computed any more; of a
 *  job that was not done nothing is of interest. */
export function leaveAudits(state: CoordinatorState, job: JobRecord, effects: Effect[]): void {
  if (job.audit === undefined) return;
  const isLeft = ({ stage }: { readonly stage: number }) =>
    job.state !== "done" || job.stages[stage]?.spec.inputStage !== null;
  const running = [...state.audits.running.values()].flat();
  for (const audit of running) {
    if (audit.job === job.number && isLeft(audit)) abort(state, audit, effects);
  }
  const kept = job.audit.wanted.filter((one) => !isLeft(one));
  job.audit.wanted.splice(0, job.audit.wanted.length, ...kept);
  if (kept.length === 0) state.audits.jobs.delete(job.number);
}

/** The job is kept no longer. */
export function forgetAudits(state: CoordinatorState, job: JobRecord, effects: Effect[]): void {
  state.audits.jobs.delete(job.number);
  for (const audit of [...state.audits.running.values()].flat()) {
    if (audit.job !== job.number) continue;
    abort(state, audit, effects);
    close(state, job, audit.second.worker, effects);
  }
}

function stop(state: CoordinatorState, audits: readonly Audit[], effects: Effect[]): void {
  for (const audit of [...audits]) {
    abort(state, audit, effects);
    wantAgain(state, audit);
    const job = state.jobs.get(audit.job);
    if (job !== undefined) close(state, job, audit.second.worker, effects);
  }
}

function abort(state: CoordinatorState, audit: Audit, effects: Effect[]): void {
  const { second, stage, task } = audit;
  remove(state, audit);
  const ref = { job: jobId(audit.job), stage, task, attempt: second.attempt };
  effects.push({ kind: "abort", worker: workerId(second.worker), attempts: [ref] });
}

function wantAgain(state: CoordinatorState, { second: _, ...sampled }: Audit): void {
  const job = state.jobs.get(sampled.job);
  if (job?.audit === undefined || job.audit.differs !== undefined) return;
  if (sampled.suspect === undefined && sampled.tries >= triesMax) return;
  job.audit.wanted.push(sampled);
  state.audits.jobs.add(sampled.job);
}

function remove(state: CoordinatorState, audit: Audit): void {
  const { running } = state.audits;
  const left = (running.get(audit.second.worker) ?? []).filter((one) => one !== audit);
  if (left.length === 0) running.delete(audit.second.worker);
  else running.set(audit.second.worker, left);
  const worker = state.workers.get(audit.second.worker);
  if (worker?.live === true && worker.pause === null && !worker.caught) {
    state.hungry.add(worker.number);
  }
}
