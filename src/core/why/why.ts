/** Why a job, a task or a worker waits, read from the state. Changes nothing. */
import { attemptsInSlots, attemptsOf, isInSlot, shownCounts } from "../cluster/in-slots.ts";
import { mayRun } from "../cluster/placement/may-run.ts";
import { isWanted, pythonName } from "../cluster/placement/python.ts";
import { lacking } from "../cluster/placement/requires.ts";
import { waitingBefore, weightOf } from "../cluster/shares.ts";
import { inputOf, isOpen } from "../cluster/shuffle.ts";
import {
  type CoordinatorState,
  DONE,
  DROPPED,
  type JobRecord,
  type Lease,
  READY,
  RUNNING,
  type Stage,
  type WorkerRecord,
} from "../cluster/state.ts";
import { differenceOf, disputesOf } from "../cluster/trust/difference.ts";
import { attemptsGiven } from "../cluster/trust/disguise.ts";
import { unaudited } from "../cluster/trust/unaudited.ts";
import { allUnfit, mayTake } from "../cluster/workers/unfit.ts";
import { idNumber, type JobId, jobId, type WorkerId, workerId } from "../ids.ts";
import { type JobSpec, programKinds, type TaskState, taskName } from "../job.ts";
import type { Reason } from "./reasons.ts";

/** Of the message of an error. */
const lastMaxCharacters = 500;

/** Null when there is no such job. */
export function whyJob(state: CoordinatorState, id: JobId, atMs: number): Reason[] | null {
  const job = state.jobs.get(idNumber(id));
  if (job === undefined) return null;
  const differs = trustIn(state, job);
  if (job.state !== "running")
    return [{ kind: "job-ended", job: id, state: job.state }, ...differs];
  const attempts = attemptsInSlots(state, job);
  const reasons: Reason[] = [{ kind: "job-runs", job: id, attempts }, ...differs];
  const stage = job.stages.find((one) => one.counts.done < one.spec.taskCount);
  if (stage === undefined) return reasons;
  reasons.push({ kind: "stage-left", stage: stage.spec.kind, ...shownCounts(state, stage) });
  const arriving = stage.arriving.size;
  if (arriving > 0) reasons.push({ kind: "input-arriving", tasks: arriving });
  const lost = lostOutputs(stage);
  if (lost > 0) reasons.push({ kind: "output-lost", stage: stage.spec.kind, tasks: lost });
  const { forOwn, open } = stage.opinions;
  if (open.size > 0) {
    reasons.push({ kind: "second-opinion", tasks: open.size, forOwn: forOwn.size });
  }
  if (stage.backoffs.size > 0 && stage.counts.ready === 0) {
    reasons.push(backoffOf(job, stage.backoffs.size));
  }
  if (stage.counts.ready > 0) return [...reasons, ...whyReady(state, job, stage)];
  return job.running > 0 ? [...reasons, ...longest(state, job, atMs)] : reasons;
}

/** Whether its results can be relied on: disputes of a running job only while they are open. */
function trustIn(state: CoordinatorState, job: JobRecord): Reason[] {
  const { audit, stages, state: jobState } = job;
  const reasons: Reason[] = [];
  if (audit?.differs !== undefined) {
    reasons.push({ kind: "not-deterministic", ...differenceOf(audit.differs, stages) });
  }
  for (const one of disputesOf(state, job)) {
    if (jobState !== "running" || one.isOpen) reasons.push({ kind: "disputed", ...one });
  }
  const why = unaudited(state, job);
  return why === undefined ? reasons : [...reasons, { kind: why }];
}

/** Null when there is no such task. */
export function whyTask(
  state: CoordinatorState,
  of: { readonly job: JobId; readonly stage: number; readonly task: number },
  atMs: number,
): Reason[] | null {
  const job = state.jobs.get(idNumber(of.job));
  const stage = job?.stages[of.stage];
  const code = stage?.state[of.task];
  if (job === undefined || stage === undefined || code === undefined) return null;
  const { kind } = stage.spec;
  const leases = stage.leases.get(of.task) ?? [];
  const isAhead = code === RUNNING && !leases.some((lease) => isInSlot(state, lease));
  const hasFailed = stage.outputs[of.task]?.failure !== undefined;
  const taskState = isAhead ? "ready" : hasFailed ? "failed" : stateName(job, code);
  const attempts = attemptsGiven(job, stage, of.task) - (isAhead ? leases.length : 0);
  const reasons: Reason[] = [
    { kind: "task-is", stage: kind, task: of.task, state: taskState, attempts },
  ];
  if (job.state !== "running") {
    return [...reasons, { kind: "job-ended", job: of.job, state: job.state }];
  }
  if (code === DONE) return reasons;
  const errors = stage.userErrors[of.task] as number;
  const errorsMax = job.spec.limits.userErrorMax;
  if (errors > 0) {
    reasons.push({ kind: "user-errors", errors, errorsMax, last: lastError(job, stage, of.task) });
  }
  const { forOwn, open } = stage.opinions;
  if (open.has(of.task)) {
    reasons.push({ kind: "second-opinion", tasks: 1, forOwn: forOwn.has(of.task) ? 1 : 0 });
  }
  if (code === RUNNING) {
    const runs = leases.map((lease) => held(state, lease, atMs));
    return [...reasons, ...runs, ...unlimited(job, runs)];
  }
  if ((stage.committed[of.task] as number) > 0) {
    reasons.push({ kind: "output-lost", stage: kind, tasks: 1 });
  }
  if (stage.backoffs.has(of.task)) reasons.push(backoffOf(job, 1));
  if (stage.arriving.has(of.task)) reasons.push({ kind: "input-arriving", tasks: 1 });
  const input = inputOf(job, stage);
  if (input !== null && !isOpen(job, stage)) {
    const left = input.spec.taskCount - input.counts.done;
    reasons.push({ kind: "input-missing", stage: input.spec.kind, left });
    return [...reasons, ...(whyJob(state, of.job, atMs) ?? []).slice(1)];
  }
  if (code === READY) return [...reasons, ...whyReady(state, job, stage)];
  return reasons;
}

