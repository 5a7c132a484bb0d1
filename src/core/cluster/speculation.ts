/** Backup tasks: near the end of a stage a second attempt for those that take much longer than the
 *  others (MapReduce paper, section 3.6). Whichever attempt reports first is committed, the other
 *  is aborted.
 *
 *  1. Only when nothing of the stage is ready, so that a backup never delays first attempts.
 *  2. Only with something to compare with: a quarter of the stage is done; or the worker has shown
 *     that it is slow, and then at once, since waiting longer adds no information (Zaharia et al.,
 *     LATE, 2008: what counts is the time that is left).
 *  3. One backup at a time per task, on another worker that is not slow itself and has a free slot,
 *     of the same output. */
import type { Effect } from "../effect.ts";
import { grant } from "./leases.ts";
import { sendAttempts } from "./placement.ts";
import type { CoordinatorState, JobRecord, Lease, Stage, WorkerRecord } from "./state.ts";
import { mayJudge } from "./trust/check.ts";
import { mayTake } from "./workers/unfit.ts";

/** An attempt is a straggler after this many medians, … */
const straggleFactor = 2;
/** … and not before this time, in ms: below it, starting a second one gains nothing. */
const straggleMinMs = 300;
/** How often to look, in ms. */
const lookEveryMs = 250;
/** A worker of this pace is slow; one task may be large, but not all of them. */
const slowPace = 2.5;
/** What the newest attempt counts for in a worker's pace. */
const paceWeight = 0.4;
/** Attempts of a stage that make a mean to compare with. */
const paceCountMin = 5;

/** An attempt has ended here: well after `durationMs`, or (0) because another one was quicker, and
 *  then it has taken at least the time until now. */
export function learnPace(
  state: CoordinatorState,
  stage: Stage,
  lease: Lease,
  durationMs: number,
): void {
  const worker = state.workers.get(lease.worker);
  const meanMs = stage.durations.meanMs();
  if (worker === undefined || stage.durations.count < paceCountMin) return;
  if (meanMs < straggleMinMs) return;
  const overtaken = durationMs === 0;
  const ratio = (overtaken ? elapsedMs(state, lease) : durationMs) / meanMs;
  if (overtaken && ratio < worker.pace) return;
  worker.pace += paceWeight * (Math.min(ratio, 1_000) - worker.pace);
}

/** Sets the next look at a job whose stage has nothing more to give out. */
export function watchStragglers(state: CoordinatorState, job: JobRecord): void {
  if (job.watched || !job.spec.backupTasks || job.state !== "running") return;
  const stage = tail(job);
  if (stage === null) return;
  job.watched = true;
  const wait = Math.max(lookEveryMs, Math.min(5_000, stage.durations.medianMs() / 4));
  state.deadlines.add({ kind: "stragglers", atMs: Math.ceil(state.atMs + wait), job: job.number });
}

/** Looks at a job's running attempts and starts backups where they help. */
export function startBackups(state: CoordinatorState, job: JobRecord, effects: Effect[]): void {
  job.watched = false;
  giveBackups(state, job, effects);
  watchStragglers(state, job);
}

/** Rooms of workers go to the backups that wait for one before they go to first attempts of other
 *  jobs: with much to do no worker is ever idle for long, and a job whose last tasks straggle holds
 *  fewer slots than its share. */
export function giveWantedBackups(state: CoordinatorState, effects: Effect[]): void {
  if (state.hungry.size === 0) return;
  for (const number of [...state.wantBackups].sort((a, b) => a - b)) {
    giveBackups(state, state.jobs.get(number) as JobRecord, effects);
  }
}

function giveBackups(state: CoordinatorState, job: JobRecord, effects: Effect[]): void {
  want(state, job, false);
  const stage = job.state === "running" ? tail(job) : null;
  if (stage === null) return;
  const medianMs = stage.durations.medianMs();
  for (const [task, leases] of [...stage.leases]) {
    const only = leases.length === 1 ? leases[0] : undefined;
    if (only === undefined || !straggles(state, stage, only, medianMs)) continue;
    const worker = freeWorker(state, stage, only);
    if (worker === null) {
      want(state, job, job.running * state.active.size <= state.slots);
      return;
    }
    const { attempt } = grant(state, stage, task, { worker, backup: true });
    sendAttempts(state, stage, { worker, attempts: [{ task, attempt }], effects });
  }
}

function want(state: CoordinatorState, job: JobRecord, wants: boolean): void {
  job.wantsBackup = wants;
  if (wants) state.wantBackups.add(job.number);
  else state.wantBackups.delete(job.number);
}

/** The stage that only has running tasks left, if one is done. */
function tail(job: JobRecord): Stage | null {
  const stage = job.stages.find((one) => one.counts.done < one.spec.taskCount);
  if (stage === undefined || stage.counts.running === 0) return null;
  const { checks, ownChecks } = stage.opinions;
  if (stage.counts.ready > checks.size + ownChecks.size) return null;
  return stage.counts.done > 0 ? stage : null;
}

function straggles(state: CoordinatorState, stage: Stage, lease: Lease, medianMs: number): boolean {
  const pace = state.workers.get(lease.worker)?.pace ?? 1;
  if (pace >= slowPace) {
    const leftMs = pace * medianMs - elapsedMs(state, lease);
    if (leftMs > Math.max(straggleMinMs, medianMs)) return true;
  }
  if (stage.counts.done * 4 < stage.spec.taskCount) return false;
  return elapsedMs(state, lease) > Math.max(straggleMinMs, straggleFactor * medianMs);
}

function elapsedMs(state: CoordinatorState, lease: Lease): number {
  return state.atMs - Math.max(lease.startedAtMs, lease.assignedAtMs);
}

/** A live worker with an idle slot that is not slow, other than the one that runs it already. */
function freeWorker(state: CoordinatorState, stage: Stage, of: Lease): WorkerRecord | null {
  const job = state.jobs.get(stage.job) as JobRecord;
  for (const number of state.hungry) {
    const worker = state.workers.get(number) as WorkerRecord;
    if (number === of.worker || worker.pace >= slowPace) continue;
    if (!mayTake(state, worker, stage) || !mayJudge(job, stage, of.task, worker)) continue;
    if (worker.leases.size < worker.specs.slots) return worker;
  }
  return null;
}
