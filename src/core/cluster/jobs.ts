/** A job from its submission to its end: one end, and nothing of it runs afterwards. */
import type { Effect } from "../effect.ts";
import { ClusterError } from "../error.ts";
import type { CoordinatorEvent } from "../event.ts";
import { idNumber, jobId, workerId } from "../ids.ts";
import type { Failure, JobState } from "../job.ts";
import { endLease } from "./leases.ts";
import { forgetJob, keepEnded } from "./retention/remove.ts";
import { noSuchJob, removedJob } from "./retention/removed.ts";
import type { RemovedJob } from "./retention/retained.ts";
import { leaveShares, ownerOf } from "./shares.ts";
import { openStage } from "./shuffle.ts";
import { specProblem } from "./spec.ts";
import {
  type CoordinatorState,
  DONE,
  DROPPED,
  type JobRecord,
  newStage,
  type Stage,
  setTask,
} from "./state.ts";
import { isAudited, leaveAudits } from "./trust/audit-end.ts";
import { leaveCanaries } from "./trust/canary-end.ts";

type Of<K extends CoordinatorEvent["kind"]> = Extract<CoordinatorEvent, { kind: K }>;

export function submitJob(
  state: CoordinatorState,
  event: Of<"job-submitted">,
  effects: Effect[],
): void {
  const named = event.key === null ? null : `${event.owner}\n${event.key}`;
  const known = named === null ? undefined : state.keys.get(named);
  if (known !== undefined) {
    // Of a job that is kept no longer, its key and this are.
    const earlier = state.jobs.get(known) ?? (removedJob(state, known) as RemovedJob);
    if (earlier.digest === event.digest) {
      effects.push({ kind: "reply", value: { job: jobId(known), existed: true } });
    } else {
      effects.push({ kind: "refuse", error: otherBody(event, known, earlier.digest) });
    }
    return;
  }
  const problem = specProblem(event.spec);
  if (problem !== null) {
    effects.push({ kind: "refuse", error: problem });
    return;
  }
  const job = newJob(state, event);
  if (named !== null) state.keys.set(named, job.number);
  effects.push({ kind: "reply", value: { job: jobId(job.number) } });
  effects.push({ kind: "job-changed", job: jobId(job.number) });
  const [first] = job.stages;
  if (event.arriving === true && first !== undefined) {
    for (let task = 0; task < first.spec.taskCount; task++) first.arriving.add(task);
  }
  for (const stage of job.stages) openStage(state, job, stage);
  finishIfDone(state, job, effects);
}

export function newJob(
  state: CoordinatorState,
  event: Pick<Of<"job-submitted">, "digest" | "disguise" | "key" | "owner" | "spec">,
): JobRecord {
  const number = ++state.jobsSubmitted;
  const hosts = event.spec.locality?.hosts.length ?? 0;
  const job: JobRecord = {
    number,
    spec: event.spec,
    owner: event.owner,
    key: event.key,
    digest: event.digest,
    state: "running",
    failure: null,
    submittedAtMs: state.atMs,
    clockMs: Math.floor(state.atMs),
    endedAtMs: 0,
    stages: event.spec.stages.map((spec, index) =>
      newStage(number, index, spec, index === 0 ? hosts : 0),
    ),
    // Names are the user's: one may be "constructor".
    counters: Object.create(null),
    running: 0,
    share: { usedMs: 0, accruing: 0, sinceMs: state.atMs },
    readyStage: -1,
    errors: [],
    workers: new Set(),
    watched: false,
    wantsBackup: false,
    ...(event.disguise === undefined ? {} : { disguise: event.disguise }),
  };
  state.jobs.set(number, job);
  state.active.add(number);
  ownerOf(state, job).jobs++;
  return job;
}

function otherBody(event: Of<"job-submitted">, earlier: number, digest: string): ClusterError {
  const digests = `${digest.slice(0, 12)}… then, ${event.digest.slice(0, 12)}… now`;
  return new ClusterError(
    "conflict",
    `the key "${event.key}" belongs to ${jobId(earlier)}, which was submitted with ` +
      `other content (${digests}); use another key for another job`,
  );
}

