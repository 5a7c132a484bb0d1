/** Results of volunteers, from their report until one of them is committed.
 *
 *  1. What an own worker computes is committed at once; what a volunteer computes, when its trust
 *     allows it, or when enough others say the same. The first is drawn at the time of the report,
 *     so a task that is done is never compared again, and a stage with open opinions is not done.
 *  2. Second opinions come from another person in another block of addresses, or from an own worker
 *     that has room; volunteers that agreed are compared with an own worker now and then, too.
 *  3. Two different results are a dispute: an own worker settles it. Where it finds a third result,
 *     or confirms one against another, it computes the task twice before someone is called a liar:
 *     a task that gives two results there is the job's fault, and fails the job.
 *  4. Without an own worker the majority decides, and no volunteer is called a liar. */
import { type Failure, type TaskOutput, taskName } from "../../job.ts";
import { mayRun } from "../placement/may-run.ts";
import type { CoordinatorState, JobRecord, Stage, WorkerRecord } from "../state.ts";
import { areDistinct, markOf, type Opinion, voucherOf, type Witness } from "./opinion.ts";
import {
  checkedShare,
  confirm,
  doubt,
  draw,
  engineOf,
  needsOneEngine,
  validOf,
  witnessOf,
} from "./standing.ts";

/** Share of the agreements among volunteers that an own worker checks when it has room. */
const spotShare = 0.1;
/** Tasks that may wait for each slot of the own workers before second opinions go to others. */
const waitingPerSlot = 2;
/** Volunteers that must agree where no own worker decides, and results of one task before the job
 *  is given up. */
export const quorumDefault = { agree: 2, of: 9 } as const;

export type Verdict =
  /** To be committed. `liars`: their results were found wrong by own workers. */
  | { readonly kind: "accepted"; readonly opinion: Opinion; readonly liars: readonly Opinion[] }
  /** Another result is needed first. */
  | { readonly kind: "open" }
  | { readonly kind: "failed"; readonly failure: Failure };

const open: Verdict = { kind: "open" };

type Heard = {
  readonly job: JobRecord;
  readonly stage: Stage;
  readonly task: number;
  readonly worker: WorkerRecord;
  readonly said: Omit<Opinion, keyof Witness>;
};

/** An attempt of a job with volunteers has ended well. */
export function hear(state: CoordinatorState, heard: Heard): Verdict {
  const { job, said, stage, task } = heard;
  const opinion: Opinion = { ...witnessOf(heard.worker, job.spec), ...said };
  const { forOwn, open: undecided } = stage.opinions;
  const known = knownOutput(stage, task);
  // Computed again after its place was lost, and the same as what was committed then.
  if (known !== null && markOf(known) === markOf(opinion.output)) return accepted(opinion);
  const before = undecided.get(task) ?? recalled(stage, task, known);
  if (!opinion.own && before.some((one) => !areDistinct(one, opinion))) {
    if (hasOwn(state, { job, stage, all: before })) forOwn.add(task);
    return open;
  }
  const all = [...before, opinion];
  undecided.set(task, all);
  return judge(state, { job, stage, task, all });
}

/** Of a task that was committed, and is computed again. */
function knownOutput(stage: Stage, task: number): TaskOutput | null {
  return stage.opinions.withdrawn.has(task) ? null : (stage.outputs[task] ?? null);
}

/** Those who vouched for it, if now others say something else. */
function recalled(stage: Stage, task: number, output: TaskOutput | null): Opinion[] {
  if (output === null) return [];
  return (stage.opinions.vouchers.get(task) ?? []).map((voucher) => ({ ...voucher, output }));
}

type Case = {
  readonly job: JobRecord;
  readonly stage: Stage;
  readonly task: number;
  readonly all: readonly Opinion[];
};

