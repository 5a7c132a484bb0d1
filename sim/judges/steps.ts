/** Laws about single steps of the core, checked without its own functions, so that an error in
 *  those cannot hide itself. */
import {
  type CoordinatorState,
  DONE,
  type Lease,
  RELAY,
  type Stage,
} from "../../src/core/cluster/state.ts";
import type { Effect } from "../../src/core/effect.ts";
import type { AttemptReport, CoordinatorEvent } from "../../src/core/event.ts";
import { idNumber } from "../../src/core/ids.ts";
import type { Exercised } from "./laws.ts";

/** A lease of a stage whose attempts have a time limit. */
type Timed = { readonly stage: Stage; readonly lease: Lease };
/** An output that a worker held when it came back. */
type Held = { readonly stage: Stage; readonly task: number; readonly attempt: number };

type Joined = Extract<CoordinatorEvent, { kind: "worker-joined" }>;
type Late = { readonly stage: Stage; readonly report: AttemptReport; readonly committed: number };

export class StepJudge {
  /** Reports of this event whose attempt has no lease. */
  #late: Late[] = [];
  /** Reports of this event from an unreachable worker. */
  #relayed: Late[] = [];
  /** Reports of this event of a full disk, with the failures that were counted against their
   *  task. */
  #full: Array<{ readonly stage: Stage; readonly task: number; readonly before: number }> = [];
  /** Attempts under a time limit when time passes. */
  #timed: Timed[] = [];
  /** Outputs that the coordinator expects on a worker that comes back without them. */
  #missed: Held[] = [];
  /** A worker presents an id that belongs to another owner. */
  #isForeign = false;
  readonly #exercised: Exercised;

  constructor(exercised: Exercised) {
    this.#exercised = exercised;
  }

  before(state: CoordinatorState, event: CoordinatorEvent): void {
    this.#late = [];
    this.#relayed = [];
    this.#full = [];
    this.#timed = event.kind === "time-passed" ? timedLeases(state) : [];
    if (this.#timed.some(({ lease }) => lease.attempt > 1)) this.#exerciseTimed(state, event);
    this.#missed = event.kind === "worker-joined" ? missedOutputs(state, event) : [];
    this.#isForeign = event.kind === "worker-joined" && isForeign(state, event);
    if (event.kind !== "attempts-reported") return;
    const stage = state.jobs.get(idNumber(event.job))?.stages[event.stage];
    if (stage === undefined) return;
    for (const report of event.reports) {
      const leases = stage.leases.get(report.task) ?? [];
      const worker = idNumber(event.worker);
      const has = leases.some((one) => one.attempt === report.attempt && one.worker === worker);
      const committed = stage.committed[report.task]!;
      if (!has) this.#late.push({ stage, report, committed });
      if (report.kind === "failed" && report.failure.code === "storage-full") {
        this.#full.push({ stage, task: report.task, before: against(stage, report.task) });
      }
      const isHidden = state.workers.get(worker)?.specs.exchangeUrl === "";
      if (isHidden) this.#relayed.push({ stage, report, committed });
    }
  }

  /** `whole`: also the checks that visit every task. */
  after(state: CoordinatorState, effects: readonly Effect[], whole: boolean): void {
    for (const timed of this.#timed) this.#checkTimed(state, timed);
    for (const held of this.#missed) this.#checkMissed(held);
    if (this.#isForeign) {
      this.#exercised("I14: no worker is admitted as another owner's");
      if (effects.every(({ kind }) => kind !== "refuse")) throw new Error("I14: it was admitted");
    }
    for (const { stage, report, committed } of this.#late) {
      this.#exercised("I4: nothing is committed without a lease");
      const name = `j-${stage.job}/${stage.index}/${report.task}#${report.attempt}`;
      if (committed !== report.attempt && stage.committed[report.task] === report.attempt) {
        throw new Error(`I4: ${name} was committed without a lease`);
      }
    }
    for (const { stage, report } of this.#relayed) {
      this.#exercised("B1: an output in the relay outlives its worker");
      const isHeld = stage.committed[report.task] === report.attempt;
      if (!isHeld || stage.spec.partitionCount === 0 || stage.state[report.task] !== DONE) continue;
      if (stage.holder[report.task] === RELAY) continue;
      throw new Error(`B1: j-${stage.job}/${stage.index}/${report.task} would go with its tab`);
    }
    for (const { before, stage, task } of this.#full) {
      this.#exercised("C4: a full disk counts against no task");
      if (against(stage, task) === before) continue;
      throw new Error(`C4: a full disk counts against j-${stage.job}/${stage.index}/${task}`);
    }
    for (const effect of effects) {
      if (effect.kind !== "assign") continue;
      this.#checkInput(state, effect);
      if (isSomePaused(state)) this.#exercised("C4: a paused worker is assigned nothing");
      if (state.workers.get(idNumber(effect.worker))?.pause === null) continue;
      throw new Error(`C4: ${effect.worker} is out of disk and is given tasks`);
    }
    if (!whole) return;
    for (const number of state.active) {
      for (const stage of state.jobs.get(number)!.stages) this.#checkHolders(state, stage);
    }
  }

  /** The limit of an older attempt of a running task is due. */
  #exerciseTimed(state: CoordinatorState, { atMs }: CoordinatorEvent): void {
    for (const due of state.deadlines.save().list) {
      if (due.atMs > atMs) return;
      if (due.kind !== "overdue") continue;
      const newer = this.#timed.some(({ lease, stage }) => {
        const isSame = stage.job === due.job && stage.index === due.stage;
        return isSame && lease.task === due.task && lease.attempt > due.attempt;
      });
      if (newer) this.#exercised("W8: an attempt has all of its time");
    }
  }

