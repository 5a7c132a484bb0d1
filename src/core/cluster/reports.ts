/** What workers say of their attempts. Commit is at most once and final; what comes late changes
 *  nothing. */
import type { Effect } from "../effect.ts";
import type { AttemptReport, CoordinatorEvent } from "../event.ts";
import { idNumber, jobId, workerId } from "../ids.ts";
import { type Failure, taskName } from "../job.ts";
import { failJob, finishIfDone } from "./jobs.ts";
import { countAnnounced, endLease, findLease } from "./leases.ts";
import { takeBackBehind, takeBackExcess } from "./placement/take-back.ts";
import { afterFailure, again } from "./retry.ts";
import { chargeOnwards, learnFirst } from "./shares.ts";
import { consumerOf, loseOutput, openStage, sameOutput } from "./shuffle.ts";
import { learnPace, watchStragglers } from "./speculation.ts";
import {
  addCounters,
  type CoordinatorState,
  DONE,
  type JobRecord,
  type Lease,
  RELAY,
  type Stage,
  setTask,
  type WorkerRecord,
} from "./state.ts";
import { pauseAfterFull, rest } from "./workers/pauses.ts";
import { refOf } from "./workers.ts";

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
  for (const report of event.reports) {
    if (job.state !== "running") break;
    const lease = findLease(stage, report.task, { attempt: report.attempt, worker: from });
    if (lease === undefined) continue;
    endLease(state, lease, report.durationMs);
    if (report.kind === "done") commit(state, job, { lease, report, effects });
    else if (report.kind === "failed") fail(state, job, { lease, report, effects });
    else returnAttempt(state, job, lease);
  }
  if (job.state !== "running") return;
  effects.push({ kind: "job-changed", job: event.job });
  finishIfDone(state, job, effects);
  watchStragglers(state, job);
}

/** The worker will not run it. When it was not asked to return it (it stops, or its queue is full),
 *  it gets nothing more until one of its other attempts ends or a while has passed, or the two
 *  would hand tasks back and forth. */
function returnAttempt(state: CoordinatorState, job: JobRecord, lease: Lease): void {
  const stage = job.stages[lease.stage] as Stage;
  if (lease.takenBack !== true) rest(state, lease.worker);
  if (!stage.leases.has(lease.task)) again(state, job, stage, lease.task);
}

function commit(
  state: CoordinatorState,
  job: JobRecord,
  done: { lease: Lease; report: Extract<AttemptReport, { kind: "done" }>; effects: Effect[] },
): void {
  const { lease, report, effects } = done;
  const stage = job.stages[lease.stage] as Stage;
  const { task } = lease;
  for (const other of [...(stage.leases.get(task) ?? [])]) {
    endLease(state, other);
    learnPace(state, stage, other, 0);
    effects.push({ kind: "abort", worker: workerId(other.worker), attempts: [refOf(other)] });
  }
  const before = stage.outputs[task] ?? null;
  if (!sameOutput(state, stage, { before, after: report.output, effects })) {
    failJob(state, job, differs(stage, task), effects);
    return;
  }
  stage.outputs[task] = report.output;
  stage.committed[task] = report.attempt;
  stage.holder[task] = holderOf(state, stage, lease);
  stage.sourcesVersion++;
  setTask(stage, task, DONE);
  learnPace(state, stage, lease, report.durationMs);
  if (stage.durations.count === 0) learnFirst(state, report.durationMs);
  stage.durations.add(report.durationMs);
  const worker = state.workers.get(lease.worker);
  if (worker !== undefined) {
    worker.done++;
    takeBackExcess({ worker, stage, lease }, report.durationMs, effects);
  }
  if (before === null) tally(job, stage, report);
  if (stage.counts.done < stage.spec.taskCount) return;
  stage.tally.endedAtMs = state.atMs;
  const consumer = consumerOf(job, stage);
  if (consumer !== null) openStage(state, job, consumer);
}

/** The worker that keeps the partitions: the one that made them, if others can fetch from it. */
function holderOf(state: CoordinatorState, stage: Stage, lease: Lease): number {
  if (stage.spec.partitionCount === 0) return 0;
  return state.workers.get(lease.worker)?.specs.exchangeUrl === "" ? RELAY : lease.worker;
}

/** Counted once per task, also when its output is lost and computed again. */
function tally(
  job: JobRecord,
  stage: Stage,
  report: Extract<AttemptReport, { kind: "done" }>,
): void {
  stage.tally.inputBytesDone += report.inputBytes ?? 0;
  stage.tally.outputBytes += report.output.sizeBytes;
  stage.tally.outputRecords += report.output.records;
  if (report.counters !== undefined) addCounters(job.counters, report.counters);
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
  if (end !== null) failJob(state, job, end, effects);
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
