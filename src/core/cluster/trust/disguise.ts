/** What a volunteer must not tell by its numbers: whether others had a task before it.
 *
 *  1. The first attempt of a task has any number, so that a later one is like a first one.
 *  2. Tasks are given out in any order within a window, so that an earlier one among later ones is
 *     nothing special. Results still come about in the order of their tasks.
 *  3. Both follow from a number of the job that only the coordinator has. */
import type { JobRecord, Stage } from "../state.ts";
import { fractionOf } from "./standing.ts";

/** The first attempt has a number from 1 to this. */
const firstMax = 10_000;
/** Tasks that are given out in any order among each other. */
const windowTasks = 256;

type Disguised = Pick<JobRecord, "disguise">;

/** The number of the next attempt of the task, which counts as given out from now on. */
export function nextAttempt(job: Disguised, stage: Stage, task: number): number {
  const last = (stage.attempts[task] as number) || before(job, stage, task);
  stage.attempts[task] = last + 1;
  return last + 1;
}

/** How many attempts of the task were given out. */
export function attemptsGiven(job: Disguised, stage: Stage, task: number): number {
  const last = stage.attempts[task] as number;
  return last === 0 ? 0 : last - before(job, stage, task);
}

/** The number before that of the first attempt. */
function before({ disguise }: Disguised, { index }: Stage, task: number): number {
  if (disguise === undefined) return 0;
  return Math.floor(fractionOf(disguise, 2 * (task * 64 + index)) * firstMax);
}

/** All tasks of the stage, in the order in which they are to be given out. */
export function* tasksInOrder(
  { disguise }: Disguised,
  { index, spec: { taskCount } }: Stage,
): Generator<number, void> {
  for (let start = 0; start < taskCount; start += windowTasks) {
    const tasks = Array.from(
      { length: Math.min(windowTasks, taskCount - start) },
      (_, at) => start + at,
    );
    if (disguise !== undefined) shuffle(tasks, (at) => fractionOf(disguise, pairOf(start + at)));
    yield* tasks;
  }

  /** Odd, where the numbers of attempts have even ones. */
  function pairOf(task: number): number {
    return 2 * (task * 64 + index) + 1;
  }
}

/** Fisher and Yates. */
function shuffle(tasks: number[], chance: (at: number) => number): void {
  for (let at = tasks.length - 1; at > 0; at--) {
    const other = Math.floor(chance(at) * (at + 1));
    [tasks[at], tasks[other]] = [tasks[other] as number, tasks[at] as number];
  }
}