function judge(state: CoordinatorState, of: Case): Verdict {
  const { all, stage, task } = of;
  const own = all.filter((one) => one.own);
  stage.opinions.forOwn.delete(task);
  if (own.length > 0) return settle(state, of, own);
  const last = all.at(-1) as Opinion;
  const marks = new Map<string, number>();
  for (const { output } of all) {
    const mark = markOf(output);
    marks.set(mark, (marks.get(mark) ?? 0) + 1);
  }
  if (marks.size === 1) return agree(state, of, last);
  if (hasOwn(state, of)) {
    stage.opinions.forOwn.add(task);
    return open;
  }
  return outvote(state, of, marks);
}

/** All volunteers say the same. */
function agree(state: CoordinatorState, of: Case, last: Opinion): Verdict {
  const { all, job, stage, task } = of;
  if (all.length >= wanted(state, job, all)) {
    const isSpot = all.length > 1 && draw(state) < spotShare && ownHasRoom(state, of);
    if (!isSpot) {
      if (all.length > 1) for (const one of all) confirm(state, one, job);
      return accepted(last);
    }
    stage.opinions.forOwn.add(task);
  } else if (ownHasRoom(state, of)) stage.opinions.forOwn.add(task);
  return open;
}

/** How many volunteers must say the same. */
function wanted(state: CoordinatorState, job: JobRecord, all: readonly Opinion[]): number {
  if (job.spec.trust === "quorum") return job.spec.quorum?.agree ?? quorumDefault.agree;
  if (all.length > 1) return 2;
  return draw(state) < checkedShare(validOf(state, all[0] as Opinion, job.owner)) ? 2 : 1;
}

/** An own worker has computed it, too. */
function settle(state: CoordinatorState, { all, job, stage, task }: Case, own: Opinion[]): Verdict {
  const [first, ...others] = own as [Opinion, ...Opinion[]];
  const mark = markOf(first.output);
  if (others.some(({ output }) => markOf(output) !== mark)) {
    const name = taskName(stage.spec.kind, task);
    return { kind: "failed", failure: unstable(name, first, others.at(-1) as Opinion) };
  }
  const theirs = all.filter((one) => !one.own);
  const liars = theirs.filter(({ output }) => markOf(output) !== mark);
  if (liars.length > 0 && others.length === 0) {
    stage.opinions.forOwn.add(task);
    return open;
  }
  for (const one of theirs) if (!liars.includes(one)) confirm(state, one, job);
  // Other engines may give other last digits where the job asked for their own `Math`.
  const blamed = liars.filter(({ engine }) => !needsOneEngine(job.spec) || engine === first.engine);
  return {
    kind: "accepted",
    opinion: newestOf(own, mark) ?? newestOf(all, mark) ?? first,
    liars: blamed,
  };
}

/** Of those with this result: the earlier partitions of one that is computed again are lost. */
function newestOf(all: readonly Opinion[], mark: string): Opinion | undefined {
  return all.findLast((one) => one.lost !== true && markOf(one.output) === mark);
}

function unstable(name: string, first: Opinion, second: Opinion): Failure {
  const other = first.worker === second.worker ? " twice" : ` and w-${second.worker}`;
  const workers = `w-${first.worker}${other}`;
  return {
    code: "nondeterministic",
    message:
      `${name} was computed by ${workers} with two different results, so those of volunteers ` +
      "cannot be checked; remove what differs (crypto, `clock: real`), or run it on own workers " +
      "only (leave out `share`)",
  };
}

/** No own worker can decide which result is right. */
function outvote(state: CoordinatorState, of: Case, marks: ReadonlyMap<string, number>): Verdict {
  const { all, job, stage, task } = of;
  const { agree: votesMin, of: votesMax } = job.spec.quorum ?? quorumDefault;
  const [best, second] = [...marks].sort(([, a], [, b]) => b - a) as [
    [string, number],
    [string, number],
  ];
  const winner = newestOf(all, best[0]);
  if (winner !== undefined && best[1] >= votesMin && best[1] > second[1]) {
    for (const one of all) {
      if (markOf(one.output) === best[0]) confirm(state, one, job);
      else doubt(state, one);
    }
    return accepted(winner);
  }
  if (all.length < votesMax) return open;
  const message =
    `${taskName(stage.spec.kind, task)}: ${all.length} volunteers gave ${marks.size} different ` +
    "results, and no own worker is here to settle it; join one with `tequio join`";
  return { kind: "failed", failure: { code: "nondeterministic", message } };
}