  /** Only the limit of the running attempt may end it. */
  #checkTimed(state: CoordinatorState, { lease, stage }: Timed): void {
    const { timeoutMs } = stage.spec;
    if (stage.leases.get(lease.task)?.includes(lease)) return;
    if (state.jobs.get(stage.job)?.state !== "running") return;
    if (lease.startedAtMs > 0 && lease.startedAtMs + timeoutMs <= state.atMs) return;
    const name = `j-${stage.job}/${stage.index}/${lease.task}#${lease.attempt}`;
    throw new Error(`W8: ${name} was ended before its time`);
  }

  #checkMissed({ attempt, stage, task }: Held): void {
    this.#exercised("I9: what a returning worker does not serve is lost");
    if (stage.state[task] !== DONE || stage.committed[task] !== attempt) return;
    const name = `j-${stage.job}/${stage.index}/${task}`;
    throw new Error(`I9: the output of ${name} is expected, but its worker came back without it`);
  }

  /** A reduce task begins when every partition that it reads exists. */
  #checkInput(state: CoordinatorState, assign: Extract<Effect, { kind: "assign" }>): void {
    const job = state.jobs.get(idNumber(assign.job))!;
    const input = job.stages[assign.stage]!.spec.inputStage;
    if (input === null) return;
    this.#exercised("I9: a reduce begins when its input is there");
    const undone = job.stages[input]!.state.findIndex((task) => task !== DONE);
    if (undone === -1) return;
    throw new Error(
      `I9: ${assign.job}/${assign.stage} is assigned before task ${undone} of its input is done`,
    );
  }

  /** The holder of every partition that is still to be read is live. */
  #checkHolders(state: CoordinatorState, stage: Stage): void {
    const job = state.jobs.get(stage.job)!;
    const consumer = job.stages.find(({ spec }) => spec.inputStage === stage.index);
    if (consumer === undefined || consumer.counts.done === consumer.spec.taskCount) return;
    if (stage.counts.done > 0)
      this.#exercised("I9: the holder of an output that is still read is live");
    for (let task = 0; task < stage.spec.taskCount; task++) {
      if (stage.state[task] !== DONE) continue;
      const holder = stage.holder[task]!;
      if (holder === RELAY) continue;
      if (state.workers.get(holder)?.live === true) continue;
      throw new Error(
        `I9: the output of j-${stage.job}/${stage.index}/${task} lies on w-${holder}, lost`,
      );
    }
  }
}

function isSomePaused(state: CoordinatorState): boolean {
  for (const { live, pause } of state.workers.values()) if (live && pause !== null) return true;
  return false;
}

function timedLeases(state: CoordinatorState): Timed[] {
  const timed: Timed[] = [];
  for (const number of state.active) {
    for (const stage of state.jobs.get(number)!.stages) {
      if (stage.spec.timeoutMs === 0) continue;
      for (const held of stage.leases.values()) {
        for (const lease of held) timed.push({ stage, lease });
      }
    }
  }
  return timed;
}

/** Whether it presents the id of another owner's worker. */
function isForeign(state: CoordinatorState, { owner, worker }: Joined): boolean {
  return worker !== null && state.workers.get(idNumber(worker))?.owner !== owner;
}

/** Outputs that are still needed, held by a worker that comes back and names what it serves. */
function missedOutputs(state: CoordinatorState, event: Joined): Held[] {
  const { serving, worker } = event;
  if (worker === null || serving === undefined || isForeign(state, event)) return [];
  const missed: Held[] = [];
  for (const number of state.active) {
    const job = state.jobs.get(number)!;
    for (const stage of job.stages) {
      const consumer = job.stages.find(({ spec }) => spec.inputStage === stage.index);
      if (consumer === undefined || consumer.counts.done === consumer.spec.taskCount) continue;
      const served = serving.find(
        (one) => idNumber(one.job) === number && one.stage === stage.index,
      );
      for (let task = 0; task < stage.spec.taskCount; task++) {
        const isHeld = stage.state[task] === DONE && stage.holder[task] === idNumber(worker);
        if (!isHeld || served?.tasks.includes(task)) continue;
        missed.push({ stage, task, attempt: stage.committed[task]! });
      }
    }
  }
  return missed;
}

/** Failures that count towards the job's failure. */
function against(stage: Stage, task: number): number {
  return stage.setbacks[task]! + stage.userErrors[task]!;
}
