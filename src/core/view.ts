/** Reading the state: summaries for people, and what the edges need to carry out effects. Changes
 *  nothing. */

import type { TokenRecord } from "./access/roles.ts";
import { shownCounts } from "./cluster/in-slots.ts";
import { mayRun } from "./cluster/placement/may-run.ts";
import { removedJob } from "./cluster/retention/removed.ts";
import type { RemovedWhy } from "./cluster/retention/retained.ts";
import {
  type CoordinatorState,
  DONE,
  type JobRecord,
  RELAY,
  type Stage,
  type WorkerRecord,
} from "./cluster/state.ts";
import type { Audit } from "./cluster/trust/audit.ts";
import type { Canary } from "./cluster/trust/canaries.ts";
import { checkedShare, isShared, validOf, witnessOf } from "./cluster/trust/standing.ts";
import { auditSummary, trustSummary } from "./cluster/trust/summaries.ts";
import { allPaused } from "./cluster/workers/pauses.ts";
import { refOf } from "./cluster/workers/ref.ts";
import { allUnfit } from "./cluster/workers/unfit.ts";
import type { WorkerSpecs } from "./event.ts";
import {
  type AttemptRef,
  attemptKey,
  idNumber,
  type JobId,
  jobId,
  type WorkerId,
  workerId,
} from "./ids.ts";
import type { JobEnvironment, JobSpec, JobState, KeptProfile, TaskOutput } from "./job.ts";
import type { JobSummary, RemovedSummary, StageSummary, WorkerSummary } from "./summary.ts";
import { reasonText } from "./why/reasons.ts";
import { noneIsAble } from "./why/why.ts";

export { neededOutputs, neededRoot } from "./cluster/handed-over.ts";

function find(state: CoordinatorState, job: JobId): JobRecord | undefined {
  return state.jobs.get(idNumber(job));
}

export function jobSummary(state: CoordinatorState, job: JobId, atMs: number): JobSummary | null {
  const record = find(state, job);
  return record === undefined ? null : summaryOf(state, record, atMs);
}

/** All jobs, newest first. */
export function jobSummaries(state: CoordinatorState, atMs: number): JobSummary[] {
  return [...state.jobs.values()].reverse().map((record) => summaryOf(state, record, atMs));
}

/** Which jobs are listed; absent = any. */
export type JobFilter = {
  readonly owner?: string;
  readonly state?: JobState;
  /** Part of its id, its name or its owner, in any case. */
  readonly find?: string;
};

/** Newest first, `limit` of them after `skip`; `total`: of all that match. */
export function jobPage(
  state: CoordinatorState,
  atMs: number,
  { filter, limit, skip }: { filter: JobFilter; limit: number; skip: number },
): { readonly jobs: JobSummary[]; readonly total: number } {
  const found = [...state.jobs.values()].reverse().filter((job) => matches(job, filter));
  const page = found.slice(skip, skip + limit).map((job) => summaryOf(state, job, atMs));
  return { jobs: page, total: found.length };
}

function matches(job: JobRecord, { find: text, owner, state }: JobFilter): boolean {
  if (owner !== undefined && job.owner !== owner) return false;
  if (state !== undefined && job.state !== state) return false;
  if (text === undefined || text === "") return true;
  const wanted = text.toLowerCase();
  const named = [jobId(job.number), job.spec.name, job.owner];
  return named.some((one) => one.toLowerCase().includes(wanted));
}

function upSince(
  { startedAtMs: upSinceMs }: CoordinatorState,
  { state, submittedAtMs }: JobRecord,
): Pick<JobSummary, "upSinceMs"> {
  return state === "running" && upSinceMs > submittedAtMs ? { upSinceMs } : {};
}

