/** What workers say of their attempts. Commit is at most once and final; what comes late changes
 *  nothing. */
import { tooManyBad } from "../bad-share.ts";
import type { Effect } from "../effect.ts";
import type { AttemptReport, CoordinatorEvent } from "../event.ts";
import { idNumber, jobId, workerId } from "../ids.ts";
import { type Failure, type TaskOutput, taskName } from "../job.ts";
import { giveUp } from "./give-up.ts";
import { failJob, finishIfDone } from "./jobs.ts";
import { countAnnounced, endLease, findLease } from "./leases.ts";
import { takeBackBehind, takeBackExcess } from "./placement/take-back.ts";
import { afterFailure, afterNoModule, again } from "./retry.ts";
import { chargeOnwards, learnFirst } from "./shares.ts";
import { consumerOf, loseOutput, openStage, sameOutput } from "./shuffle.ts";
import { learnPace, watchStragglers } from "./speculation.ts";
import {
  type CoordinatorState,
  DONE,
  type JobRecord,
  type Lease,
  type Stage,
  setTask,
  type WorkerRecord,
} from "./state.ts";
import { endAudit, hearAudit } from "./trust/audit-end.ts";
import { sample } from "./trust/audit-sample.ts";
import { hearCanary } from "./trust/canary.ts";
import { failedElsewhere, failedInTab, hear, vouch } from "./trust/check.ts";
import { keeperOf, noteDispute } from "./trust/difference.ts";
import { distrust, withdrawAll } from "./trust/distrust.ts";
import { remember } from "./trust/known.ts";
import { markOf } from "./trust/opinion.ts";
import { isShared, isTracked } from "./trust/standing.ts";
import { tally, untally } from "./trust/tally.ts";
import { pauseAfterFull, rest } from "./workers/pauses.ts";
import { refOf } from "./workers/ref.ts";

type Of<K extends CoordinatorEvent["kind"]> = Extract<CoordinatorEvent, { kind: K }>;

/** Errors that a job's summary shows. */
const errorsKept = 10;
/** After a started attempt's own limit, the worker has this long to report it, in ms. */
export const overdueGraceMs = 10_000;
/** The same for a tab's tasks, of which several may be one portion. */
const tabOverdueGraceMs = 60_000;

export function reportAttempts(
  state: CoordinatorState,
  event: Of<"attempts-reported">,
  effects: Effect[],
): void {
  const job = state.jobs.get(idNumber(event.job));
  const stage = job?.stages[event.stage];
  if (job === undefined || stage === undefined) return;
  const from = idNumber(event.worker);
  for (const said of ofLeases(state, event, effects)) {
    if (job.state !== "running") break;
    const lease = findLease(stage, said.task, { attempt: said.attempt, worker: from });
    if (lease === undefined) continue;
    const report = measured(state, lease, said);
    endLease(state, lease, report.durationMs);
    if (report.kind === "done") decide(state, job, { lease, report, effects });
    else if (report.kind === "failed") fail(state, job, { lease, report, effects });
    else returnAttempt(state, job, lease);
  }
  if (job.state !== "running") return;
  effects.push({ kind: "job-changed", job: event.job });
  finishIfDone(state, job, effects);
  watchStragglers(state, job);
}

/** The others are of attempts that only compare, at own workers and at volunteers. */
function ofLeases(
  state: CoordinatorState,
  event: Of<"attempts-reported">,
  effects: Effect[],
): readonly AttemptReport[] {
  const worker = idNumber(event.worker);
  const { audits, canaries } = state;
  if (canaries.running.has(worker)) {
    return event.reports.filter((said) => !hearCanary(state, { ...event, worker }, said, effects));
  }
  if (!audits.running.has(worker)) return event.reports;
  const at = { job: idNumber(event.job), stage: event.stage, worker };
  return event.reports.filter((said) => {
    const audit = endAudit(state, at, said);
    if (audit === undefined) return true;
    const liars = hearAudit(state, audit, said, effects);
    const job = state.jobs.get(audit.job) as JobRecord;
    const found = { job, stage: job.stages[audit.stage] as Stage, task: audit.task };
    if (liars.length > 0) distrust(state, liars, found, effects);
    return false;
  });
}

