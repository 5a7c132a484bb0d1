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

/** All tasks of the stage, in the order in which they are to be given out; null = by number. */
export function taskOrder(
  { disguise }: Disguised,
  { index, spec: { taskCount } }: Stage,
): Uint32Array | null {
  if (disguise === undefined) return null;
  const tasks = Uint32Array.from({ length: taskCount }, (_, task) => task);
  // Fisher and Yates, in each window.
  for (let at = taskCount - 1; at > 0; at--) {
    const start = at - (at % windowTasks);
    // Odd, where the numbers of attempts have even ones.
    const chance = fractionOf(disguise, 2 * (at * 64 + index) + 1);
    const other = start + Math.floor(chance * (at - start + 1));
    [tasks[at], tasks[other]] = [tasks[other] as number, tasks[at] as number];
  }
  return tasks;
}