function summaryOf(state: CoordinatorState, job: JobRecord, atMs: number): JobSummary {
  return {
    job: jobId(job.number),
    name: job.spec.name,
    owner: job.owner,
    state: job.state,
    failure: job.failure,
    submittedAtMs: job.submittedAtMs,
    endedAtMs: job.endedAtMs,
    atMs,
    ...upSince(state, job),
    stages: job.stages.map((stage) => stageSummary(state, stage)),
    output: job.spec.output ?? "ndjson",
    ...(job.spec.shape === undefined ? {} : { shape: job.spec.shape }),
    counters: { ...job.counters },
    waitingFor: waitingFor(state, job),
    errors: job.errors.slice(),
    ...trustSummary(state, job),
    ...auditSummary(job),
  };
}

function stageSummary(state: CoordinatorState, stage: Stage): StageSummary {
  return {
    kind: stage.spec.kind,
    taskCount: stage.spec.taskCount,
    ...shownCounts(state, stage),
    ...stage.tally,
    inputBytes: stage.spec.inputBytes,
    meanMs: stage.durations.meanMs(),
  };
}

/** Why nothing of the job runs, as a chain of reasons that ends in what the user can do. */
function waitingFor(state: CoordinatorState, job: JobRecord): string {
  if (job.state !== "running" || job.running > 0) return "";
  const live = [...state.workers.values()].filter((worker) => worker.live);
  if (live.length === 0) {
    return "no worker is connected: start one with `tequio join`, or `tequio up --workers N`";
  }
  const paused = allPaused(live);
  if (paused !== null) return paused;
  const ready = job.stages.find((one) => one.counts.ready > 0);
  if (ready !== undefined) {
    const able = live.filter((worker) => mayRun(state, worker, ready));
    if (able.length === 0) return reasonText(noneIsAble(job.spec, live));
    const unfit = allUnfit(state, able, ready);
    if (unfit !== null) return unfit;
  }
  const stage = job.stages.find((one) => one.counts.done < one.spec.taskCount);
  if (stage !== undefined && stage.arriving.size > 0 && stage.counts.ready === 0) {
    return reasonText({ kind: "input-arriving", tasks: stage.arriving.size });
  }
  if (stage !== undefined && stage.backoffs.size > 0 && stage.counts.ready === 0) {
    const count = stage.backoffs.size;
    return count === 1
      ? "a failed task waits before its next attempt"
      : `${count} failed tasks wait before their next attempts`;
  }
  return "all workers are busy with other jobs";
}

/** `atMs`: now. */
export function workerSummaries(state: CoordinatorState, atMs = state.atMs): WorkerSummary[] {
  return [...state.workers.values()].map((worker) => workerSummary(state, worker, atMs));
}

export function workerSummary(
  state: CoordinatorState,
  worker: WorkerRecord,
  atMs: number,
): WorkerSummary {
  return {
    worker: workerId(worker.number),
    name: worker.specs.name,
    host: worker.specs.host,
    state: worker.live ? "live" : "lost",
    slots: worker.specs.slots,
    running: Math.min(worker.leases.size, worker.specs.slots),
    queued: Math.max(0, worker.leases.size - worker.specs.slots),
    done: worker.done,
    failed: worker.failed,
    joinedAtMs: worker.joinedAtMs,
    version: worker.specs.version,
    tab: worker.specs.tab === true,
    ...pythonOf(worker),
    paused: worker.pause?.reason ?? "",
    ...volunteerSummary(state, worker),
    ...lostSummary(worker, atMs),
  };
}

function lostSummary({ live, lost }: WorkerRecord, atMs: number): Pick<WorkerSummary, "lost"> {
  if (live || lost === undefined) return {};
  return { lost: { ...lost, forMs: Math.max(0, atMs - lost.atMs) } };
}

function volunteerSummary(
  state: CoordinatorState,
  worker: WorkerRecord,
): Pick<WorkerSummary, "volunteer"> {
  if (worker.volunteer === undefined) return {};
  const { person } = worker.volunteer;
  const valid = validOf(state, witnessOf(worker));
  const why = state.trust.caught.get(person);
  const caught = why && { job: jobId(why.job), stage: why.stage, task: why.task };
  const standing = { person, valid, checkedShare: checkedShare(valid) };
  return { volunteer: caught === undefined ? standing : { ...standing, caught } };
}