/** Existing workers do not say how long it took. */
function measured(state: CoordinatorState, lease: Lease, report: AttemptReport): AttemptReport {
  if (state.workers.get(lease.worker)?.specs.isBase !== true) return report;
  return { ...report, durationMs: state.atMs - (lease.startedAtMs || lease.assignedAtMs) };
}

/** The worker will not run it. When it was not asked to return it (it stops, or its queue is full),
 *  it gets nothing more until one of its other attempts ends or a while has passed, or the two
 *  would hand tasks back and forth. */
function returnAttempt(state: CoordinatorState, job: JobRecord, lease: Lease): void {
  const stage = job.stages[lease.stage] as Stage;
  if (lease.takenBack !== true) rest(state, lease.worker);
  if (!stage.leases.has(lease.task)) again(state, job, stage, lease.task);
}

type Done = Extract<AttemptReport, { kind: "done" }>;

function decide(
  state: CoordinatorState,
  job: JobRecord,
  done: { lease: Lease; report: Done; effects: Effect[] },
): void {
  const { lease, report, effects } = done;
  const stage = job.stages[lease.stage] as Stage;
  if (!isTracked(job)) {
    commit(state, job, { ...done, result: { ...report, worker: lease.worker } });
    return;
  }
  const { task } = lease;
  const worker = state.workers.get(lease.worker) as WorkerRecord;
  const { attempt, counters, inputBytes, output } = report;
  const more = { ...(counters && { counters }), ...(inputBytes !== undefined && { inputBytes }) };
  const verdict = hear(state, { job, stage, task, worker, said: { attempt, output, ...more } });
  noteDispute(state, { job, stage, task }, effects);
  if (verdict.kind === "failed") return failJob(state, job, verdict.failure, effects);
  if (verdict.kind === "open") {
    learnDone(state, stage, done);
    if (!stage.leases.has(task)) again(state, job, stage, task);
    return;
  }
  const { liars, opinion } = verdict;
  vouch(stage, task, opinion);
  commit(state, job, { ...done, result: opinion });
  if (liars.length > 0) distrust(state, liars, { job, stage, task }, effects);
}

/** A result, and who has its partitions. */
type Result = Pick<Done, "attempt" | "counters" | "inputBytes" | "output"> & {
  readonly worker: number;
};

/** `result` is that of the report, or one that another worker reported before and that this report
 *  has confirmed. */
function commit(
  state: CoordinatorState,
  job: JobRecord,
  done: { lease: Lease; report: Done; result: Result; effects: Effect[] },
): void {
  const { lease, result, effects } = done;
  const stage = job.stages[lease.stage] as Stage;
  const { task } = lease;
  const { attempt, worker } = result;
  for (const other of [...(stage.leases.get(task) ?? [])]) {
    endLease(state, other);
    learnPace(state, stage, other, 0);
    effects.push({ kind: "abort", worker: workerId(other.worker), attempts: [refOf(other)] });
  }
  const before = stage.outputs[task] ?? null;
  const change = { before, after: result.output, effects };
  if (isTracked(job)) replace(state, job, stage, { task, ...change });
  if (!sameOutput(state, stage, change)) {
    failJob(state, job, differs(stage, task), effects);
    return;
  }
  stage.outputs[task] = result.output;
  stage.opinions.notForTabs.delete(task);
  stage.committed[task] = attempt;
  stage.holder[task] = stage.spec.partitionCount === 0 ? 0 : keeperOf(state, result);
  stage.astray.delete(task);
  stage.sourcesVersion++;
  setTask(stage, task, DONE);
  learnDone(state, stage, done);
  if (before === null || stage.opinions.withdrawn.delete(task)) tally(job, stage, task, result);
  if (isShared(job)) remember(state, stage, task);
  if (before === null) sample(state, job, stage, { task, attempt, worker });
  if (stage.counts.done < stage.spec.taskCount) return;
  stage.tally.endedAtMs = state.atMs;
  const { badShareMax } = job.spec;
  const tooMany = badShareMax === undefined ? null : tooManyBad(job.counters, badShareMax);
  if (tooMany !== null && stage.spec.inputStage === null) {
    failJob(state, job, tooMany, effects);
    return;
  }
  const consumer = consumerOf(job, stage);
  if (consumer !== null) openStage(state, job, consumer);
}