/** Null when there is no such worker. */
export function whyWorker(
  state: CoordinatorState,
  id: WorkerId,
  atMs = state.atMs,
): Reason[] | null {
  const worker = state.workers.get(idNumber(id));
  if (worker === undefined) return null;
  if (!worker.live) return [lostReason(worker, atMs)];
  const { slots } = worker.specs;
  const { ahead, inSlots: attempts } = attemptsOf(worker);
  const reasons: Reason[] = [];
  if (worker.pause !== null) {
    reasons.push({ kind: "worker-paused", worker: id, reason: worker.pause.reason });
  }
  if (attempts >= slots) {
    return [...reasons, { kind: "worker-busy", worker: id, attempts, slots, ahead }];
  }
  if (reasons.length > 0) return reasons;
  reasons.push({ kind: "worker-free", worker: id });
  const forIt: Reason[] = [];
  for (const number of state.active) {
    const stage = state.jobs.get(number)?.stages.find((one) => one.counts.ready > 0);
    if (stage === undefined) continue;
    // It gets them with the next decision.
    if (mayTake(state, worker, stage)) return reasons;
    forIt.push(notForIt(state, worker, number));
  }
  if (forIt.length > 0) return [...reasons, ...forIt.slice(0, 10)];
  return [...reasons, { kind: "nothing-ready", jobs: state.active.size }];
}

function lostReason({ lost, number }: WorkerRecord, atMs: number): Reason {
  const worker = workerId(number);
  if (lost === undefined) return { kind: "worker-lost", worker };
  const forMs = Math.max(0, atMs - lost.atMs);
  const { isAway, reason } = lost;
  return { kind: "worker-lost", worker, reason, ...(isAway === true ? { isAway } : {}), forMs };
}

function notForIt(state: CoordinatorState, { specs }: WorkerRecord, number: number): Reason {
  const isPython = state.jobs.get(number)?.spec.programKind === programKinds.python;
  const hasIt = specs.kinds.includes(programKinds.python);
  const lacks = isPython && !hasIt ? (specs.tab === true ? "python-in-tabs" : "python") : null;
  return { kind: "not-for-it", job: jobId(number), ...(lacks === null ? {} : { lacks }) };
}

/** Why ready tasks of the stage are not given out. */
function whyReady(state: CoordinatorState, job: JobRecord, stage: Stage): Reason[] {
  const live = [...state.workers.values()].filter((worker) => worker.live);
  if (live.length === 0) return [{ kind: "no-worker" }];
  const paused = live.filter((worker) => worker.pause !== null);
  if (paused.length === live.length) {
    const reason = paused[0]?.pause?.reason ?? "";
    return [{ kind: "workers-paused", workers: live.length, reason }];
  }
  const able = live.filter((worker) => mayRun(state, worker, stage));
  if (able.length === 0) return [noneIsAble(job.spec, live)];
  const unfit = allUnfit(state, able, stage);
  if (unfit !== null) return [{ kind: "workers-paused", workers: able.length, reason: unfit }];
  const slots = able.reduce((sum, worker) => sum + worker.specs.slots, 0);
  let others = 0;
  for (const worker of able) {
    others += worker.leases.size - (worker.held.byJob.get(job.number) ?? 0);
  }
  const { slotsPerOwnerMax } = state.shares;
  const taken = state.shares.owners.get(job.owner)?.slots ?? 0;
  if (slotsPerOwnerMax > 0 && taken >= slotsPerOwnerMax) {
    return [{ kind: "owner-limit", owner: job.owner, slots: taken }];
  }
  const reasons: Reason[] = [{ kind: "slots-taken", slots, byOthers: Math.min(others, slots) }];
  if (state.active.size > 1 && others > 0) {
    const weight = weightOf(job.spec);
    const attempts = attemptsInSlots(state, job);
    reasons.push({ kind: "fair-share", jobs: state.active.size, weight, attempts });
    reasons.push({ kind: "queue-position", owner: job.owner, ...waitingBefore(state, job) });
  }
  return reasons;
}

