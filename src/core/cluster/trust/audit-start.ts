/** Gives sampled tasks to other workers that are idle while nothing else is ready; see
 *  `audit-sample.ts`.
 *
 *  1. Own workers alone, of the same engine where the job depends on it; no tabs, whose input comes
 *     from far.
 *  2. A job does not wait for it. What is left when it is done is computed afterwards, for a while,
 *     as far as it reads no partitions. */
import type { Effect } from "../../effect.ts";
import { sendAttempts } from "../placement.ts";
import { isOpen } from "../shuffle.ts";
import {
  type CoordinatorState,
  DONE,
  type JobRecord,
  type Stage,
  type WorkerRecord,
} from "../state.ts";
import { mayTake } from "../workers/unfit.ts";
import type { JobAudit, Sampled } from "./audit.ts";
import { nextAttempt } from "./disguise.ts";
import { engineOf, needsOneEngine } from "./standing.ts";

/** How long after the end of a job it is audited, ms. */
const afterEndMs = 600_000;
/** What is looked at in one step: jobs, tasks of each, and workers for each task. */
const [jobsSeen, tasksSeen, workersSeen] = [8, 8, 32];

export function startAudits(state: CoordinatorState, effects: Effect[]): void {
  const { jobs } = state.audits;
  if (jobs.size === 0 || state.shares.ready.size > 0 || state.hungry.size === 0) return;
  let seen = 0;
  for (const number of jobs) {
    if (seen++ >= jobsSeen) return;
    const job = state.jobs.get(number) as JobRecord;
    const { wanted } = job.audit as JobAudit;
    const isOver = job.state !== "running" && state.atMs - job.endedAtMs > afterEndMs;
    if (isOver) wanted.length = 0;
    else startOf(state, job, wanted, effects);
    if (wanted.length === 0) jobs.delete(number);
  }
}

function startOf(
  state: CoordinatorState,
  job: JobRecord,
  wanted: Sampled[],
  effects: Effect[],
): void {
  for (const sampled of wanted.slice(0, tasksSeen)) {
    const stage = job.stages[sampled.stage] as Stage;
    const isCurrent = stage.committed[sampled.task] === sampled.attempt;
    // It is computed again anyway.
    const isDone = isCurrent && stage.state[sampled.task] === DONE;
    const worker = isDone ? idleWorker(state, job, sampled) : undefined;
    // What it reads may be on its way back: a map output that was lost.
    if (isDone && (worker === undefined || !isOpen(job, stage))) continue;
    wanted.splice(wanted.indexOf(sampled), 1);
    if (worker !== undefined) start(state, stage, { sampled, worker, effects });
  }
}

function start(
  state: CoordinatorState,
  stage: Stage,
  of: { readonly sampled: Sampled; readonly worker: WorkerRecord; readonly effects: Effect[] },
): void {
  const { effects, sampled, worker } = of;
  const attempt = nextAttempt(state.jobs.get(stage.job) as JobRecord, stage, sampled.task);
  sendAttempts(state, stage, { worker, attempts: [{ task: sampled.task, attempt }], effects });
  const { running } = state.audits;
  const second = { attempt, worker: worker.number };
  const audit = { ...sampled, tries: sampled.tries + 1, second };
  running.set(worker.number, [...(running.get(worker.number) ?? []), audit]);
}

function idleWorker(
  state: CoordinatorState,
  { spec, stages, state: jobState }: JobRecord,
  { engine, stage, worker: first }: Sampled,
): WorkerRecord | undefined {
  const of = stages[stage] as Stage;
  let seen = 0;
  for (const number of state.hungry) {
    if (seen++ >= workersSeen) return undefined;
    const worker = state.workers.get(number) as WorkerRecord;
    const { specs } = worker;
    if (number === first || worker.volunteer !== undefined || !mayTake(state, worker, of)) continue;
    if (specs.tab === true || specs.isBase === true) continue;
    // Uploads are for jobs that run.
    if (jobState !== "running" && of.spec.partitionCount > 0 && specs.exchangeUrl === "") continue;
    if (needsOneEngine(spec) && engineOf(worker, spec) !== engine) continue;
    const audits = state.audits.running.get(number)?.length ?? 0;
    if (worker.leases.size + audits < specs.slots) return worker;
  }
  return undefined;
}
