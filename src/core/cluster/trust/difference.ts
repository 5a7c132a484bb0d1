/** Where two results of one task differ: asked for once, of a few tasks of each job. */
import type { Effect, OutputAt } from "../../effect.ts";
import type { CoordinatorEvent } from "../../event.ts";
import { idNumber, jobId, type WorkerId, workerId } from "../../ids.ts";
import type { TaskOutput } from "../../job.ts";
import type { DisputeSummary, TaskDifference } from "../../summary.ts";
import { type CoordinatorState, type JobRecord, RELAY, type Stage } from "../state.ts";
import { type Difference, type DifferentRecord, recordTextMax } from "./audit.ts";
import { markOf, type Opinion } from "./opinion.ts";

/** Disputes of one job of which the difference is looked for. */
const disputesMax = 10;

/** A result, and who has its partitions: a worker number, or `RELAY`. */
export type Held = {
  readonly worker: number;
  readonly attempt: number;
  readonly output: TaskOutput;
  readonly holder: number;
};

/** Volunteers, or a volunteer and an own worker, say different things of a task. */
export function noteDispute(
  state: CoordinatorState,
  { job, stage, task }: { readonly job: JobRecord; readonly stage: Stage; readonly task: number },
  effects: Effect[],
): void {
  const all = stage.opinions.open.get(task) ?? [];
  const [first] = all;
  if (first === undefined) return;
  const mark = markOf(first.output);
  const other = all.find(({ output }) => markOf(output) !== mark);
  if (other === undefined) return;
  const held = (one: Opinion): Held => ({ ...one, holder: keeperOf(state, one) });
  dispute(job, stage, { task, results: [held(first), held(other)] }, effects);
}

/** Keeps it as one of the job's disputes, unless it is known. */
export function dispute(
  job: JobRecord,
  stage: Stage,
  of: { readonly task: number; readonly results: readonly [Held, Held] },
  effects: Effect[],
): void {
  const disputes = job.disputes ?? [];
  const isKnown = disputes.some((one) => one.stage === stage.index && one.task === of.task);
  if (isKnown || disputes.length >= disputesMax) return;
  job.disputes = [...disputes, differenceBetween(stage, of, effects)];
}

/** What a worker has made, others read from it, or from the coordinator and its store. */
export function keeperOf(
  { workers }: CoordinatorState,
  { output, worker }: Pick<Held, "output" | "worker">,
): number {
  if (output.isStored === true) return RELAY;
  return workers.get(worker)?.specs.exchangeUrl === "" ? RELAY : worker;
}

/** Orders a comparison, unless the results themselves are known. */
export function differenceBetween(
  stage: Stage,
  of: { readonly task: number; readonly results: readonly [Held, Held] },
  effects: Effect[],
): Difference {
  const [one, other] = of.results;
  const by = ({ attempt, worker }: Held) => ({ worker, attempt });
  const found = { stage: stage.index, task: of.task, first: by(one), second: by(other) };
  const [first, second] = [one.output.value, other.output.value];
  if (first !== undefined && second !== undefined) return { ...found, record: cut(first, second) };
  const at = { job: jobId(stage.job), stage: stage.index, task: of.task };
  effects.push({ kind: "compare-outputs", ...at, outputs: [outputAt(one), outputAt(other)] });
  return found;
}

function outputAt({ attempt, holder, output }: Held): OutputAt {
  const { page, root, sizeBytes, value } = output;
  const long = page === undefined ? {} : { page };
  const short = value === undefined ? {} : { value };
  return { attempt, worker: placeOf(holder), root, sizeBytes, ...long, ...short };
}

function placeOf(holder: number): WorkerId | null {
  return holder === RELAY ? null : workerId(holder);
}

function cut(first: string, second: string): DifferentRecord {
  return {
    number: 0,
    first: first.slice(0, recordTextMax),
    second: second.slice(0, recordTextMax),
  };
}

export function learnDifference(
  state: CoordinatorState,
  event: Extract<CoordinatorEvent, { kind: "outputs-compared" }>,
  effects: Effect[],
): void {
  const job = state.jobs.get(idNumber(event.job));
  if (job === undefined) return;
  const { attempts, record } = event;
  const isIt = ({ first, second, stage, task }: Difference) =>
    stage === event.stage &&
    task === event.task &&
    (attempts === undefined || (attempts[0] === first.attempt && attempts[1] === second.attempt));
  const { audit, disputes } = job;
  if (audit?.differs !== undefined && isIt(audit.differs)) {
    audit.differs = { ...audit.differs, record };
  }
  if (disputes !== undefined) {
    job.disputes = disputes.map((one) => (isIt(one) ? { ...one, record } : one));
  }
  effects.push({ kind: "job-changed", job: event.job });
}

/** As summaries name it. */
export function differenceOf(
  { first, record, second, stage, task }: Difference,
  stages: readonly Stage[],
): TaskDifference {
  const workers = [workerId(first.worker), workerId(second.worker)] as const;
  const { kind } = (stages[stage] as Stage).spec;
  return { stage: kind, task, workers, ...(record === undefined ? {} : { record }) };
}

/** What there was to settle, and how it was settled. */
export function disputesOf(
  { workers }: CoordinatorState,
  { disputes = [], stages }: JobRecord,
): DisputeSummary[] {
  return disputes.map((one) => {
    const isOpen = stages[one.stage]?.opinions.open.has(one.task) === true;
    const wrong = [one.first, one.second].filter(({ worker }) => workers.get(worker)?.caught);
    const ids = wrong.map(({ worker }) => workerId(worker));
    return { ...differenceOf(one, stages), ...(isOpen ? { isOpen } : {}), wrong: ids };
  });
}