/** Workers that one reason lists, at most. */
const workersToldMax = 10;

/** Why no live worker may run tasks of the job: of many workers the first ones are named. */
export function noneIsAble(spec: JobSpec, live: readonly WorkerRecord[]): Reason {
  const areStrange = live.every(({ volunteer }) => volunteer !== undefined);
  if (areStrange && spec.share === undefined) {
    return { kind: "only-volunteers", workers: live.length };
  }
  const { moduleHash, programKind = programKinds.javascript, requires = [] } = spec;
  const { wasm } = programKinds;
  const runIt = live.filter(
    ({ specs: { kinds } }) =>
      kinds.includes(programKind) || (moduleHash !== undefined && kinds.includes(wasm)),
  );
  if (programKind !== programKinds.python) {
    if (runIt.length > 0) return { kind: "input-too-large" };
    return { kind: "no-runtime", ...(moduleHash === undefined ? {} : { module: true }) };
  }
  if (runIt.length === 0) {
    // Nothing is installed in a tab.
    const machines = live.filter(({ specs }) => specs.tab !== true).map(({ specs }) => specs.name);
    const workers = [...new Set(machines)].slice(0, workersToldMax);
    return { kind: "no-python", workers, ...(machines.length < live.length ? { tabs: true } : {}) };
  }
  const fitting = runIt.filter(({ specs }) => isWanted(specs.python, spec));
  if (fitting.length === 0) {
    const has = runIt.map(({ specs }) => {
      const { engine = "cpython", version } = specs.python ?? {};
      return { worker: specs.name, python: pythonName(engine, version) };
    });
    const wants = pythonName(spec.engine, spec.pythonVersion);
    return { kind: "other-python", wants, has: has.slice(0, workersToldMax) };
  }
  const lacks = fitting
    .map(({ specs }) => ({ worker: specs.name, packages: lacking(specs, requires) }))
    .filter(({ packages }) => packages.length > 0);
  if (lacks.length === 0) return { kind: "input-too-large" };
  const areTabs = fitting.some(({ specs }) => specs.tab === true);
  const tabs = areTabs ? ({ tabs: true } as const) : {};
  return { kind: "lacks-packages", lacks: lacks.slice(0, workersToldMax), ...tabs };
}

/** What a stage waits for when nothing is left to give out: the attempts that take longest. */
function longest(state: CoordinatorState, job: JobRecord, atMs: number): Reason[] {
  const leases = job.stages.flatMap((stage) => [...stage.leases.values()].flat());
  const inSlots = leases.filter((lease) => isInSlot(state, lease));
  const runs = (inSlots.length > 0 ? inSlots : leases)
    .sort((a, b) => a.assignedAtMs - b.assignedAtMs)
    .slice(0, 3)
    .map((lease) => held(state, lease, Math.max(atMs, state.atMs)));
  return [...runs, ...unlimited(job, runs)];
}

/** How long an attempt runs until it is named that no time limit ends it, ms. */
const longMs = 60_000;

function unlimited({ spec }: JobRecord, runs: readonly Reason[]): Reason[] {
  const isLong = runs.some((run) => run.kind === "attempt-runs" && run.forMs >= longMs);
  const isEndless = spec.stages.some(({ timeoutMs }) => timeoutMs === 0);
  return isLong && isEndless ? [{ kind: "no-limit" }] : [];
}

/** Of the errors that are kept, the task's last. */
function lastError(job: JobRecord, stage: Stage, task: number): string {
  const name = taskName(stage.spec.kind, task);
  const last = job.errors.find((error) => error.task === name);
  return last === undefined ? "" : `${last.code}: ${last.message.slice(0, lastMaxCharacters)}`;
}

function held(state: CoordinatorState, lease: Lease, atMs: number): Reason {
  const { assignedAtMs, attempt, backup, startedAtMs } = lease;
  if (!isInSlot(state, lease)) {
    return { kind: "sent-ahead", attempt, worker: workerId(lease.worker) };
  }
  return {
    kind: "attempt-runs",
    attempt,
    worker: workerId(lease.worker),
    forMs: Math.max(0, atMs - (startedAtMs || assignedAtMs)),
    backup,
    announced: startedAtMs > 0,
  };
}

/** Tasks that were done and are not. */
function lostOutputs(stage: Stage): number {
  if (stage.spec.partitionCount === 0 || stage.tally.attemptsLost === 0) return 0;
  let lost = 0;
  for (let task = 0; task < stage.spec.taskCount; task++) {
    if ((stage.committed[task] as number) > 0 && stage.state[task] !== DONE) lost++;
  }
  return lost;
}

function backoffOf(job: JobRecord, tasks: number): Reason {
  return { kind: "backoff", tasks, forMs: job.spec.limits.backoffMaxMs };
}

function stateName(job: JobRecord, code: number): TaskState {
  if (code === DROPPED) return job.state === "cancelled" ? "cancelled" : "failed";
  return (["waiting", "ready", "running", "done"] as const)[code] ?? "waiting";
}