function pythonOf({ specs }: WorkerRecord): Pick<WorkerSummary, "python" | "pythonEngine"> {
  if (specs.python === undefined) return {};
  const { engine, version } = specs.python;
  return { python: version, ...(engine === undefined ? {} : { pythonEngine: engine }) };
}

export { isRetentionDue } from "./cluster/retention/remove.ts";
export { removedText } from "./cluster/retention/removed.ts";

/** Jobs that were removed and are still remembered, summed up by the reason; of one owner, or of
 *  all (null). */
export function removedSummaries(state: CoordinatorState, owner: string | null): RemovedSummary[] {
  const { keyed, unkeyed } = state.retained;
  const found = new Map<RemovedWhy, { count: number; firstAtMs: number; lastAtMs: number }>();
  for (const removed of [keyed, unkeyed]) {
    for (const one of removed.values()) {
      if (owner !== null && one.owner !== owner) continue;
      const at = one.removedAtMs;
      const sum = found.get(one.why) ?? { count: 0, firstAtMs: at, lastAtMs: at };
      sum.count++;
      sum.firstAtMs = Math.min(sum.firstAtMs, at);
      sum.lastAtMs = Math.max(sum.lastAtMs, at);
      found.set(one.why, sum);
    }
  }
  return [...found].map(([why, sum]) => ({ why, ...sum }));
}

/** Whether results of the worker were found wrong. */
export function isCaughtWorker(state: CoordinatorState, worker: WorkerId): boolean {
  return workerRecord(state, worker)?.caught === true;
}

/** Whether the task has its result, of an earlier attempt: what this one finds is only compared. */
export function isSurplus(state: CoordinatorState, { attempt, job, stage, task }: AttemptRef) {
  const of = find(state, job)?.stages[stage];
  return of?.state[task] === DONE && attempt > (of.committed[task] as number);
}

/** Of its tasks, oldest first; null when there is no such job. */
export function jobProfiles(state: CoordinatorState, job: JobId): readonly KeptProfile[] | null {
  const record = find(state, job);
  return record === undefined ? null : (record.profiles ?? []);
}

export function jobSpec(state: CoordinatorState, job: JobId): JobSpec | null {
  return find(state, job)?.spec ?? null;
}

/** What the job's code has around it that its engine cannot know, so that all attempts compute the
 *  same. */
export function jobEnvironment(state: CoordinatorState, job: JobId): JobEnvironment {
  const record = find(state, job);
  if (record === undefined) return {};
  const { chance, clock } = record.spec;
  return {
    ...(clock === "real" ? {} : { frozenAtMs: record.clockMs }),
    ...(isShared(record) && chance !== "real" ? { refusesChance: true } : {}),
  };
}

export function jobState(state: CoordinatorState, job: JobId): JobState | null {
  return find(state, job)?.state ?? null;
}

/** Also of a removed job, as long as it is remembered. */
export function jobOwner(state: CoordinatorState, job: JobId): string | null {
  return find(state, job)?.owner ?? removedJob(state, idNumber(job))?.owner ?? null;
}

/** Outputs of the last stage, in task order; null where a task has none. */
export function jobOutputs(state: CoordinatorState, job: JobId): ReadonlyArray<TaskOutput | null> {
  return find(state, job)?.stages.at(-1)?.outputs ?? [];
}

/** Blobs of records set aside, in task order over all stages. */
export function jobBadRecords(state: CoordinatorState, job: JobId): string[] {
  const stages = find(state, job)?.stages ?? [];
  return stages.flatMap((stage) => stage.outputs.flatMap((output) => output?.badRecords ?? []));
}

/** Where the partitions of a stage lie, in task order; null where a task has none now. `worker`
 *  null: at the coordinator. */
export function stageSources(
  state: CoordinatorState,
  job: JobId,
  stage: number,
): Array<StageSource | null> {
  const record = find(state, job)?.stages[stage];
  return record?.outputs.map((_, task) => sourceIn(record, task)) ?? [];
}