export function cancelJob(
  state: CoordinatorState,
  event: Of<"job-cancelled">,
  effects: Effect[],
): void {
  const job = state.jobs.get(idNumber(event.job));
  if (job === undefined) {
    effects.push({ kind: "refuse", error: noSuchJob(state, event.job) });
    return;
  }
  // A job that has ended stays as it ended: cancelling it again, or too late, is no error.
  if (job.state === "running") endJob(state, job, { state: "cancelled", failure: null, effects });
  effects.push({ kind: "reply", value: { job: event.job } });
}

export function removeJob(
  state: CoordinatorState,
  event: Of<"job-removed">,
  effects: Effect[],
): void {
  const job = state.jobs.get(idNumber(event.job));
  if (job === undefined) {
    effects.push({ kind: "refuse", error: noSuchJob(state, event.job) });
  } else if (job.state === "running") {
    const text = `${event.job} still runs; cancel it first: \`tequio cancel ${event.job}\``;
    effects.push({ kind: "refuse", error: new ClusterError("conflict", text) });
  } else {
    forgetJob(state, job, effects);
    effects.push({ kind: "reply", value: { job: event.job } });
  }
}

/** Ends a job in which every task is done. */
export function finishIfDone(state: CoordinatorState, job: JobRecord, effects: Effect[]): void {
  if (job.state !== "running") return;
  if (job.stages.some((stage) => stage.counts.done < stage.spec.taskCount)) return;
  endJob(state, job, { state: "done", failure: null, effects });
}

export function failJob(
  state: CoordinatorState,
  job: JobRecord,
  failure: Failure,
  effects: Effect[],
): void {
  if (job.state === "running") endJob(state, job, { state: "failed", failure, effects });
}

function endJob(
  state: CoordinatorState,
  job: JobRecord,
  end: { state: JobState; failure: Failure | null; effects: Effect[] },
): void {
  job.state = end.state;
  job.failure = end.failure;
  job.endedAtMs = state.atMs;
  state.active.delete(job.number);
  for (const stage of job.stages) dropStage(state, stage, end.effects);
  leaveAudits(state, job, end.effects);
  leaveCanaries(state, job.number, end.effects);
  for (const number of job.workers) {
    const worker = state.workers.get(number);
    worker?.unfit?.delete(job.number);
    if (worker?.live !== true || isAudited(state, job, number)) continue;
    // Also a worker that has reconnected since and was not sent the job again: it still has the
    // job.
    worker.opened.delete(job.number);
    for (const stage of job.stages) worker.sources.delete(`${job.number}/${stage.index}`);
    end.effects.push({ kind: "close-job", worker: workerId(number), job: jobId(job.number) });
  }
  job.workers.clear();
  job.wantsBackup = false;
  state.wantBackups.delete(job.number);
  leaveShares(state, job);
  end.effects.push({ kind: "job-changed", job: jobId(job.number) });
  keepEnded(state, job, end.effects);
}

/** Aborts what runs, drops what does not, and frees what only a running job needs. */
function dropStage(state: CoordinatorState, stage: Stage, effects: Effect[]): void {
  for (const lease of [...stage.leases.values()].flat()) {
    endLease(state, lease);
    const { task, attempt } = lease;
    const ref = { job: jobId(stage.job), stage: stage.index, task, attempt };
    effects.push({ kind: "abort", worker: workerId(lease.worker), attempts: [ref] });
  }
  for (let task = 0; task < stage.spec.taskCount; task++) {
    if (stage.state[task] !== DONE) setTask(stage, task, DROPPED);
  }
  const { checks, forOwn, notForTabs, open, ownChecks } = stage.opinions;
  for (const queue of [...stage.queues, checks, ownChecks]) while (queue.shift() !== undefined);
  open.clear();
  forOwn.clear();
  notForTabs.clear();
  stage.backoffs.clear();
  stage.arriving.clear();
  stage.killers.clear();
  if (stage.tally.endedAtMs === 0) stage.tally.endedAtMs = state.atMs;
}