function accepted(opinion: Opinion): Verdict {
  return { kind: "accepted", opinion, liars: [] };
}

type Asked = Pick<Case, "all" | "job" | "stage">;

/** Own workers that may settle what is disputed of the stage. */
function* ownWorkers(state: CoordinatorState, { all, job, stage }: Asked): Generator<WorkerRecord> {
  for (const worker of state.workers.values()) {
    if (!worker.live || worker.volunteer !== undefined || !mayRun(state, worker, stage)) continue;
    const [first] = all;
    const isOther = first !== undefined && first.engine !== engineOf(worker, job.spec);
    if (needsOneEngine(job.spec) && isOther) continue;
    yield worker;
  }
}

export function ownIsHere(state: CoordinatorState, job: JobRecord, stage: Stage): boolean {
  return hasOwn(state, { job, stage, all: [] });
}

export function hasOwn(state: CoordinatorState, of: Asked): boolean {
  return ownWorkers(state, of).next().done === false;
}

function ownHasRoom(state: CoordinatorState, of: Asked): boolean {
  let slots = 0;
  for (const { specs } of ownWorkers(state, of)) {
    slots += specs.slots;
    if (of.stage.opinions.forOwn.size < slots * waitingPerSlot) return true;
  }
  return false;
}

/** Whether the worker may give the next result of the task. */
export function mayJudge(
  { spec }: JobRecord,
  { opinions: { forOwn, notForTabs, open: undecided } }: Stage,
  task: number,
  worker: WorkerRecord,
): boolean {
  if (forOwn.has(task) && worker.volunteer !== undefined) return false;
  if (notForTabs.has(task) && worker.specs.tab === true) return false;
  const before = undecided.get(task);
  if (before === undefined) return true;
  const witness = witnessOf(worker, spec);
  if (needsOneEngine(spec) && before[0]?.engine !== witness.engine) return false;
  return before.every((one) => areDistinct(one, witness));
}

/** Keeps who vouches for the result that is committed. */
export function vouch(stage: Stage, task: number, accepted: Opinion): void {
  const { forOwn, open: undecided, vouchers } = stage.opinions;
  const mark = markOf(accepted.output);
  const others = (undecided.get(task) ?? []).filter(
    ({ attempt, output }) => attempt !== accepted.attempt && markOf(output) === mark,
  );
  const known = knownOutput(stage, task);
  const before = known !== null && markOf(known) === mark ? (vouchers.get(task) ?? []) : [];
  const all = [...before, ...others.map(voucherOf), voucherOf(accepted)];
  vouchers.set(task, [...new Map(all.map((one) => [one.attempt, one])).values()]);
  undecided.delete(task);
  forOwn.delete(task);
}

/** An attempt failed in a tab: maybe for lack of something that tabs do not have. A worker that is
 *  none tries it next, when there is one, and only what fails there counts against the job. */
export function failedInTab(
  state: CoordinatorState,
  { job, stage, task }: { readonly job: JobRecord; readonly stage: Stage; readonly task: number },
): boolean {
  if (!hasNoTab(state, job, stage)) return false;
  stage.opinions.notForTabs.add(task);
  return true;
}

/** Whether an own worker that is no tab may compute tasks of the stage. */
export function hasNoTab(state: CoordinatorState, job: JobRecord, stage: Stage): boolean {
  for (const { specs } of ownWorkers(state, { job, stage, all: [] })) {
    if (specs.tab !== true) return true;
  }
  return false;
}

/** A volunteer's attempt failed, or was lost. What it says of the task need not be true: an own
 *  worker tries it next, when there is one, and only what fails there counts against the job. */
export function failedElsewhere(
  state: CoordinatorState,
  failed: { readonly job: JobRecord; readonly stage: Stage; readonly task: number },
): boolean {
  const { stage, task } = failed;
  const all = stage.opinions.open.get(task) ?? [];
  if (!hasOwn(state, { ...failed, all })) return false;
  stage.opinions.forOwn.add(task);
  return true;
}