/** The result of a task is another than the one that counted before: what was computed from that
 *  one counts no more. */
function replace(
  state: CoordinatorState,
  job: JobRecord,
  stage: Stage,
  change: { task: number; before: TaskOutput | null; after: TaskOutput },
): void {
  const { after, before, task } = change;
  if (before === null || markOf(before) === markOf(after)) return;
  if (job.recheck !== undefined) job.recheck.changed++;
  // Its figures are replaced, too.
  if (!stage.opinions.withdrawn.has(task)) untally(job, stage, task);
  stage.opinions.withdrawn.add(task);
  const consumer = consumerOf(job, stage);
  if (consumer !== null) withdrawAll(state, job, consumer);
}

function learnDone(
  state: CoordinatorState,
  stage: Stage,
  { lease, report, effects }: { lease: Lease; report: Done; effects: Effect[] },
): void {
  learnPace(state, stage, lease, report.durationMs);
  if (stage.durations.count === 0) learnFirst(state, report.durationMs);
  stage.durations.add(report.durationMs);
  const worker = state.workers.get(lease.worker);
  if (worker === undefined) return;
  worker.done++;
  worker.unfit?.delete(lease.job);
  takeBackExcess({ worker, stage, lease }, report.durationMs, effects);
}

function differs(stage: Stage, task: number): Failure {
  return {
    code: "nondeterministic",
    message:
      `${taskName(stage.spec.kind, task)} was computed again after its output was lost, and gave ` +
      "other bytes, which a finished reduce task no longer matches; avoid Math.random and " +
      "Date in map",
  };
}

function fail(
  state: CoordinatorState,
  job: JobRecord,
  failed: { lease: Lease; report: Extract<AttemptReport, { kind: "failed" }>; effects: Effect[] },
): void {
  const { lease, report, effects } = failed;
  const stage = job.stages[lease.stage] as Stage;
  const { failure } = report;
  const worker = state.workers.get(lease.worker);
  if (failure.code === "storage-full") {
    if (worker !== undefined) pauseAfterFull(state, worker, failure);
  } else {
    if (worker !== undefined && failure.isDisk === true) pauseAfterFull(state, worker, failure);
    if (worker !== undefined) worker.failed++;
    keepError(job, stage, lease, failure);
  }
  if (failure.noModule === true) {
    const end = afterNoModule(state, job, lease, failure);
    if (end !== null) failJob(state, job, end, effects);
    return;
  }
  const isStrange = worker?.volunteer !== undefined && failure.code !== "storage-full";
  if (isStrange && setAside(state, job, lease)) return;
  const isOfTab = worker?.specs.tab === true && !isElsewhere(failure.code);
  if (isOfTab && goOutOfTabs(state, job, lease)) return;
  const input = stage.spec.inputStage === null ? undefined : job.stages[stage.spec.inputStage];
  // A worker with an older list of places may report as lost what has a new place by now.
  const upToDate =
    worker?.sources.get(`${stage.job}/${stage.spec.inputStage}`) === input?.sourcesVersion;
  const lost = upToDate ? (report.lostTasks ?? []) : [];
  for (const task of lost) {
    if (input === undefined || input.state[task] !== DONE) continue;
    if (!loseOutput(state, input, task)) {
      failJob(state, job, unreachable(input, task), effects);
      return;
    }
  }
  const end = afterFailure(state, job, lease, failure);
  if (end !== null) giveUp(state, job, { lease, failure: end, effects });
}

