/** Tasks whose result is known, given to volunteers among the others: a wrong answer is a lie.
 *
 *  1. Known is what an own worker vouches for. It need not be right by chance: a task that gives
 *     two results fails its job in the end, and accuses no volunteer.
 *  2. It is an attempt like any other: at any place among those that the worker is given, of a task
 *     that others may have had, too. It holds no lease, since nothing waits for it.
 *  3. A person has each of these once, and none that it has computed itself.
 *  4. The same result confirms the volunteer. Another one reopens the task with both: an own worker
 *     computes it a second time before a volunteer is called a liar, as in every dispute.
 *  5. Tasks that read partitions are none: what is right depends on which partitions were read. */
import type { Effect } from "../../effect.ts";
import type { AttemptReport } from "../../event.ts";
import { type JobId, jobId } from "../../ids.ts";
import { ownCode } from "../placement/may-run.ts";
import {
  type CoordinatorState,
  DONE,
  type JobRecord,
  type Stage,
  type WorkerRecord,
} from "../state.ts";
import type { KnownTask } from "./canaries.ts";
import { takeCanaries } from "./canary-end.ts";
import { hasOwn } from "./check.ts";
import { noteDispute } from "./difference.ts";
import { nextAttempt } from "./disguise.ts";
import { withdraw } from "./distrust.ts";
import { areDistinct, markOf, type Opinion, type Witness } from "./opinion.ts";
import { confirm, draw, isShared, needsOneEngine, witnessOf } from "./standing.ts";

/** Share of the tasks of volunteers, besides the share that is compared. */
export const canaryShare = 0.01;
/** Those that are looked at for one worker. */
const triesMax = 16;
/** At one worker, which may answer none of them. */
const heldMax = 64;

type Attempt = { readonly task: number; readonly attempt: number };

/** Puts some among the tasks that the worker is about to be given. */
export function addCanaries(
  state: CoordinatorState,
  stage: Stage,
  worker: WorkerRecord,
  attempts: Attempt[],
): void {
  const job = state.jobs.get(stage.job) as JobRecord;
  const { canaries } = state;
  if (worker.volunteer === undefined || canaries.share === 0) return;
  if (stage.opinions.known.length === 0 || !isShared(job)) return;
  // Programs of others say nothing of what they computed a second time.
  if (worker.specs.isBase === true || worker.specs.kinds.includes(ownCode)) return;
  const witness = witnessOf(worker, job.spec);
  const held = canaries.running.get(worker.number) ?? [];
  for (let left = attempts.length; left > 0 && held.length < heldMax; left--) {
    if (draw(state) >= canaries.share) continue;
    const task = pick(job, stage, witness);
    if (task === undefined) continue;
    const attempt = nextAttempt(job, stage, task);
    attempts.splice(Math.floor(draw(state) * (attempts.length + 1)), 0, { task, attempt });
    held.push({ job: job.number, stage: stage.index, task, attempt });
  }
  if (held.length > 0) canaries.running.set(worker.number, held);
}

function pick(
  job: JobRecord,
  { opinions: { known, vouchers }, state: states }: Stage,
  witness: Witness,
): number | undefined {
  // The newest first: its number is among those that are given out now.
  const oldest = Math.max(0, known.length - triesMax);
  for (let at = known.length - 1; at >= oldest; at--) {
    const { persons, task } = known[at] as KnownTask;
    const all = vouchers.get(task) ?? [];
    if (states[task] !== DONE || persons.includes(witness.person)) continue;
    if (!all.every((one) => areDistinct(one, witness))) continue;
    const own = all.find((one) => one.own);
    if (own === undefined) continue;
    if (needsOneEngine(job.spec) && own.engine !== witness.engine) continue;
    persons.push(witness.person);
    return task;
  }
  return undefined;
}

/** Whether the report is of one of these; it is none any more then. */
export function hearCanary(
  state: CoordinatorState,
  from: { readonly worker: number; readonly job: JobId; readonly stage: number },
  report: AttemptReport,
  effects: Effect[],
): boolean {
  const { attempt, task } = report;
  const [found] = takeCanaries(state, from.worker, (one) => {
    const isOf = jobId(one.job) === from.job && one.stage === from.stage;
    return isOf && one.attempt === attempt && one.task === task;
  });
  if (found === undefined) return false;
  const job = state.jobs.get(found.job) as JobRecord;
  const stage = job.stages[found.stage] as Stage;
  const worker = state.workers.get(from.worker) as WorkerRecord;
  if (report.kind === "done") worker.done++;
  const output = stage.outputs[task] ?? null;
  const isKnown = stage.opinions.vouchers.get(task)?.some(({ own }) => own) === true;
  // It failed, or it is in dispute already, which its answer would not end.
  if (report.kind !== "done" || output === null || !isKnown) return true;
  if (job.state !== "running" || stage.state[task] !== DONE) return true;
  const opinion: Opinion = { ...witnessOf(worker, job.spec), attempt, output: report.output };
  if (markOf(report.output) === markOf(output)) confirm(state, opinion, job);
  else if (hasOwn(state, { job, stage, all: [] })) {
    reopen(state, job, stage, { task, opinion });
    noteDispute(state, { job, stage, task }, effects);
  }
  return true;
}

function reopen(
  state: CoordinatorState,
  job: JobRecord,
  stage: Stage,
  { opinion, task }: { readonly task: number; readonly opinion: Opinion },
): void {
  stage.opinions.forOwn.add(task);
  withdraw(state, job, stage, task);
  const { open } = stage.opinions;
  open.set(task, [...(open.get(task) ?? []), opinion]);
}
