/** Laws about single steps of the core, checked without its own functions, so that an error in
 *  those cannot hide itself. */
import { type CoordinatorState, DONE, RELAY, type Stage } from "../../core/cluster/state.ts";
import type { Effect } from "../../core/effect.ts";
import type { AttemptReport, CoordinatorEvent } from "../../core/event.ts";
import { idNumber } from "../../core/ids.ts";

type Late = { readonly stage: Stage; readonly report: AttemptReport; readonly committed: number };

export class StepJudge {
  /** Reports of this event whose attempt has no lease. */
  #late: Late[] = [];
  /** Reports of this event that come from a worker that nobody can reach. */
  #relayed: Late[] = [];
  /** Reports of this event that tell of a full disk, with what their task had against it. */
  #full: Array<{ readonly stage: Stage; readonly task: number; readonly before: number }> = [];

  before(state: CoordinatorState, event: CoordinatorEvent): void {
    this.#late = [];
    this.#relayed = [];
    this.#full = [];
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

  /** `whole`: also what takes a look at every task. */
  after(state: CoordinatorState, effects: readonly Effect[], whole: boolean): void {
    for (const { stage, report, committed } of this.#late) {
      const name = `j-${stage.job}/${stage.index}/${report.task}#${report.attempt}`;
      if (committed !== report.attempt && stage.committed[report.task] === report.attempt) {
        throw new Error(`I4: ${name} was committed without a lease`);
      }
    }
    for (const { stage, report } of this.#relayed) {
      const isHeld = stage.committed[report.task] === report.attempt;
      if (!isHeld || stage.spec.partitionCount === 0 || stage.state[report.task] !== DONE) continue;
      if (stage.holder[report.task] === RELAY) continue;
      throw new Error(`B1: j-${stage.job}/${stage.index}/${report.task} would go with its tab`);
    }
    for (const { before, stage, task } of this.#full) {
      if (against(stage, task) === before) continue;
      throw new Error(`C4: a full disk counts against j-${stage.job}/${stage.index}/${task}`);
    }
    for (const effect of effects) {
      if (effect.kind !== "assign") continue;
      checkInput(state, effect);
      if (state.workers.get(idNumber(effect.worker))?.pause === null) continue;
      throw new Error(`C4: ${effect.worker} is out of disk and is given tasks`);
    }
    if (!whole) return;
    for (const number of state.active) {
      for (const stage of state.jobs.get(number)!.stages) checkHolders(state, stage);
    }
  }
}

/** What makes a job fail when there is too much of it. */
function against(stage: Stage, task: number): number {
  return stage.setbacks[task]! + stage.userErrors[task]!;
}

/** A reduce task begins when every partition that it reads is there. */
function checkInput(state: CoordinatorState, assign: Extract<Effect, { kind: "assign" }>): void {
  const job = state.jobs.get(idNumber(assign.job))!;
  const input = job.stages[assign.stage]!.spec.inputStage;
  if (input === null) return;
  const undone = job.stages[input]!.state.findIndex((task) => task !== DONE);
  if (undone === -1) return;
  throw new Error(
    `I9: ${assign.job}/${assign.stage} is given out before task ${undone} of its input`,
  );
}

/** Whoever holds a partition that is still to be read is there. */
function checkHolders(state: CoordinatorState, stage: Stage): void {
  const job = state.jobs.get(stage.job)!;
  const consumer = job.stages.find(({ spec }) => spec.inputStage === stage.index);
  if (consumer === undefined || consumer.counts.done === consumer.spec.taskCount) return;
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