/** The same of one task. */
export function stageSource(
  state: CoordinatorState,
  { job, stage, task }: Pick<AttemptRef, "job" | "stage" | "task">,
): StageSource | null {
  const record = find(state, job)?.stages[stage];
  return record === undefined ? null : sourceIn(record, task);
}

type StageSource = {
  readonly task: number;
  readonly attempt: number;
  readonly worker: WorkerId | null;
  readonly root: string;
  /** With `worker` null: it may lie in the object store. */
  readonly isStored: boolean;
};

function sourceIn(record: Stage, task: number): StageSource | null {
  const output = record.outputs[task] ?? null;
  const holder = record.holder[task] as number;
  if (output === null || holder === 0 || record.state[task] !== DONE) return null;
  const attempt = record.committed[task] as number;
  const worker = holder === RELAY ? null : workerId(holder);
  const isStored = output.isStored === true;
  return { task, attempt, worker, root: output.root, isStored };
}

/** Live workers. */
export function workerIds(state: CoordinatorState): WorkerId[] {
  return [...state.workers.values()].filter((w) => w.live).map((w) => workerId(w.number));
}

export function workerRecord(state: CoordinatorState, worker: WorkerId): WorkerRecord | null {
  return state.workers.get(idNumber(worker)) ?? null;
}

export function workerSpecs(state: CoordinatorState, worker: WorkerId): WorkerSpecs | null {
  return workerRecord(state, worker)?.specs ?? null;
}

/** Whether the worker is a browser, which the tracker's edge speaks for. */
export function isTab(state: CoordinatorState, worker: WorkerId): boolean {
  return workerSpecs(state, worker)?.tab === true;
}

/** Tabs of this owner that are here. */
export function tabsOf(state: CoordinatorState, owner: string): number {
  let count = 0;
  for (const { live, owner: whose, specs } of state.workers.values()) {
    if (live && specs.tab === true && whose === owner) count++;
  }
  return count;
}

/** How long coordinators have been up without this worker, in ms; 0 for one that is here. */
export function absentMs(state: CoordinatorState, worker: WorkerId): number {
  return workerRecord(state, worker)?.absentMs ?? 0;
}

/** Of an audit, the attempt that runs. */
function secondOf({ job, second, stage, task }: Audit): AttemptRef {
  return { job: jobId(job), stage, task, attempt: second.attempt };
}

function canaryRef({ attempt, job, stage, task }: Canary): AttemptRef {
  return { job: jobId(job), stage, task, attempt };
}

/** What the worker may run, and report: those that only compare results, too. */
export function leasesOf(state: CoordinatorState, worker: WorkerId): AttemptRef[] {
  const leases = [...(workerRecord(state, worker)?.leases ?? [])].map(refOf);
  const audits = state.audits.running.get(idNumber(worker)) ?? [];
  const canaries = state.canaries.running.get(idNumber(worker)) ?? [];
  return [...leases, ...audits.map(secondOf), ...canaries.map(canaryRef)];
}

/** Attempts of the worker that were assigned before `beforeMs`, and were not announced since. */
export function unstartedOf(
  state: CoordinatorState,
  worker: WorkerId,
  beforeMs: number,
): AttemptRef[] {
  const leases = [...(workerRecord(state, worker)?.leases ?? [])];
  return leases
    .filter(({ assignedAtMs, startedAtMs }) => startedAtMs === 0 && assignedAtMs <= beforeMs)
    .map(refOf);
}

/** Whether the attempt is the worker's now. */
export function isLeasedTo(state: CoordinatorState, worker: WorkerId, ref: AttemptRef): boolean {
  return leasesOf(state, worker).some((one) => attemptKey(one) === attemptKey(ref));
}

export function tokenRecord(state: CoordinatorState, id: string): TokenRecord | null {
  return state.tokens.get(id) ?? null;
}

export function tokenRecords(state: CoordinatorState): TokenRecord[] {
  return [...state.tokens.values()];
}