/** A volunteer may say of any task that it fails: an own worker is asked. */
function setAside(state: CoordinatorState, job: JobRecord, lease: Lease): boolean {
  const stage = job.stages[lease.stage] as Stage;
  if (!failedElsewhere(state, { job, stage, task: lease.task })) return false;
  stage.tally.attemptsFailed++;
  if (!stage.leases.has(lease.task)) again(state, job, stage, lease.task);
  return true;
}

/** Failures that say nothing of what a tab has. */
function isElsewhere(code: Failure["code"]): boolean {
  return code === "storage-full" || code === "data-lost" || code === "download-failed";
}

/** A tab may lack what the task needs: a worker that is none is asked. */
function goOutOfTabs(state: CoordinatorState, job: JobRecord, lease: Lease): boolean {
  const stage = job.stages[lease.stage] as Stage;
  if (!failedInTab(state, { job, stage, task: lease.task })) return false;
  stage.tally.attemptsFailed++;
  if (!stage.leases.has(lease.task)) again(state, job, stage, lease.task);
  return true;
}

function keepError(job: JobRecord, stage: Stage, lease: Lease, failure: Failure): void {
  job.errors.unshift({
    ...failure,
    task: taskName(stage.spec.kind, lease.task),
    worker: workerId(lease.worker),
  });
  if (job.errors.length > errorsKept) job.errors.length = errorsKept;
}

function unreachable(input: Stage, task: number): Failure {
  return {
    code: "download-failed",
    message:
      `the output of ${taskName(input.spec.kind, task)} could not be fetched from ` +
      "any worker that made it; check that workers reach each other (join with --listen)",
  };
}

/** Workers announce attempts that take longer than a moment; from then on their time runs here
 *  too. */
export function startAttempts(
  state: CoordinatorState,
  event: Of<"attempts-started">,
  effects: Effect[],
): void {
  for (const ref of event.attempts) {
    const job = state.jobs.get(idNumber(ref.job));
    const stage = job?.stages[ref.stage];
    if (job === undefined || stage === undefined) continue;
    const by = { attempt: ref.attempt, worker: idNumber(event.worker) };
    const lease = findLease(stage, ref.task, by);
    if (lease === undefined || lease.startedAtMs > 0) continue;
    lease.startedAtMs = state.atMs;
    if (lease.startedAtMs > 0) countAnnounced(state, lease, 1);
    chargeOnwards(state, job, lease);
    if (stage.spec.timeoutMs === 0) continue;
    state.deadlines.add({
      kind: "overdue",
      atMs: state.atMs + overdueMs(stage.spec.timeoutMs, state.workers.get(by.worker)),
      job: stage.job,
      stage: stage.index,
      task: ref.task,
      attempt: ref.attempt,
    });
  }
  takeBackBehind(state, idNumber(event.worker), effects);
}

/** A tab lends a tenth of the time at least, and announces all that it was given at once. */
function overdueMs(timeoutMs: number, worker: WorkerRecord | undefined): number {
  return worker?.specs.tab ? timeoutMs * 10 + tabOverdueGraceMs : timeoutMs + overdueGraceMs;
}

/** Orders a worker that does not report a timeout itself to stop the attempt. */
export function endOverdue(
  state: CoordinatorState,
  due: { job: number; stage: number; task: number; attempt: number },
  effects: Effect[],
): void {
  const job = state.jobs.get(due.job);
  const stage = job?.stages[due.stage];
  const lease = stage?.leases.get(due.task)?.find((one) => one.attempt === due.attempt);
  if (job === undefined || stage === undefined || lease === undefined) return;
  endLease(state, lease);
  effects.push({ kind: "abort", worker: workerId(lease.worker), attempts: [refOf(lease)] });
  const limit = `${stage.spec.timeoutMs / 1000} s`;
  const failure: Failure = { code: "timed-out", message: `ran past its limit of ${limit}` };
  const report = { kind: "failed", failure, task: due.task, attempt: due.attempt, durationMs: 0 };
  fail(state, job, { lease, report: report as never, effects });
  effects.push({ kind: "job-changed", job: jobId(job.number) });
}
